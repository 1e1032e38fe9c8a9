// Random zones that change: what is put in place leaves the octets that writing the zone anew leaves, and
// every version is read back as it was.
//
// UNDERSTUDY_PROPERTY_SEED repeats a run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "backend/content_digest.h"
#include "backend/version_walk.h"
#include "property/oracle.h"
#include "property/world_maker.h"
#include "support/test_mirror.h"

namespace understudy::test {
namespace {

std::uint64_t seed() {
  const char* text = std::getenv("UNDERSTUDY_PROPERTY_SEED");
  return text == nullptr ? 20261130 : std::strtoull(text, nullptr, 10);
}

// Every RR of a walk, octet for octet.
std::vector<Rr> records_of(Result<std::unique_ptr<backend::NodeWalk>> walk) {
  std::vector<Rr> all;
  if (!walk) throw std::runtime_error(walk.error().message);
  backend::WalkedNode node;
  for (;;) {
    const Result<bool> more = (*walk)->next(node);
    if (!more) throw std::runtime_error(more.error().message);
    if (!*more) return all;
    Labels owner;
    for (const std::uint8_t* p = node.owner.data(); *p != 0; p += 1 + *p)
      owner.emplace_back(p + 1, p + 1 + *p);
    for (const backend::WalkedRecord& r : node.records) {
      all.push_back({owner, static_cast<std::uint16_t>(r.type), r.ttl, {r.rdata.begin(), r.rdata.end()}});
    }
  }
}

backend::Digest digest_of(const std::vector<Rr>& records) {
  backend::ContentDigest digest;
  for (const Rr& record : records) {
    if (record.type == type::SOA || (record.type == type::RRSIG && record.rdata[1] == type::SOA)) continue;
    Bytes wire;
    append_name(wire, record.owner);
    digest.add({*dns::NameView::parse(wire), dns::RRType{record.type}, record.ttl, record.rdata});
  }
  return digest.value();
}

std::size_t missing_from(std::vector<Rr> a, std::vector<Rr> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::vector<Rr> only;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only));
  return only.size();
}

class Chain {
 public:
  explicit Chain(std::uint64_t seed) : maker_(seed), zone_(maker_.make_world().front()) {}

  void step() {
    constexpr std::array<backend::MergeBounds, 4> bounds{
        backend::MergeBounds{}, backend::MergeBounds{400, 1u << 20}, backend::MergeBounds{1u << 20, 300},
        backend::MergeBounds{0, 0}};
    const backend::ZoneRow row = mirror_.publish({zone_.apex, zone_.records}, bounds[maker_.below(4)]);
    const auto reader = std::move(*mirror_.mirror().reader());
    ASSERT_TRUE(reader->renew());
    const backend::VersionRow version = *reader->version(row.id, row.version);
    generations_ += version.how == backend::How::whole;
    expect_nodes(*reader, *reader->zone(apex()));
    contents_.push_back(records_of(backend::walk_version(*reader, *reader->zone(apex()), row.version)));
    EXPECT_EQ(shown(contents_.back()), shown(tidy(zone_.apex, zone_.records).records));
    if (contents_.size() > 1) {
      const auto& before = contents_[contents_.size() - 2];
      EXPECT_EQ(version.added, missing_from(contents_.back(), before));
      EXPECT_EQ(version.removed, missing_from(before, contents_.back()));
    }
    reader->reset();
    zone_ = maker_.chance(4) ? renamed(maker_.make_world().front()) : maker_.make_next(zone_);
    while (*mirror_.mirror().writer().collect()) {
    }
  }

  void expect_all_versions() {
    const auto reader = std::move(*mirror_.mirror().reader());
    ASSERT_TRUE(reader->renew());
    const backend::ZoneRow live = *reader->zone(apex());
    for (std::size_t i = 0; i < contents_.size(); ++i) {
      const auto got = records_of(backend::walk_version(*reader, live, i + 1));
      ASSERT_EQ(got, contents_[i]) << "version " << i + 1 << " of " << contents_.size();
      ASSERT_EQ(digest_of(got), reader->version(live.id, i + 1)->digest);
    }
  }

  std::size_t generations() const { return generations_; }

 private:
  dns::Name apex() const {
    Bytes wire;
    append_name(wire, zone_.apex);
    return dns::Name(*dns::NameView::parse(wire));
  }

  // Another zone altogether under this one's name, whatever hung below the other's.
  RandomZone renamed(const RandomZone& other) const {
    RandomZone out{zone_.apex, {}};
    for (Rr record : other.records) {
      record.owner.resize(record.owner.size() - other.apex.size());
      record.owner.insert(record.owner.end(), zone_.apex.begin(), zone_.apex.end());
      if (wire_size(record.owner) <= 255) out.records.push_back(record);
    }
    return out;
  }

  void expect_nodes(backend::Reader& reader, const backend::ZoneRow& row) {
    const auto expected = mirror_.nodes_of({zone_.apex, zone_.records});
    EXPECT_EQ(row.nodes, expected.size());
    backend::FoundNode found;
    bool more = reader.seek(row.generation, {}, found);
    for (const backend::StoredNode& node : expected) {
      ASSERT_TRUE(more);
      const Bytes key(found.key.begin(), found.key.end());
      const Bytes block(found.node.octets().begin(), found.node.octets().end());
      ASSERT_EQ(key, node.key);
      ASSERT_EQ(block, node.block);
      more = reader.next(found);
    }
    EXPECT_FALSE(more);
  }

  WorldMaker maker_;
  RandomZone zone_;
  TestMirror mirror_;
  std::vector<std::vector<Rr>> contents_;  // of version 1, 2, ...
  std::size_t generations_ = 0;
};

TEST(ChangingZones, AreTheSameInPlaceAndAnewAndEachVersionIsReadBack) {
  std::cout << "UNDERSTUDY_PROPERTY_SEED=" << seed() << std::endl;
  std::size_t generations = 0;
  for (std::uint64_t chain = 0; chain < 12; ++chain) {
    Chain zone(seed() + chain);
    for (int step = 0; step < 25; ++step) {
      zone.step();
      ASSERT_FALSE(::testing::Test::HasFailure()) << "chain " << chain << ", step " << step;
    }
    zone.expect_all_versions();
    ASSERT_FALSE(::testing::Test::HasFailure()) << "chain " << chain;
    generations += zone.generations();
  }
  EXPECT_GT(generations, 12u);  // versions were kept whole as well
}

}  // namespace
}  // namespace understudy::test
