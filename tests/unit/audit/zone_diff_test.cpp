// The difference between two versions of a zone: every class, what is the same for DNS, and the order.
#include "audit/zone_diff.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "dns/presentation.h"
#include "unit/audit/walks.h"

namespace understudy::audit {
namespace {

using test::TextWalk;

std::string side_text(dns::RRType type, const std::optional<Difference::Side>& side) {
  if (!side) return "none";
  std::string out = std::to_string(side->ttl);
  for (const Difference::Rdata& rdata : side->rdata) {
    out += (rdata.common ? " =" : " ") + dns::rdata_text(type, rdata.octets);
  }
  return out;
}

// "OWNER TYPE CLASS: TTL DATA... / TTL DATA...", data that both sides have behind a "=".
std::vector<std::string> differences(std::string_view a, std::string_view b,
                                     ZoneDiff::Counts* counts = nullptr) {
  std::vector<std::string> out;
  ZoneDiff diff([&](const Difference& d) {
    out.push_back(dns::to_string(dns::Name(d.owner)) + " " + dns::to_string(d.type) + " " +
                  std::string(to_string(d.what)) + ": " + side_text(d.type, d.a) + " / " +
                  side_text(d.type, d.b));
  });
  TextWalk walk_a(a), walk_b(b);
  EXPECT_TRUE(diff.walk(walk_a, walk_b));
  if (counts != nullptr) *counts = diff.counts();
  return out;
}
using Told = std::vector<std::string>;

TEST(ZoneDiff, FindsNothingBetweenEqualZones) {
  const std::string zone = R"(
    z. 3600 SOA ns.z. host.z. 1 2 3 4 5
    z. 3600 NS ns.z.
    ns.z. 300 A 192.0.2.1
  )";
  ZoneDiff::Counts counts;
  EXPECT_EQ(differences(zone, zone, &counts), Told{});
  EXPECT_EQ(counts.records_a, 3u);
  EXPECT_EQ(counts.records_b, 3u);
  EXPECT_EQ(counts.differences(), 0u);
  EXPECT_EQ(differences("", ""), Told{});
}

TEST(ZoneDiff, TellsAnRRsetOfOneSideOnly) {
  EXPECT_EQ(differences("w.z. 300 A 192.0.2.1\nw.z. 300 AAAA 2001:db8::1", "w.z. 300 A 192.0.2.1"),
            Told{"w.z. AAAA missing: 300 2001:db8::1 / none"});
  EXPECT_EQ(differences("w.z. 300 A 192.0.2.1", "w.z. 300 A 192.0.2.1\nw.z. 300 AAAA 2001:db8::1"),
            Told{"w.z. AAAA extra: none / 300 2001:db8::1"});
}

TEST(ZoneDiff, TellsOwnersOfOneSideAtBothEndsAndBetween) {
  const std::string all = "a.z. 1 A 192.0.2.1\nb.z. 1 A 192.0.2.2\nc.z. 1 A 192.0.2.3";
  const std::string middle = "b.z. 1 A 192.0.2.2", ends = "a.z. 1 A 192.0.2.1\nc.z. 1 A 192.0.2.3";
  const Told outer{"a.z. A missing: 1 192.0.2.1 / none", "c.z. A missing: 1 192.0.2.3 / none"};
  EXPECT_EQ(differences(all, middle), outer);
  EXPECT_EQ(differences(all, ends), Told{"b.z. A missing: 1 192.0.2.2 / none"});
  EXPECT_EQ(differences(middle, all),
            (Told{"a.z. A extra: none / 1 192.0.2.1", "c.z. A extra: none / 1 192.0.2.3"}));
  EXPECT_EQ(differences("", middle), Told{"b.z. A extra: none / 1 192.0.2.2"});
  EXPECT_EQ(differences(middle, ""), Told{"b.z. A missing: 1 192.0.2.2 / none"});
}

TEST(ZoneDiff, TellsChangedDataAndWhatIsCommon) {
  EXPECT_EQ(
      differences("w.z. 300 A 192.0.2.1\nw.z. 300 A 192.0.2.2", "w.z. 300 A 192.0.2.2\nw.z. 300 A 192.0.2.3"),
      Told{"w.z. A rdata: 300 192.0.2.1 =192.0.2.2 / 300 =192.0.2.2 192.0.2.3"});
  // One side's data may be a part of the other's.
  EXPECT_EQ(differences("w.z. 300 A 192.0.2.1", "w.z. 300 A 192.0.2.1\nw.z. 300 A 192.0.2.3"),
            Told{"w.z. A rdata: 300 =192.0.2.1 / 300 =192.0.2.1 192.0.2.3"});
  // Both data and TTL: the data counts.
  EXPECT_EQ(differences("w.z. 300 A 192.0.2.1", "w.z. 60 A 192.0.2.2"),
            Told{"w.z. A rdata: 300 192.0.2.1 / 60 192.0.2.2"});
}

TEST(ZoneDiff, TellsATtlAlone) {
  EXPECT_EQ(differences("w.z. 300 A 192.0.2.1", "w.z. 301 A 192.0.2.1"),
            Told{"w.z. A ttl: 300 =192.0.2.1 / 301 =192.0.2.1"});
  // RFC 2181 5.2: the RRs of an RRset have one TTL, the lowest where they were written with several.
  EXPECT_EQ(
      differences("w.z. 300 A 192.0.2.1\nw.z. 60 A 192.0.2.2", "w.z. 60 A 192.0.2.1\nw.z. 300 A 192.0.2.2"),
      Told{});
}

TEST(ZoneDiff, TellsASerialLikeAnyData) {
  EXPECT_EQ(differences("z. 3600 SOA ns.z. host.z. 1 2 3 4 5", "z. 3600 SOA ns.z. host.z. 2 2 3 4 5"),
            Told{"z. SOA rdata: 3600 ns.z. host.z. 1 2 3 4 5 / 3600 ns.z. host.z. 2 2 3 4 5"});
}

TEST(ZoneDiff, ComparesNamesWithoutCase) {
  EXPECT_EQ(differences("WWW.z. 300 MX 10 Mail.Z.", "www.Z. 300 MX 10 mail.z."), Told{});
  // Also in the types that RFC 4034 6.2 does not lower: HTTPS (65), target H.z. against h.z.
  EXPECT_EQ(differences("z. 300 TYPE65 \\# 7 0001 0148 017A 00", "z. 300 TYPE65 \\# 7 0001 0168 017A 00"),
            Told{});
  // Text is no name.
  EXPECT_EQ(differences("w.z. 300 TXT A", "w.z. 300 TXT a"), Told{"w.z. TXT rdata: 300 \"A\" / 300 \"a\""});
  // Owners are told in lower case, whichever side has them.
  EXPECT_EQ(differences("WWW.Z. 300 A 192.0.2.1", ""), Told{"www.z. A missing: 300 192.0.2.1 / none"});
}

TEST(ZoneDiff, TakesWhatIsThereTwiceOnce) {
  EXPECT_EQ(differences("w.z. 300 MX 10 Mail.z.\nw.z. 300 MX 10 mail.z.", "w.z. 300 MX 10 mail.z."), Told{});
}

// An RRSIG's RDATA: type covered, algorithm 13, labels, original TTL, expiration, inception, key tag, signer,
// signature (RFC 4034 3.1).
std::string rrsig(std::string_view owner, unsigned covered, std::string_view signature) {
  char head[64];
  std::snprintf(head, sizeof head, "%04X0D02 0000012C 60000000 50000000 1234 017A00", covered);
  return std::string(owner) + " 300 TYPE46 \\# 22 " + head + std::string(signature) + "\n";
}

TEST(ZoneDiff, GroupsSignaturesByTheTypeThatTheyCover) {
  const std::string data = "w.z. 300 A 192.0.2.1\nw.z. 300 TXT t\n";
  const std::string before = data + rrsig("w.z.", 1, "AA") + rrsig("w.z.", 16, "BB");
  const std::string after = data + rrsig("w.z.", 1, "AA") + rrsig("w.z.", 16, "CC");
  const auto changed = differences(before, after);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(changed[0].find("w.z. RRSIG rdata: 300 TXT 13 2 300 "), 0u) << changed[0];
  const auto gone = differences(before, data + rrsig("w.z.", 16, "BB"));
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].find("w.z. RRSIG missing: 300 A 13 2 300 "), 0u) << gone[0];
  // All of an owner in the order of types, each type's signatures right behind it.
  const auto all = differences(before, "");
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].find("w.z. A missing"), 0u);
  EXPECT_EQ(all[1].find("w.z. RRSIG missing: 300 A "), 0u);
  EXPECT_EQ(all[2].find("w.z. TXT missing"), 0u);
  EXPECT_EQ(all[3].find("w.z. RRSIG missing: 300 TXT "), 0u);
}

