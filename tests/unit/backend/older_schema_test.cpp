// Mirrors as older programs left them, octet by octet from docs/formats.md (of schema 1 from the page as it
// was then), are opened: nothing is lost. Nothing here is written by the product.
#include <gtest/gtest.h>
#include <lmdb.h>

#include <fstream>

#include "backend/version_walk.h"
#include "unit/backend/mirror_fixture.h"

namespace understudy::backend {
namespace {

Bytes cat(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
Bytes number(std::size_t octets, std::uint64_t value) {
  Bytes out(octets);
  for (std::size_t i = octets; i-- > 0; value >>= 8) out[i] = static_cast<std::uint8_t>(value);
  return out;
}
Bytes text(std::string_view characters) { return {characters.begin(), characters.end()}; }

constexpr std::uint64_t bulk = 0x800000000001, dead = 0x800000000000;
// The apex of RFC 5155's example, and what comes behind all hashes.
constexpr std::string_view hashed = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
                           last = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
const Bytes hash{0x06, 0x53, 0x68, 0xab, 0xee, 0xd7, 0xec, 0x6e, 0x9f, 0xeb,
                 0xa9, 0x6b, 0x8c, 0x8b, 0xc3, 0xe8, 0xb7, 0x91, 0xf7, 0x16};

// RRs of TTL 60 without signatures: `patches`, and each RDLENGTH and RDATA as stored.
Bytes rrset(std::uint8_t count, const Bytes& patches, const Bytes& rrs, std::uint8_t signatures = 0) {
  return cat({number(4, 60), number(2, count), number(2, signatures), number(2, patches.size() / 3),
              number(2, rrs.size()), patches, rrs});
}
// A node with one RRset.
Bytes node(std::uint8_t type, const Bytes& octets, std::uint8_t flags = 0, const Bytes& owner = {}) {
  return cat({{flags, 0, 0, 1}, owner, {0, type}, number(4, 10 + owner.size()), octets});
}
Bytes address(const Bytes& last_octets) {
  Bytes rrs;
  for (const std::uint8_t octet : last_octets) rrs = cat({rrs, {0, 4, 1, 2, 3, octet}});
  return rrset(static_cast<std::uint8_t>(last_octets.size()), {}, rrs);
}
// SOA ns.z. h.z. of that serial, NS ns.z. and, where it is wanted, NSEC3PARAM 1 0 0 -.
Bytes apex(std::uint8_t serial, bool has_nsec3) {
  const Bytes ns = rrset(1, {0, 5, 3}, {0, 5, 2, 'n', 's', 0, 0});
  const Bytes soa = rrset(1, {0, 5, 3, 0, 9, 3},
                          cat({{0, 29, 2, 'n', 's', 0, 0, 1, 'h', 0, 0},
                               number(4, serial),
                               number(4, 1),
                               number(4, 2),
                               number(4, 3),
                               number(4, 4)}));
  if (!has_nsec3) return cat({{1, 0, 0, 2, 0, 2, 0, 0, 0, 16, 0, 6, 0, 0, 0, 38}, ns, soa});
  return cat({{1, 0, 0, 3, 0, 2, 0, 0, 0, 22, 0, 6, 0, 0, 0, 44, 0, 51, 0, 0, 0, 93},
              ns,
              soa,
              rrset(1, {}, {0, 5, 1, 0, 0, 0, 0})});
}
const Bytes nsec3_rdata = cat({{1, 0, 0, 0, 0, 20}, Bytes(20, 7), {0, 1, 0x40}});
const Bytes nsec3_signature = cat({{0, 50, 13, 2},
                                   number(4, 60),
                                   number(4, 2'000'000'000),
                                   number(4, 1'000'000'000),
                                   {0, 7, 1, 'z', 0, 0xab}});
Bytes nsec3() {
  return cat({rrset(1, {}, cat({number(2, nsec3_rdata.size()), nsec3_rdata}), 1), number(4, 60),
              number(2, nsec3_signature.size()), nsec3_signature});
}
Bytes zone_row(std::uint64_t id, std::uint64_t generation, std::uint64_t version, std::uint64_t serial,
               std::uint64_t records, std::uint64_t nodes) {
  return cat({number(8, id), number(8, generation), number(8, version), number(4, serial), number(8, records),
              number(8, nodes), number(8, 1000), Bytes(32, 0xee)});
}

class OlderSchema : public MirrorFixture {
 protected:
  void SetUp() override {
    ASSERT_EQ(mdb_env_create(&env_), 0);
    mdb_env_set_maxdbs(env_, 16);
    ASSERT_EQ(mdb_env_open(env_, path().c_str(), MDB_NOSUBDIR, 0600), 0);
    ASSERT_EQ(mdb_txn_begin(env_, nullptr, 0, &txn_), 0);
  }
  std::string path() const { return directory_ + "/mirror.mdb"; }
  void put(const char* database, Bytes key, Bytes value) {
    MDB_dbi dbi = 0;
    ASSERT_EQ(mdb_dbi_open(txn_, database, MDB_CREATE, &dbi), 0);
    MDB_val k{key.size(), key.data()}, v{value.size(), value.data()};
    ASSERT_EQ(mdb_put(txn_, dbi, &k, &v, 0), 0);
  }
  void put_node(std::uint64_t generation, const Bytes& key, const Bytes& block) {
    put("nodes", cat({number(6, generation), key}), block);
  }
  void write_out() {
    ASSERT_EQ(mdb_txn_commit(txn_), 0);
    mdb_env_close(env_);
  }
  Bytes file() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  void put_common(std::uint8_t schema) {
    put("meta", text("schema"), number(4, schema));
    put("meta", text("next-zone"), number(8, 7));
    put("meta", text("next-bulk-generation"), number(8, 9));
    put("meta", text("next-small-generation"), number(8, 5));
    put("timers", number(8, 2), cat({number(8, 11), number(8, 12), number(8, 13), number(8, 14)}));
    put("zones", {1, 'e', 0}, zone_row(3, 0, 0, 0, 0, 0));  // e.: without data yet
    put("garbage", number(6, dead), cat({{2}, number(8, 2)}));
    put("garbage", number(6, bulk + 1), cat({{1}, number(8, 3)}));
    put_node(dead, {'z', 0}, apex(1, false));
    put_node(bulk + 1, {'e', 0}, apex(1, false));
  }
  void expect_common() {
    const auto reading = reader();
    const auto timers = reading->timers(2);
    ASSERT_TRUE(timers);
    EXPECT_EQ((std::vector{timers->last_check, timers->last_success, timers->next_check, timers->expires}),
              (std::vector<UnixTime>{11, 12, 13, 14}));
    const auto empty = reading->zone(name("e."));
    ASSERT_TRUE(empty);
    EXPECT_EQ(empty->id, 3u);
    EXPECT_EQ(empty->generation, 0u);
    EXPECT_EQ(writer().ensure_zone(name("new."))->id, 7u);
    EXPECT_EQ(*writer().begin(3), bulk + 8);
    while (*writer().collect()) {
    }
    for (const std::uint64_t generation : {dead, bulk + 1}) {
      FoundNode found;
      EXPECT_FALSE(reader()->seek(generation, {}, found)) << generation;
    }
  }

  // "owner type data" of a version of z., the data of an address its last octet, else in hexadecimal.
  std::vector<std::string> read(Version version) {
    std::vector<std::string> lines;
    const auto reading = reader();
    const auto walk = walk_version(*reading, *reading->zone(name("z.")), version);
    if (!walk) return {std::string(walk.error().reason)};
    WalkedNode at;
    while (*(*walk)->next(at)) {
      for (const WalkedRecord& r : at.records) {
        EXPECT_EQ(r.ttl, 60u);
        std::string line = to_string(at.owner) + ' ' + dns::to_string(r.type);
        if (r.type == RRType::A) line += ' ' + std::to_string(r.rdata.back());
        if (r.type == RRType::SOA) line += ' ' + std::to_string(dns::Soa::of(r.rdata).serial);
        const bool is_nsec3 = r.type == RRType::NSEC3;
        if (is_nsec3 || r.type == RRType::RRSIG) {
          EXPECT_EQ(Bytes(r.rdata.begin(), r.rdata.end()), is_nsec3 ? nsec3_rdata : nsec3_signature);
        }
        lines.push_back(line);
      }
    }
    return lines;
  }
  bool finds_nsec3() {
    const auto reading = reader();
    dns::NameKey key(name("z."));
    const std::string label(hashed);
    key.append_nsec3(
        *dns::nsec3_hash_of_label(Octets(reinterpret_cast<const std::uint8_t*>(label.data()), label.size())));
    EXPECT_EQ(Bytes(key.octets().end() - 20, key.octets().end()), hash);
    FoundNode found;
    return reading->find_exact(reading->zone(name("z."))->generation, key, key.size(), found) &&
           found.node.find(RRType::NSEC3) && found.node.find(RRType::NSEC3)->signature_count() == 1;
  }
  void expect_only_serve_opens_it() {
    const Bytes before = file();
    MirrorOptions read_only = options_;
    read_only.read_only = true;
    EXPECT_EQ(open_mirror(read_only).error().reason, "mirror-schema");
    EXPECT_EQ(file(), before);
    mirror();
    mirror_.reset();
    EXPECT_TRUE(open_mirror(read_only)) << "converted, it is one of this schema";
  }

  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
};

// One zone with all kinds of nodes. It knew no versions, no added zones, and NSEC3s stood under their owners'
// names.
class Schema1 : public OlderSchema {
 protected:
  void SetUp() override {
    OlderSchema::SetUp();
    put_common(1);
    put("zones", {1, 'z', 0}, zone_row(2, bulk, 4, 8, 10, 8));
    put_node(bulk, {'z', 0}, apex(8, true));
    put_node(bulk, {'z', 0, 'a', 0}, node(1, address({120, 121}), 0x20, {1, 'A', 1, 'z', 0}));
    put_node(bulk, {'z', 0, 'w', 0}, {0x08, 0, 0, 0});
    put_node(bulk, {'z', 0, 'w', 0, '*', 0}, node(1, address({9})));
    put_node(bulk, cat({{'z', 0}, text(hashed), {0}}), node(50, nsec3()));
    // A name below it: it stays one.
    put_node(bulk, cat({{'z', 0}, text(last), {0}}), node(50, nsec3()));
    put_node(bulk, cat({{'z', 0}, text(last), {0, 'x', 0}}), node(1, address({7})));
  }
};

TEST_F(Schema1, nothing_is_lost) {
  write_out();
  expect_only_serve_opens_it();
  const auto row = reader()->zone(name("z."));
  ASSERT_TRUE(row);
  EXPECT_EQ((std::vector<std::uint64_t>{row->id, row->generation, row->version, row->serial, row->records,
                                        row->nodes}),
            (std::vector<std::uint64_t>{2, bulk, 4, 8, 10, 8}));
  EXPECT_EQ(row->published, 1000);
  Digest digest;
  digest.fill(0xee);
  EXPECT_EQ(row->digest, digest);
  const std::string moved = std::string(hashed) + ".z. ", stays = std::string(last) + ".z. ";
  EXPECT_EQ(read(4), (std::vector<std::string>{"z. NS", "z. SOA 8", "z. NSEC3PARAM", moved + "NSEC3",
                                               moved + "RRSIG", "A.z. A 120", "A.z. A 121", stays + "NSEC3",
                                               stays + "RRSIG", "x." + stays + "A 7", "*.w.z. A 9"}));
  EXPECT_TRUE(finds_nsec3());
  const auto versions = reader()->versions(2);
  ASSERT_EQ(versions.size(), 1u);
  EXPECT_EQ(versions[0].how, How::whole);
  EXPECT_EQ(versions[0].version, 4u);
  EXPECT_EQ(versions[0].serial, 8u);
  EXPECT_EQ(versions[0].published, 1000);
  EXPECT_EQ(versions[0].added, 10u);
  EXPECT_EQ(versions[0].digest, digest);
  EXPECT_TRUE(reader()->versions(3).empty());
  EXPECT_TRUE(reader()->added().empty());
  EXPECT_TRUE(reader()->unserved().empty());
  expect_common();
}

TEST_F(Schema1, what_cannot_be_converted_whole_is_left_as_it_was) {
  put("zones", {1, 'z', 'z', 0}, Bytes(83, 1));  // converted after the good one
  write_out();
  const Bytes before = file();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(open_mirror(options_).error().reason, "mirror-io");
    EXPECT_EQ(file(), before);
  }
}

// Versions, added zones and unserved ones; nothing was ever held.
TEST_F(OlderSchema, of_schema_2_nothing_is_lost) {
  put_common(2);
  put("zones", {1, 'z', 0}, zone_row(2, 4, 2, 8, 4, 2));
  put_node(4, {'z', 0}, apex(8, false));
  put_node(4, {'z', 0, 'a', 0}, node(1, address({120, 121})));
  const auto version = [](std::uint8_t how, std::uint8_t serial, std::uint8_t records, std::uint8_t chunks) {
    return cat({{how},
                number(4, serial),
                number(8, 900 + serial),
                number(8, records),
                number(8, 2),
                Bytes(32, 0xdd),
                number(8, 2),
                number(8, 1),
                number(8, 200),
                number(8, 300),
                number(8, 400),
                number(6, 0),
                number(4, chunks),
                text("axfr://192.0.2.1")});
  };
  put("changes", cat({number(8, 2), number(8, 1), number(4, 0)}), version(1, 7, 3, 0));
  put("changes", cat({number(8, 2), number(8, 2), number(4, 0)}), version(2, 8, 4, 1));
  const auto soa = [](std::uint8_t operation, std::uint8_t serial) {
    return cat({{operation, 1, 'z', 0, 0, 6},
                number(4, 60),
                number(2, 31),
                {2, 'n', 's', 1, 'z', 0, 1, 'h', 1, 'z', 0},
                number(4, serial),
                number(4, 1),
                number(4, 2),
                number(4, 3),
                number(4, 4)});
  };
  const Bytes change =
      cat({soa(0, 7), soa(1, 8), {1, 1, 'a', 1, 'z', 0, 0, 1}, number(4, 60), {0, 4, 1, 2, 3, 121}});
  // RFC 8878 3.1.1: a frame of one segment that tells its size, with one raw block.
  ASSERT_LT(change.size(), 256u);
  const auto size = static_cast<std::uint8_t>(change.size());
  const auto block = static_cast<std::uint16_t>(size << 3 | 1);
  put("changes", cat({number(8, 2), number(8, 2), number(4, 1)}),
      cat({{0x28, 0xb5, 0x2f, 0xfd, 0x20, size, static_cast<std::uint8_t>(block & 255),
            static_cast<std::uint8_t>(block >> 8), 0},
           change}));
  put("added", {1, 'e', 0}, cat({number(8, 258), {6}, text("source"), {0, 7}, text("file:/z")}));
  put("unserved", {1, 'u', 0}, number(8, 259));
  put("zones", {1, 'u', 0}, zone_row(4, 3, 1, 1, 3, 1));
  put_node(3, {'u', 0}, apex(1, false));
  write_out();
  expect_only_serve_opens_it();

  EXPECT_EQ(read(2), (std::vector<std::string>{"z. NS", "z. SOA 8", "a.z. A 120", "a.z. A 121"}));
  EXPECT_EQ(read(1), (std::vector<std::string>{"z. NS", "z. SOA 7", "a.z. A 120"}));
  const auto versions = reader()->versions(2);
  ASSERT_EQ(versions.size(), 2u);
  for (const VersionRow& row : versions) {
    EXPECT_EQ(row.serial, row.version + 6);
    EXPECT_EQ(row.published, 906 + static_cast<UnixTime>(row.version));
    EXPECT_EQ(row.source, "axfr://192.0.2.1");
    EXPECT_EQ((std::vector{row.added, row.removed, row.zone_octets, row.octets, row.total_octets}),
              (std::vector<std::uint64_t>{2, 1, 200, 300, 400}));
  }
  const auto added = reader()->added();
  ASSERT_EQ(added.size(), 1u);
  EXPECT_EQ(to_string(added[0].apex), "e.");
  EXPECT_EQ(added[0].added, 258);
  EXPECT_EQ(added[0].options, (std::vector<std::pair<std::string, std::string>>{{"source", "file:/z"}}));
  const auto unserved = reader()->unserved();
  ASSERT_EQ(unserved.size(), 1u);
  EXPECT_EQ(to_string(unserved[0].apex), "u.");
  EXPECT_EQ(unserved[0].since, 259);
  EXPECT_EQ(reader()->zone(name("u."))->generation, 3u);
  EXPECT_FALSE(reader()->held(2));
  EXPECT_EQ(reader()->standing(2).last, 0u);
  expect_common();
}

}  // namespace
}  // namespace understudy::backend
