// Versions: what the mirror remembers of each, reads back, forgets, and how an older mirror gets them.
#include <gtest/gtest.h>
#include <lmdb.h>

#include <filesystem>
#include <map>

#include "backend/lmdb/store_format.h"
#include "backend/version_walk.h"
#include "backend/zone_builder.h"
#include "backend/zone_merge.h"
#include "unit/backend/mirror_fixture.h"

namespace understudy::backend {
namespace {

using Contents = std::map<std::string, std::string>;  // owner: addresses

class Versions : public MirrorFixture {
 protected:
  void add_records(ZoneBuilder& builder, std::uint32_t serial, const Contents& contents) {
    Bytes soa = wire("ns.z.");
    soa.resize(soa.size() + 1 + 20);
    dns::store32(soa.data() + soa.size() - 20, serial);
    ASSERT_TRUE(builder.add({name("z."), RRType::SOA, 60, soa}));
    ASSERT_TRUE(builder.add({name("z."), RRType::NS, 60, wire("ns.z.")}));
    for (const auto& [owner, octet] : contents) {
      for (const char c : octet)
        ASSERT_TRUE(builder.add({name(owner), RRType::A, 60, Bytes{1, 2, 3, static_cast<std::uint8_t>(c)}}));
    }
  }

  // What a transfer of the whole zone does, the small way.
  void publish(std::uint32_t serial, const Contents& contents, UnixTime when = 1000) {
    Writer& writer = mirror().writer();
    std::vector<NewVersion> next(1);
    next[0].apex = name("z.");
    next[0].row = *writer.ensure_zone(name("z."));
    next[0].keep = keep_;
    const auto reader = *mirror().reader();
    std::vector<StoredNode> sunk;
    const auto sink = [&](std::vector<StoredNode> nodes) {
      std::move(nodes.begin(), nodes.end(), std::back_inserter(sunk));
      return Result<>();
    };
    ZoneBuilder builder({name("z."), options_.directory, 100'000, false});
    add_records(builder, serial, contents);
    Result<BuildSummary> summary = BuildSummary();
    if (next[0].row.generation == 0) {
      summary = builder.finish(sink);
      next[0].content = Content::nodes;
    } else {
      ZoneMerge merge(*reader, next[0].row, sink);
      summary = builder.finish([&](std::vector<StoredNode> nodes) { return merge.add(std::move(nodes)); });
      MergedZone merged = *merge.finish();
      next[0].content = merged.content == Content::patch ? Content::patch : Content::nodes;
      next[0].nodes = std::move(merged.nodes);
      next[0].change = std::move(merged.change);
    }
    ASSERT_TRUE(summary);
    if (next[0].content == Content::nodes) next[0].nodes = std::move(sunk);
    if (next[0].change.zone_octets == 0) {
      for (const StoredNode& n : next[0].nodes) next[0].change.zone_octets += n.key.size() + n.block.size();
    }
    next[0].change.source = "axfr://192.0.2.1";
    ++next[0].row.version;
    next[0].row.serial = serial;
    next[0].row.records = summary->records;
    next[0].row.nodes = summary->nodes;
    next[0].row.digest = summary->digest;
    next[0].row.published = when;
    ASSERT_TRUE(mirror().writer().publish(next));
  }

  std::string read(Version version) {
    const auto reader = *mirror().reader();
    EXPECT_TRUE(reader->renew());
    const ZoneRow live = *reader->zone(name("z."));
    const auto walk = walk_version(*reader, live, version);
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

  std::vector<VersionRow> rows() {
    const auto reader = *mirror().reader();
    EXPECT_TRUE(reader->renew());
    return reader->versions(reader->zone(name("z."))->id);
  }

  Keep keep_;
};

TEST_F(Versions, each_is_read_back_also_after_a_restart) {
  publish(1, {{"a.z.", "x"}, {"b.c.z.", "y"}});
  publish(2, {{"a.z.", "x"}, {"b.c.z.", "yz"}, {"d.z.", "1"}});
  publish(3, {{"a.z.", "w"}, {"D.z.", "1"}, {"e.f.g.z.", "2"}});
  mirror_.reset();
  EXPECT_EQ(read(1), "1: a.z.x b.c.z.y ");
  EXPECT_EQ(read(2), "2: a.z.x b.c.z.y b.c.z.z d.z.1 ");
  EXPECT_EQ(read(3), "3: a.z.w D.z.1 e.f.g.z.2 ");
  EXPECT_EQ(read(0), "version-unknown");
  EXPECT_EQ(read(4), "version-unknown");
}

TEST_F(Versions, the_row_tells_what_came_about) {
  publish(1, {{"a.z.", "x"}, {"b.z.", "y"}}, 1000);
  publish(7, {{"a.z.", "x"}, {"b.z.", "z"}}, 2000);
  const auto all = rows();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].how, How::whole);
  EXPECT_EQ(all[0].version, 1u);
  EXPECT_EQ(all[1].how, How::difference);
  EXPECT_EQ(all[1].version, 2u);
  EXPECT_EQ(all[1].serial, 7u);
  EXPECT_EQ(all[1].published, 2000);
  EXPECT_EQ(all[1].records, 4u);
  EXPECT_EQ(all[1].removed, 2u);  // the SOA and one address
  EXPECT_EQ(all[1].added, 2u);
  EXPECT_EQ(all[1].source, "axfr://192.0.2.1");
  EXPECT_EQ(all[1].zone_octets, all[0].zone_octets);
  const auto reader = *mirror().reader();
  ASSERT_TRUE(reader->renew());
  EXPECT_EQ(all[1].digest, reader->zone(name("z."))->digest);
  EXPECT_NE(all[0].digest, all[1].digest);
}

TEST_F(Versions, one_changed_record_of_many_is_a_patch_in_place) {
  Contents many;
  for (int i = 0; i < 5000; ++i) many["h" + std::to_string(i) + ".z."] = "a";
  publish(1, many);
  const Generation generation = mirror().writer().ensure_zone(name("z."))->generation;
  many["h77.z."] = "b";
  publish(2, many);
  EXPECT_EQ(mirror().writer().ensure_zone(name("z."))->generation, generation);
  EXPECT_EQ(rows()[1].added, 2u);
  EXPECT_LT(rows()[1].octets, 1000u);
}

TEST_F(Versions, a_change_of_most_of_the_zone_keeps_the_version_before_whole) {
  Contents many, others;
  for (int i = 0; i < 5000; ++i) many["h" + std::to_string(i) + ".z."] = "a";
  for (int i = 0; i < 5000; ++i) others["k" + std::to_string(i) + ".z."] = "a";
  publish(1, many);
  many["h0.z."] = "b";
  publish(2, many);
  const Generation before = mirror().writer().ensure_zone(name("z."))->generation;
  publish(3, others);
  others["k0.z."] = "b";
  publish(4, others);
  while (*mirror().writer().collect()) {
  }
  const auto all = rows();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[2].how, How::whole);
  EXPECT_EQ(all[2].before, before);
  EXPECT_EQ(all[2].chunks, 0u);
  EXPECT_EQ(all[2].removed, 5001u);
  EXPECT_GT(all[2].octets, all[1].zone_octets);
  EXPECT_EQ(read(1).substr(0, 9), "1: h0.z.a");
  EXPECT_EQ(read(2).substr(0, 9), "2: h0.z.b");
  EXPECT_EQ(read(3).substr(0, 9), "3: k0.z.a");
  EXPECT_EQ(read(4).substr(0, 9), "4: k0.z.b");
}

TEST_F(Versions, are_forgotten_by_number_by_age_and_by_octets) {
  keep_.versions = 3;
  for (std::uint32_t serial = 1; serial <= 5; ++serial) {
    publish(serial, {{"a.z.", std::string(1, static_cast<char>('a' + serial))}}, 1000 * serial);
  }
  EXPECT_EQ(rows().front().version, 3u);
  EXPECT_EQ(rows().size(), 3u);
  EXPECT_EQ(read(2), "version-unknown");
  EXPECT_EQ(read(3), "3: a.z.d ");
  const ZoneId id = mirror().writer().ensure_zone(name("z."))->id;
  Keep age;
  age.age = Seconds(1500);
  EXPECT_FALSE(*mirror().writer().trim({{id, age}}, 5500));
  EXPECT_EQ(rows().front().version, 4u);
  EXPECT_EQ(read(4), "4: a.z.e ");
  Keep octets;
  octets.octets = 1;
  EXPECT_FALSE(*mirror().writer().trim({{id, octets}}, 5500));
  ASSERT_EQ(rows().size(), 1u);  // the live one always stays
  EXPECT_EQ(read(5), "5: a.z.f ");
}

TEST_F(Versions, many_that_are_over_go_in_small_steps) {
  for (std::uint32_t serial = 1; serial <= 200; ++serial) {
    publish(serial, {{"a.z.", std::string(1, static_cast<char>('a' + serial % 20))}});
  }
  const ZoneId id = mirror().writer().ensure_zone(name("z."))->id;
  Keep one;
  one.versions = 1;
  int steps = 1;
  while (*mirror().writer().trim({{id, one}}, 2000)) ++steps;
  EXPECT_EQ(steps, 4);
  EXPECT_EQ(rows().size(), 1u);
}

TEST_F(Versions, what_was_kept_whole_is_collected_when_it_is_forgotten) {
  Contents many, others;
  for (int i = 0; i < 5000; ++i) many["h" + std::to_string(i) + ".z."] = "a";
  for (int i = 0; i < 5000; ++i) others["k" + std::to_string(i) + ".z."] = "a";
  publish(1, many);
  const Generation before = mirror().writer().ensure_zone(name("z."))->generation;
  publish(2, others);
  const ZoneId id = mirror().writer().ensure_zone(name("z."))->id;
  const auto nodes_of = [&](Generation generation) {
    const auto reader = *mirror().reader();
    EXPECT_TRUE(reader->renew());
    FoundNode found;
    std::size_t count = 0;
    for (bool more = reader->seek(generation, {}, found); more; more = reader->next(found)) ++count;
    return count;
  };
  while (*mirror().writer().collect()) {
  }
  EXPECT_EQ(nodes_of(before), 5001u);
  Keep one;
  one.versions = 1;
  ASSERT_TRUE(mirror().writer().trim({{id, one}}, 2000));
  while (*mirror().writer().collect()) {
  }
  EXPECT_EQ(nodes_of(before), 0u);
  EXPECT_EQ(read(2).substr(0, 9), "2: k0.z.a");
}

// Each third version is written anew, the others are patches; with 4 of them kept there is never more to
// store.
TEST_F(Versions, a_bounded_history_does_not_make_the_file_grow) {
  keep_.versions = 4;
  const auto at = [&](std::uint32_t serial) {
    for (bool first = true; serial % 30 != 0 || first; ++serial, first = false) {
      Contents many;
      for (int i = 0; i < 1500; ++i) {
        const auto octet = static_cast<char>('a' + serial / 3 % 20);
        many["h" + std::to_string(i) + ".z."] =
            std::string(1, i == 7 ? static_cast<char>('A' + serial % 20) : octet);
      }
      publish(serial, many);
      while (*mirror().writer().collect()) {
      }
    }
    return std::pair(std::filesystem::file_size(options_.directory + "/mirror.mdb"),
                     mirror().statistics()->used_octets);
  };
  at(1);
  const auto [early, used_early] = at(30);
  std::uintmax_t late = 0, used_late = 0;
  for (const std::uint32_t serial : {60u, 90u, 120u, 150u}) std::tie(late, used_late) = at(serial);
  ASSERT_EQ(rows().size(), 4u);
  EXPECT_EQ(rows().back().version, 179u);
  EXPECT_LE(late, early + early / 4);
  EXPECT_LE(used_late, used_early + used_early / 4);
}

TEST_F(Versions, a_patch_is_refused_on_any_version_but_the_one_before) {
  publish(1, {{"a.z.", "x"}});
  std::vector<NewVersion> stale(1);
  stale[0].apex = name("z.");
  stale[0].row = *mirror().writer().ensure_zone(name("z."));
  stale[0].row.version = 3;
  stale[0].content = Content::patch;
  EXPECT_FALSE(mirror().writer().publish(stale));
  EXPECT_EQ(read(1), "1: a.z.x ");
}

TEST_F(Versions, a_patch_of_nothing_is_refused) {
  std::vector<NewVersion> first(1);
  first[0].apex = name("z.");
  first[0].row = *mirror().writer().ensure_zone(name("z."));
  first[0].row.version = 1;
  first[0].content = Content::patch;
  EXPECT_FALSE(mirror().writer().publish(first));
}

// The change of version 2, byte for byte as docs/formats.md has it.
TEST_F(Versions, golden_change) {
  publish(1, {{"a.z.", "x"}});
  publish(2, {{"a.z.", "xy"}});
  const auto reader = *mirror().reader();
  ASSERT_TRUE(reader->renew());
  const ZoneId id = reader->zone(name("z."))->id;
  Bytes plain;
  ASSERT_TRUE(ChunkExpander().expand(reader->change_chunk(id, 2, 1), plain));
  const auto soa = [](std::uint8_t operation, std::uint8_t serial) {
    Bytes out{operation, 1, 'z', 0, 0, 6, 0, 0, 0, 60, 0, 27, 2, 'n', 's', 1, 'z', 0, 0, 0, 0, 0, serial};
    out.resize(out.size() + 16);
    return out;
  };
  Bytes expected = soa(0, 1);
  const Bytes second = soa(1, 2), third{1, 1, 'a', 1, 'z', 0, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 'y'};
  expected.insert(expected.end(), second.begin(), second.end());
  expected.insert(expected.end(), third.begin(), third.end());
  EXPECT_EQ(plain, expected);
  EXPECT_TRUE(reader->change_chunk(id, 2, 2).empty());
}

TEST(ChangeChunks, damage_is_told_and_a_large_change_has_several) {
  ChangeWriter writer;
  const Name owner = name("a.z.");
  Bytes large(60'000, 7);
  for (int i = 0; i < 3; ++i) writer.add({true, {owner, RRType::TXT, 60, large}});
  EXPECT_EQ(writer.added(), 3u);
  const auto chunks = writer.finish();
  ASSERT_EQ(chunks.size(), 3u);
  ChunkExpander expander;
  Bytes plain;
  ASSERT_TRUE(expander.expand(chunks[2], plain));
  ChunkReader reader(plain);
  EXPECT_EQ(reader.next()->record.rdata.size(), large.size());
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.failed());
  ChunkReader cut(Octets(plain).first(plain.size() - 1));
  EXPECT_FALSE(cut.next());
  EXPECT_TRUE(cut.failed());
  Bytes damaged = chunks[0];
  damaged.resize(damaged.size() / 2);
  EXPECT_FALSE(expander.expand(damaged, plain));
  EXPECT_FALSE(expander.expand(Octets(), plain));
}

// A mirror of schema 1 is one of schema 2 without `changes`.
TEST_F(Versions, a_mirror_of_schema_1_is_converted_and_a_reader_says_how) {
  publish(3, {{"a.z.", "x"}});
  mirror_.reset();
  const std::string path = options_.directory + "/mirror.mdb";
  const auto with_environment = [&](const auto& work) {
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    ASSERT_EQ(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 16);
    ASSERT_EQ(mdb_env_open(env, path.c_str(), MDB_NOSUBDIR, 0600), 0);
    ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    work(txn);
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
  };
  with_environment([](MDB_txn* txn) {
    MDB_dbi meta = 0, changes = 0;
    ASSERT_EQ(mdb_dbi_open(txn, "meta", 0, &meta), 0);
    ASSERT_EQ(mdb_dbi_open(txn, "changes", 0, &changes), 0);
    ASSERT_EQ(mdb_drop(txn, changes, 1), 0);
    char schema_text[] = "schema";
    Bytes one{0, 0, 0, 1};
    MDB_val key{6, schema_text}, value{4, one.data()};
    ASSERT_EQ(mdb_put(txn, meta, &key, &value, 0), 0);
  });
  MirrorOptions read_only = options_;
  read_only.read_only = true;
  const auto refused = open_mirror(read_only);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "mirror-schema");
  EXPECT_NE(refused.error().message.find("serve"), std::string::npos);
  EXPECT_EQ(read(1), "3: a.z.x ");
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_EQ(rows()[0].serial, 3u);
  publish(4, {{"a.z.", "y"}});
  EXPECT_EQ(read(1), "3: a.z.x ");
  mirror_.reset();
  EXPECT_TRUE(open_mirror(read_only));
}

}  // namespace
}  // namespace understudy::backend