// Also where nothing that they cover stands between them.
TEST(ZoneDiff, KeepsSignaturesOfSeveralTypesApart) {
  const std::string both = rrsig("w.z.", 1, "AA") + rrsig("w.z.", 16, "BB");
  const auto gone = differences(both, rrsig("w.z.", 16, "BB"));
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].find("w.z. RRSIG missing: 300 A 13 2 300 "), 0u) << gone[0];
}

// RFC 4034 6.1 gives this order itself.
TEST(ZoneDiff, TellsInCanonicalOrder) {
  const std::vector<std::string> ordered{"example.",         "a.example.",      "yljkjljk.a.example.",
                                         "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
                                         "\\001.z.example.", "*.z.example.",    "\\200.z.example."};
  std::string reversed;
  for (const auto& owner : ordered) reversed = owner + " 1 A 192.0.2.1\n" + reversed;
  const auto told = differences(reversed, "");
  ASSERT_EQ(told.size(), ordered.size());
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    const std::string owner = test::text_of(test::lowered(test::name(ordered[i])));
    EXPECT_EQ(told[i].find(owner), 0u) << told[i];
  }
}

// A zone from the mirror (compressed, with nodes for the empty non-terminals a.b.z. and b.z.) is the zone
// that it was made from, and a change is told from there too.
TEST(ZoneDiff, ComparesTheMirrorWithRecords) {
  const std::string text = R"(
    z. 3600 SOA ns.z. host.z. 1 2 3 4 5
    z. 3600 NS NS.z.
    z. 3600 MX 10 ns.z.
    ns.z. 300 A 192.0.2.1
    Deep.a.b.z. 300 CNAME ns.Z.
  )";
  test::TestMirror mirror({test::zone("z.", text)});
  const auto reader = *mirror.mirror().reader();
  ASSERT_TRUE(reader->renew());
  const auto row = reader->zone(*dns::Name::from_text("z."));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->nodes, 5u) << "the empty non-terminals are meant to be there";
  Told told;
  const auto against = [&](std::string_view other) {
    told.clear();
    ZoneDiff diff([&](const Difference& d) {
      told.push_back(dns::to_string(dns::Name(d.owner)) + " " + dns::to_string(d.type) + " " +
                     std::string(to_string(d.what)));
    });
    const auto walk = backend::walk_generation(*reader, row->generation);
    TextWalk records(other);
    EXPECT_TRUE(diff.walk(*walk, records));
    return told;
  };
  EXPECT_EQ(against(text), Told{});
  EXPECT_EQ(against(text + "b.z. 300 A 192.0.2.1\n"), Told{"b.z. A extra"});
}

