// Versions that are held: stored beside the history, read back, replaced, published, and gone with a restart
// of the mirror in between.
#include <gtest/gtest.h>
#include <lmdb.h>

#include <map>

#include "backend/lmdb/store_format.h"
#include "backend/version_walk.h"
#include "backend/zone_builder.h"
#include "backend/zone_merge.h"
#include "unit/backend/mirror_fixture.h"

namespace understudy::backend {
namespace {

using Contents = std::map<std::string, char>;  // owner: its address

class Held : public MirrorFixture {
 protected:
  ZoneRow live() { return *writer().ensure_zone(name("z.")); }
  std::optional<HeldVersion> held() { return reader()->held(live().id); }

  // A version as a transfer makes it; large ones go to a generation of their own.
  NewVersion built(Version number, std::uint32_t serial, const Contents& contents, MergeBounds bounds = {}) {
    NewVersion next;
    next.apex = name("z.");
    next.row = live();
    next.after = next.row.version;
    ZoneBuilder builder({name("z."), options_.directory, 100'000, false});
    Bytes soa = wire("ns.z.");
    soa.resize(soa.size() + 1 + 20);
    dns::store32(soa.data() + soa.size() - 20, serial);
    EXPECT_TRUE(builder.add({name("z."), RRType::SOA, 60, soa}));
    EXPECT_TRUE(builder.add({name("z."), RRType::NS, 60, wire("ns.z.")}));
    for (const auto& [owner, octet] : contents) {
      EXPECT_TRUE(
          builder.add({name(owner), RRType::A, 60, Bytes{1, 2, 3, static_cast<std::uint8_t>(octet)}}));
    }
    std::vector<StoredNode> sunk;
    const auto sink = [&](std::vector<StoredNode> nodes) {
      std::move(nodes.begin(), nodes.end(), std::back_inserter(sunk));
      return Result<>();
    };
    Result<BuildSummary> summary = BuildSummary();
    next.content = Content::nodes;
    if (next.row.generation == 0) {
      summary = builder.finish(sink);
    } else {
      const auto for_merge = std::move(*mirror().reader());
      ZoneMerge merge(*for_merge, next.row, sink, bounds);
      summary = builder.finish([&](std::vector<StoredNode> nodes) { return merge.add(std::move(nodes)); });
      MergedZone merged = *merge.finish();
      if (merged.content == Content::patch) next.content = Content::patch;
      next.nodes = std::move(merged.nodes);
      next.change = std::move(merged.change);
    }
    EXPECT_TRUE(summary);
    if (next.content == Content::nodes) next.nodes = std::move(sunk);
    next.change.source = "axfr://192.0.2.1";
    next.row.version = number;
    next.row.serial = serial;
    next.row.records = summary->records;
    next.row.nodes = summary->nodes;
    next.row.digest = summary->digest;
    next.row.published = 1000 * static_cast<UnixTime>(number);
    return next;
  }

  void publish(NewVersion version) {
    std::vector<NewVersion> all;
    all.push_back(std::move(version));
    ASSERT_TRUE(writer().publish(all));
  }
  HeldVersion hold(NewVersion version) {
    HeldVersion why;
    why.base = *version.after;
    why.source_serial = version.row.serial;
    why.reason = "shrink";
    why.message = "half of it is gone";
    return *writer().hold(version, why);
  }
  Result<std::uint64_t> accept(const HeldVersion& version) {
    std::vector<NewVersion> all(1);
    all[0].apex = name("z.");
    all[0].row = live();
    all[0].after = all[0].row.version;
    all[0].row.version = version.row.version;
    all[0].row.serial = version.row.serial;
    all[0].row.records = version.row.records;
    all[0].row.nodes = version.row.nodes;
    all[0].row.digest = version.row.digest;
    all[0].content = Content::held;
    return writer().publish(all);
  }

  std::string read(Version version) {
    const auto of_zone = reader();
    const auto walk = walk_version(*of_zone, *of_zone->zone(name("z.")), version);
    if (!walk) return std::string(walk.error().reason);
    std::string text;
    WalkedNode node;
    for (;;) {
      const auto more = (*walk)->next(node);
      if (!more) return std::string(more.error().reason);
      if (!*more) return text;
      for (const WalkedRecord& r : node.records) {
        if (r.type == RRType::A) text += to_string(node.owner) + static_cast<char>(r.rdata[3]) + ' ';
        if (r.type == RRType::SOA) text += std::to_string(dns::Soa::of(r.rdata).serial) + ": ";
      }
    }
  }
  std::vector<Version> numbers() {
    std::vector<Version> out;
    for (const VersionRow& row : reader()->versions(live().id)) out.push_back(row.version);
    return out;
  }
  std::size_t garbage() {
    std::size_t steps = 0;
    while (*writer().collect()) ++steps;
    return steps;
  }
  std::size_t nodes_of(Generation generation) {
    const auto counting = reader();
    FoundNode found;
    std::size_t count = 0;
    for (bool more = counting->seek(generation, {}, found); more; more = counting->next(found)) ++count;
    return count;
  }
};

const Contents first{{"a.z.", 'x'}, {"b.c.z.", 'y'}, {"d.z.", '1'}};
const Contents second{{"a.z.", 'w'}, {"d.z.", '1'}, {"e.f.z.", '2'}};

TEST_F(Held, is_read_back_beside_what_is_live_also_after_a_restart) {
  publish(built(1, 10, first));
  hold(built(2, 11, second));
  mirror_.reset();
  EXPECT_EQ(live().version, 1u);
  EXPECT_EQ(read(1), "10: a.z.x b.c.z.y d.z.1 ");
  EXPECT_EQ(read(2), "11: a.z.w d.z.1 e.f.z.2 ");
  EXPECT_EQ(read(3), "version-unknown");
  EXPECT_EQ(numbers(), std::vector<Version>{1});
  const HeldVersion kept = *held();
  EXPECT_EQ(kept.row.version, 2u);
  EXPECT_EQ(kept.row.serial, 11u);
  EXPECT_EQ(kept.row.published, 2000);
  EXPECT_EQ(kept.row.source, "axfr://192.0.2.1");
  EXPECT_EQ(kept.row.removed, 3u);  // SOA, a.z. and b.c.z.
  EXPECT_EQ(kept.base, 1u);
  EXPECT_TRUE(kept.patch);
  EXPECT_EQ(kept.reason, "shrink");
  EXPECT_EQ(kept.message, "half of it is gone");
}

TEST_F(Held, published_it_is_a_version_like_any_other) {
  publish(built(1, 10, first));
  const HeldVersion kept = hold(built(2, 11, second));
  ASSERT_TRUE(accept(kept));
  EXPECT_EQ(live().version, 2u);
  EXPECT_EQ(read(2), "11: a.z.w d.z.1 e.f.z.2 ");
  EXPECT_EQ(read(1), "10: a.z.x b.c.z.y d.z.1 ");
  EXPECT_FALSE(held());
  EXPECT_EQ(reader()->version(live().id, 2)->how, How::difference);
  EXPECT_FALSE(accept(kept)) << "it is not held any more";
  garbage();
  EXPECT_EQ(nodes_of(kept.generation), 0u) << "its patch is garbage now";
  EXPECT_EQ(nodes_of(live().generation), live().nodes);
}

TEST_F(Held, written_anew_it_becomes_the_generation_that_is_live) {
  Contents many, others;
  for (int i = 0; i < 5000; ++i) many["h" + std::to_string(i) + ".z."] = 'a';
  for (int i = 0; i < 5000; ++i) others["k" + std::to_string(i) + ".z."] = 'a';
  publish(built(1, 1, many));
  const Generation before = live().generation;
  const HeldVersion kept = hold(built(2, 2, others));
  EXPECT_FALSE(kept.patch);
  mirror_.reset();  // a start buries what was being built, and not this
  garbage();
  EXPECT_EQ(read(2).substr(0, 9), "2: k0.z.a");
  ASSERT_TRUE(accept(kept));
  EXPECT_EQ(live().generation, kept.generation);
  EXPECT_EQ(reader()->version(live().id, 2)->before, before);
  EXPECT_EQ(read(1).substr(0, 9), "1: h0.z.a");
  garbage();
  EXPECT_EQ(nodes_of(kept.generation), 5001u);
}

TEST_F(Held, one_takes_the_place_of_another_and_no_number_is_given_twice) {
  publish(built(1, 10, first));
  const HeldVersion old = hold(built(2, 11, second));
  const HeldVersion kept = hold(built(3, 12, {{"a.z.", 'v'}}));
  EXPECT_EQ(held()->row.version, 3u);
  EXPECT_EQ(reader()->standing(live().id).last, 3u);
  EXPECT_FALSE(accept(old));
  EXPECT_EQ(read(2), "version-unknown");
  garbage();
  EXPECT_EQ(nodes_of(old.generation), 0u);
  ASSERT_TRUE(accept(kept));
  EXPECT_EQ(numbers(), (std::vector<Version>{1, 3}));
  EXPECT_EQ(read(1), "10: a.z.x b.c.z.y d.z.1 ") << "the way back leads over the missing number";
  EXPECT_EQ(read(2), "version-unknown");
}

TEST_F(Held, another_publication_ends_it) {
  publish(built(1, 10, first));
  const HeldVersion kept = hold(built(2, 11, second));
  publish(built(3, 12, {{"a.z.", 'v'}}));
  EXPECT_FALSE(held());
  EXPECT_EQ(read(3), "12: a.z.v ");
  EXPECT_EQ(read(1), "10: a.z.x b.c.z.y d.z.1 ");
  garbage();
  EXPECT_EQ(nodes_of(kept.generation), 0u);
}

TEST_F(Held, the_first_version_of_a_zone_can_be_held_and_replaced) {
  hold(built(1, 10, first));
  const HeldVersion kept = hold(built(2, 11, second));
  EXPECT_EQ(live().version, 0u);
  EXPECT_EQ(read(2), "11: a.z.w d.z.1 e.f.z.2 ");
  ASSERT_TRUE(accept(kept));
  EXPECT_EQ(read(2), "11: a.z.w d.z.1 e.f.z.2 ");
  publish(built(3, 12, first));
  EXPECT_EQ(read(2), "11: a.z.w d.z.1 e.f.z.2 ");
}

TEST_F(Held, missing_numbers_do_not_count_among_the_versions_that_are_kept) {
  publish(built(1, 10, first));
  publish(built(2, 11, second));
  hold(built(3, 12, first));
  hold(built(7, 13, first));
  NewVersion next = built(9, 14, first);
  next.keep.versions = 3;
  publish(std::move(next));
  EXPECT_EQ(numbers(), (std::vector<Version>{1, 2, 9}));
  next = built(10, 15, second);
  next.keep.versions = 3;
  publish(std::move(next));
  EXPECT_EQ(numbers(), (std::vector<Version>{2, 9, 10}));
  EXPECT_EQ(read(2), "11: a.z.w d.z.1 e.f.z.2 ");
}

TEST_F(Held, what_was_made_for_another_version_is_refused) {
  publish(built(1, 10, first));
  NewVersion stale = built(3, 12, second);
  publish(built(2, 11, {{"a.z.", 'v'}}));
  std::vector<NewVersion> all;
  all.push_back(std::move(stale));
  EXPECT_FALSE(writer().publish(all));
  EXPECT_EQ(read(2), "11: a.z.v ");
}

TEST_F(Held, what_an_operator_decided_survives_a_restart_and_goes_with_the_zone) {
  publish(built(1, 10, first));
  hold(built(2, 11, second));
  const ZoneId id = live().id;
  Standing standing = reader()->standing(id);
  EXPECT_EQ(standing.last, 2u);
  EXPECT_EQ(standing.source_serial, 10u);
  standing.hold = standing.serial_unmoved = true;
  ASSERT_TRUE(writer().save_standing(id, standing));
  mirror_.reset();
  standing = reader()->standing(id);
  EXPECT_TRUE(standing.hold);
  EXPECT_TRUE(standing.serial_unmoved);
  EXPECT_FALSE(standing.rolled_back);
  EXPECT_EQ(standing.last, 2u);
  ASSERT_TRUE(writer().note_served({}, 100));
  while (!writer().forget_unserved(100)->empty()) {
  }
  EXPECT_FALSE(reader()->held(id));
  EXPECT_EQ(reader()->standing(id).last, 0u);
  garbage();
  EXPECT_FALSE(reader()->zone(name("z.")));
}

// A mirror of schema 2 is one of schema 3 without `held` and `standing`.
TEST_F(Held, a_mirror_of_schema_2_is_taken_over_and_a_reader_says_how) {
  publish(built(1, 10, first));
  mirror_.reset();
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  ASSERT_EQ(mdb_env_create(&env), 0);
  mdb_env_set_maxdbs(env, 16);
  ASSERT_EQ(mdb_env_open(env, (options_.directory + "/mirror.mdb").c_str(), MDB_NOSUBDIR, 0600), 0);
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
  for (const char* database : {"held", "standing"}) {
    MDB_dbi dbi = 0;
    ASSERT_EQ(mdb_dbi_open(txn, database, 0, &dbi), 0);
    ASSERT_EQ(mdb_drop(txn, dbi, 1), 0);
  }
  MDB_dbi meta = 0;
  ASSERT_EQ(mdb_dbi_open(txn, "meta", 0, &meta), 0);
  char schema_text[] = "schema";
  Bytes two{0, 0, 0, 2};
  MDB_val key{6, schema_text}, value{4, two.data()};
  ASSERT_EQ(mdb_put(txn, meta, &key, &value, 0), 0);
  ASSERT_EQ(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
  MirrorOptions read_only = options_;
  read_only.read_only = true;
  EXPECT_EQ(open_mirror(read_only).error().reason, "mirror-schema");
  EXPECT_EQ(read(1), "10: a.z.x b.c.z.y d.z.1 ");
  EXPECT_FALSE(held());
  EXPECT_EQ(reader()->standing(live().id).last, 0u);
  hold(built(2, 11, second));
  EXPECT_EQ(held()->row.version, 2u);
  mirror_.reset();
  EXPECT_TRUE(open_mirror(read_only));
}

// Byte for byte as docs/formats.md has them.
TEST(HeldFormat, golden_values) {
  using namespace lmdb::store_format;
  HeldVersion held;
  held.row.version = 7;
  held.row.how = How::difference;
  held.row.serial = 9;
  held.row.source = "s";
  held.base = 5;
  held.generation = 0x800000000003;
  held.patch = true;
  held.source_serial = 8;
  held.reason = "churn";
  held.message = "ab";
  const Bytes value = encode(held);
  const Bytes head{0, 0, 0, 0, 0, 0, 0, 7,   0,   0,   0,   0,   0, 0, 0,   5,   0x80, 0, 0, 0, 0, 3,
                   1, 0, 0, 0, 8, 0, 5, 'c', 'h', 'u', 'r', 'n', 0, 2, 'a', 'b', 2,    0, 0, 0, 9};
  EXPECT_EQ(Bytes(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(head.size())), head);
  EXPECT_EQ(value.size(), 27u + 7 + 4 + 111 + 1);
  const auto back = decode_held(value);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->row.version, 7u);
  EXPECT_EQ(back->row.source, "s");
  EXPECT_EQ(back->reason, "churn");
  for (std::size_t size = 0; size < value.size() - 1; ++size)  // the source may be empty
    EXPECT_FALSE(decode_held(Octets(value).first(size))) << size;
  const Standing standing{3, 0x01020304, true, false, true};
  EXPECT_EQ(encode(standing), (StandingValue{0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4, 5}));
  EXPECT_EQ(held_key(2, 3), (HeldKey{0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3}));
}

}  // namespace
}  // namespace understudy::backend