// Two random zones against a difference of sets, computed apart from the product.
using Sets = std::map<std::pair<test::Labels, unsigned>, std::pair<std::uint32_t, std::set<test::Bytes>>>;

Sets sets_of(const std::vector<test::Rr>& records) {
  Sets sets;
  for (const test::Rr& given : records) {
    const test::Rr record = test::normal(given);
    auto [place, made] = sets.try_emplace({record.owner, record.type}, record.ttl, std::set<test::Bytes>{});
    place->second.first = std::min(place->second.first, record.ttl);
    place->second.second.insert(record.rdata);
  }
  return sets;
}

std::set<std::string> plain_difference(const Sets& a, const Sets& b) {
  std::set<std::string> out;
  const auto tell = [&](const Sets::key_type& key, const char* what) {
    out.insert(test::text_of(key.first) + " " + test::type_text(static_cast<std::uint16_t>(key.second)) +
               " " + what);
  };
  for (const auto& [key, data] : a) {
    const auto other = b.find(key);
    if (other == b.end()) {
      tell(key, "missing");
    } else if (other->second.second != data.second) {
      tell(key, "rdata");
    } else if (other->second.first != data.first) {
      tell(key, "ttl");
    }
  }
  for (const auto& [key, data] : b) {
    if (!a.contains(key)) tell(key, "extra");
  }
  return out;
}

std::vector<test::Rr> random_records(std::mt19937& random, std::size_t count) {
  const auto pick = [&](std::initializer_list<const char*> words) {
    return std::string(*(words.begin() + random() % words.size()));
  };
  std::vector<test::Rr> out;
  while (out.size() < count) {
    std::string owner = "z.";
    for (unsigned depth = random() % 4; depth > 0; --depth) {
      owner = pick({"a", "A", "b", "*", "\\000", "\\001", "a\\.b", "zz"}) + "." + owner;
    }
    const std::string target = pick({"ns.z.", "NS.z.", "other.example.", "z."});
    const std::string data = pick({"A 192.0.2.1", "A 192.0.2.2", "TXT x", "TXT X", "NS ", "MX 1 ", "MX 2 "});
    out.push_back(test::rr(owner + " " + pick({"60", "300", "300", "300"}) + " " + data +
                           (data.back() == ' ' ? target : "")));
  }
  return out;
}

TEST(ZoneDiff, IsTheDifferenceOfSetsOnRandomZones) {
  std::mt19937 random(20261130);
  for (int round = 0; round < 300; ++round) {
    std::vector<test::Rr> a = random_records(random, random() % 60);
    // Most of it in common, the rest of each side's own.
    std::vector<test::Rr> b;
    for (const test::Rr& record : a) {
      if (random() % 5 != 0) b.push_back(record);
    }
    for (test::Rr& record : random_records(random, random() % 10)) b.push_back(std::move(record));
    std::shuffle(b.begin(), b.end(), random);
    std::set<std::string> told;
    std::uint64_t count = 0;
    ZoneDiff diff([&](const Difference& d) {
      ++count;
      told.insert(test::text_of(test::name(dns::to_string(dns::Name(d.owner)))) + " " +
                  test::type_text(static_cast<std::uint16_t>(d.type)) + " " + std::string(to_string(d.what)));
    });
    TextWalk walk_a(a), walk_b(b);
    ASSERT_TRUE(diff.walk(walk_a, walk_b));
    ASSERT_EQ(told, plain_difference(sets_of(a), sets_of(b))) << "round " << round;
    ASSERT_EQ(count, told.size()) << "nothing is told twice";
    ASSERT_EQ(count, diff.counts().differences());
  }
}

}  // namespace
}  // namespace understudy::audit
