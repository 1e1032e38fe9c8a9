// The mirror on LMDB: what it keeps, refuses, collects and survives.
#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "backend/lookup.h"
#include "backend/mirror.h"
#include "backend/zone_builder.h"
#include "backend/zone_table.h"
#include "unit/backend/mirror_fixture.h"

namespace understudy::backend {
namespace {

class MirrorTest : public MirrorFixture {
 protected:
  static Bytes soa(std::uint32_t serial) {
    Bytes rdata = wire("ns.z.");
    const Bytes mailbox = wire("h.z.");
    rdata.insert(rdata.end(), mailbox.begin(), mailbox.end());
    rdata.resize(rdata.size() + 20);
    dns::store32(rdata.data() + rdata.size() - 20, serial);
    return rdata;
  }

  // The zone z. with its apex and these owners, each with one A record.
  std::vector<StoredNode> build(std::uint32_t serial, const std::vector<std::string>& owners,
                                BuildSummary* out = nullptr) {
    ZoneBuilder builder({name("z."), directory_, 1000, false});
    EXPECT_TRUE(builder.add({name("z."), RRType::SOA, 60, soa(serial)}));
    EXPECT_TRUE(builder.add({name("z."), RRType::NS, 60, wire("ns.z.")}));
    for (const std::string& owner : owners)
      EXPECT_TRUE(builder.add({name(owner), RRType::A, 60, Bytes{1, 2, 3, 4}}));
    std::vector<StoredNode> nodes;
    const auto summary = builder.finish([&](std::vector<StoredNode> batch) {
      nodes.insert(nodes.end(), batch.begin(), batch.end());
      return Result<>();
    });
    EXPECT_TRUE(summary);
    if (out != nullptr) *out = *summary;
    return nodes;
  }

  Generation publish_bulk(std::uint32_t serial, const std::vector<std::string>& owners) {
    Writer& writer = mirror().writer();
    ZoneRow row = *writer.ensure_zone(name("z."));
    row.generation = *writer.begin(row.id);
    EXPECT_TRUE(writer.put(row.generation, build(serial, owners)));
    ++row.version;
    row.serial = serial;
    std::vector<NewVersion> versions(1);
    versions[0].apex = name("z.");
    versions[0].row = row;
    versions[0].timers = {1, 2, 3, 4};
    versions[0].change.how = How::difference;  // the generation before is not kept
    EXPECT_TRUE(writer.publish(versions));
    return row.generation;
  }

  // The size of the file after it.
  std::uintmax_t publish_and_collect(std::uint32_t serial, const std::vector<std::string>& owners) {
    publish_bulk(serial, owners);
    while (*mirror().writer().collect()) {
    }
    return std::filesystem::file_size(directory_ + "/mirror.mdb");
  }

  std::size_t count_nodes(Generation generation) {
    const auto reader = *mirror().reader();
    EXPECT_TRUE(reader->renew());
    FoundNode found;
    std::size_t count = 0;
    for (bool more = reader->seek(generation, {}, found); more; more = reader->next(found)) ++count;
    return count;
  }
};

TEST_F(MirrorTest, zone_ids_are_kept_and_never_reused) {
  const auto first = *mirror().writer().ensure_zones({name("a."), name("b.")});
  const auto again = *mirror().writer().ensure_zones({name("B."), name("c."), name(".")});
  EXPECT_EQ(first[1].id, again[0].id);
  EXPECT_NE(again[1].id, first[0].id);
  EXPECT_NE(again[1].id, first[1].id);
  mirror_.reset();
  const auto reader = *mirror().reader();
  ASSERT_TRUE(reader->renew());
  EXPECT_EQ(reader->zone(name("C."))->id, again[1].id);
  EXPECT_EQ(reader->zone(name("."))->id, again[2].id);
  EXPECT_EQ(reader->zones().size(), 4u);
  EXPECT_FALSE(reader->zone(name("d.")));
}

TEST_F(MirrorTest, published_data_survives_a_restart_and_the_generation_before_is_collected) {
  const Generation old = publish_bulk(1, {"a.z.", "b.z."});
  const Generation live = publish_bulk(2, {"a.b.c.z."});
  EXPECT_GT(live, old);
  mirror_.reset();
  const auto reader = *mirror().reader();
  ASSERT_TRUE(reader->renew());
  const auto row = reader->zone(name("z."));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->generation, live);
  EXPECT_EQ(row->serial, 2u);
  EXPECT_EQ(reader->timers(row->id)->expires, 4);
  EXPECT_EQ(count_nodes(live), 4u);  // the apex, two empty non-terminals, the owner
  EXPECT_EQ(count_nodes(old), 3u);
  EXPECT_FALSE(*mirror().writer().collect());
  EXPECT_EQ(count_nodes(old), 0u);
  EXPECT_EQ(count_nodes(live), 4u);
}

TEST_F(MirrorTest, a_reader_keeps_its_state_while_the_writer_collects) {
  const Generation old = publish_bulk(1, {"a.z."});
  const auto reader = *mirror().reader();
  ASSERT_TRUE(reader->renew());
  publish_bulk(2, {});
  while (*mirror().writer().collect()) {
  }
  FoundNode found;
  dns::NameKey key(name("a.z."));
  EXPECT_TRUE(reader->find(old, key, found) && found.exact);
  ASSERT_TRUE(reader->renew());
  EXPECT_FALSE(reader->find(old, key, found));
}

TEST_F(MirrorTest, what_was_being_built_is_dead_after_a_restart) {
  publish_bulk(1, {"a.z."});
  Writer& writer = mirror().writer();
  const ZoneRow row = *writer.ensure_zone(name("z."));
  const Generation unfinished = *writer.begin(row.id);
  ASSERT_TRUE(writer.put(unfinished, build(2, {"b.z."})));
  mirror_.reset();
  EXPECT_FALSE(*mirror().writer().collect());
  EXPECT_EQ(count_nodes(unfinished), 0u);
  EXPECT_EQ(count_nodes(row.generation), 2u);
}

TEST_F(MirrorTest, small_zones_are_published_many_in_one_commit) {
  Writer& writer = mirror().writer();
  std::vector<Name> apexes;
  for (int i = 0; i < 100; ++i) apexes.push_back(name("z" + std::to_string(i) + "."));
  const auto rows = *writer.ensure_zones(apexes);
  std::vector<NewVersion> zones;
  for (std::size_t i = 0; i < apexes.size(); ++i) {
    zones.emplace_back();
    zones.back().apex = apexes[i];
    zones.back().row = rows[i];
    zones.back().row.version = 1;
    zones.back().content = Content::nodes;
    zones.back().nodes = build(1, {"a.z."});
  }
  ASSERT_TRUE(writer.publish(zones));
  std::vector<Generation> generations;
  for (const NewVersion& zone : zones) generations.push_back(zone.row.generation);
  std::sort(generations.begin(), generations.end());
  EXPECT_EQ(std::unique(generations.begin(), generations.end()), generations.end());
  EXPECT_EQ(count_nodes(zones[57].row.generation), 2u);
  // A bulk build that is under way goes on behind them.
  const Generation bulk = *writer.begin(rows[0].id);
  ASSERT_TRUE(writer.put(bulk, build(2, {"b.z."})));
  for (NewVersion& zone : zones) ++zone.row.version;
  ASSERT_TRUE(writer.publish(zones));
  EXPECT_EQ(count_nodes(bulk), 2u);
}

TEST_F(MirrorTest, a_full_map_grows_under_readers) {
  MirrorOptions small = options_;
  small.map_octets = 256 << 10;
  mirror_ = std::move(*open_mirror(small));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> reads{0};
  auto reader = *mirror_->reader();
  std::thread reading([&] {
    while (!stop) {
      if (reader->renew()) reads += reader->zones().size();
      reader->reset();
    }
  });
  std::vector<std::string> owners;
  for (int i = 0; i < 5000; ++i) owners.push_back("host" + std::to_string(i) + ".z.");
  const Generation live = publish_bulk(1, owners);
  while (reads == 0) std::this_thread::yield();
  stop = true;
  reading.join();
  EXPECT_EQ(count_nodes(live), 5001u);
  EXPECT_GT(mirror_->statistics()->map_octets, 256u << 10);
}

// LMDB keeps every page that the oldest reader may need, and takes the slot of one that was killed for a
// reader that is still there, until somebody looks.
TEST_F(MirrorTest, a_reader_that_was_killed_keeps_no_old_pages) {
  std::vector<std::string> owners;
  for (int i = 0; i < 3000; ++i) owners.push_back("host" + std::to_string(i) + ".z.");
  publish_and_collect(1, owners);
  const pid_t child = ::fork();
  if (child == 0) {
    MirrorOptions beside = options_;
    beside.read_only = true;
    const auto opened = open_mirror(beside);
    if (!opened) ::_exit(1);
    const auto reader = *(*opened)->reader();
    if (reader->renew()) ::raise(SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child could not read";
  std::uintmax_t early = 0;
  for (std::uint32_t serial = 2; serial < 6; ++serial) early = publish_and_collect(serial, owners);
  std::uintmax_t late = 0;
  for (std::uint32_t serial = 6; serial < 20; ++serial) late = publish_and_collect(serial, owners);
  EXPECT_LE(late, early + early / 4);
}

// Of a process beside: what it sees stays, the writer goes on, the map grows over it, and once it is gone its
// pages serve again.
TEST_F(MirrorTest, a_reader_that_stays_long_stops_nobody_and_its_pages_come_back) {
  options_.map_octets = 1 << 20;
  std::vector<std::string> owners;
  for (int i = 0; i < 3000; ++i) owners.push_back("host" + std::to_string(i) + ".z.");
  std::uintmax_t before = 0;
  for (std::uint32_t serial = 1; serial < 6; ++serial) before = publish_and_collect(serial, owners);
  const std::uint64_t used_before = mirror().statistics()->used_octets;
  std::array<int, 2> reads{}, may_end{};
  ASSERT_EQ(::pipe(reads.data()) + ::pipe(may_end.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    MirrorOptions beside = options_;
    beside.read_only = true;
    const auto opened = open_mirror(beside);
    if (!opened) ::_exit(1);
    const auto reader = *(*opened)->reader();
    char octet = 0;
    if (!reader->renew() || ::write(reads[1], &octet, 1) != 1 || ::read(may_end[0], &octet, 1) != 1)
      ::_exit(2);
    const auto row = reader->zone(name("z."));
    std::size_t count = 0;
    FoundNode found;
    for (bool more = reader->seek(row->generation, {}, found); more; more = reader->next(found)) ++count;
    ::_exit(row->serial == 5 && count == 3001 ? 0 : 3);
  }
  char octet = 0;
  ::close(reads[1]);
  ASSERT_EQ(::read(reads[0], &octet, 1), 1) << "the child could not read";
  std::uintmax_t grown = 0;
  for (std::uint32_t serial = 6; serial < 26; ++serial) grown = publish_and_collect(serial, owners);
  EXPECT_GT(grown, 4 * before) << "its pages were not kept: nothing was tested";
  EXPECT_GT(grown, options_.map_octets);
  EXPECT_EQ(mirror().writer().ensure_zone(name("z."))->serial, 25u);
  ASSERT_EQ(::write(may_end[1], &octet, 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "what it saw changed under it";
  std::uintmax_t late = 0;
  for (std::uint32_t serial = 26; serial < 46; ++serial) late = publish_and_collect(serial, owners);
  EXPECT_LE(late, grown + grown / 8);
  EXPECT_LE(mirror().statistics()->used_octets, used_before + used_before / 4);
  for (const int end : {reads[0], may_end[0], may_end[1]}) ::close(end);
}

TEST_F(MirrorTest, a_second_one_is_refused_and_reading_beside_it_works) {
  publish_bulk(1, {});
  EXPECT_EQ(open_mirror(options_).error().reason, "mirror-in-use");
}

TEST_F(MirrorTest, read_only_needs_a_mirror) {
  MirrorOptions read_only = options_;
  read_only.read_only = true;
  EXPECT_EQ(open_mirror(read_only).error().reason, "mirror-missing");
  publish_bulk(1, {"a.z."});
  mirror_.reset();
  const auto opened = open_mirror(read_only);
  ASSERT_TRUE(opened);
  const auto reader = *(*opened)->reader();
  ASSERT_TRUE(reader->renew());
  EXPECT_EQ(reader->zone(name("z."))->version, 1u);
}

Bytes contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(MirrorTest, foreign_files_are_refused_untouched_and_set_aside_on_request) {
  const std::string path = directory_ + "/mirror.mdb";
  std::ofstream(path) << std::string(20000, 'x');
  const Bytes before = contents(path);
  EXPECT_EQ(open_mirror(options_).error().reason, "mirror-schema");
  EXPECT_EQ(contents(path), before);
  MirrorOptions reset = options_;
  reset.reset = true;
  EXPECT_TRUE(open_mirror(reset));
  EXPECT_EQ(contents(path + ".aside-1"), before);
}

TEST_F(MirrorTest, a_newer_schema_and_another_programs_lmdb_file_are_refused_untouched) {
  publish_bulk(1, {});
  mirror_.reset();
  const std::string path = directory_ + "/mirror.mdb";
  const auto change = [&](const char* database, std::string key, Bytes value) {
    MDB_env* env = nullptr;
    ASSERT_EQ(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 4);
    ASSERT_EQ(mdb_env_open(env, path.c_str(), MDB_NOSUBDIR, 0600), 0);
    MDB_txn* txn = nullptr;
    ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    MDB_dbi dbi = 0;
    ASSERT_EQ(mdb_dbi_open(txn, database, MDB_CREATE, &dbi), 0);
    MDB_val k{key.size(), key.data()}, v{value.size(), value.data()};
    ASSERT_EQ(mdb_put(txn, dbi, &k, &v, 0), 0);
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
  };
  change("meta", "schema", {0, 0, 0, 4});
  Bytes before = contents(path);
  auto refused = open_mirror(options_);
  EXPECT_EQ(refused.error().reason, "mirror-schema");
  EXPECT_NE(refused.error().message.find("version 4"), std::string::npos);
  EXPECT_EQ(contents(path), before);
  std::filesystem::remove(path);
  change("customers", "a", {1});
  before = contents(path);
  EXPECT_EQ(open_mirror(options_).error().reason, "mirror-schema");
  EXPECT_EQ(contents(path), before);
}

TEST_F(MirrorTest, any_order_of_records_builds_the_same_nodes) {
  std::vector<std::string> owners;
  for (int i = 0; i < 300; ++i)
    owners.push_back("h" + std::to_string(i * 7919 % 300) + (i % 3 != 0 ? ".x.z." : ".z."));
  BuildSummary one, two;
  const auto in_one_order = build(1, owners, &one);
  std::reverse(owners.begin(), owners.end());
  const auto in_another = build(1, owners, &two);
  ASSERT_EQ(in_one_order.size(), in_another.size());
  for (std::size_t i = 0; i < in_one_order.size(); ++i) {
    EXPECT_EQ(in_one_order[i].key, in_another[i].key);
    EXPECT_EQ(in_one_order[i].block, in_another[i].block);
  }
  EXPECT_EQ(one.digest, two.digest);
  EXPECT_EQ(one.records, 302u);
  EXPECT_EQ(one.nodes, 302u);  // the apex, x.z. which has no record, 300 owners
}

TEST_F(MirrorTest, more_records_than_fit_into_memory_are_sorted_on_disk) {
  // Descending and of 1,000 octets each, so that the spilled runs must really be sorted and merged.
  ZoneBuilder builder({name("z."), directory_, 100000, false});
  const unsigned count = 40'000;
  Bytes text(1000, 'x');
  for (unsigned at = 0; at < 1000; at += 200) text[at] = 199;
  char owner[32];
  for (unsigned i = count; i-- > 0;) {
    std::snprintf(owner, sizeof owner, "n%08u.z.", i);
    ASSERT_TRUE(builder.add({name(owner), RRType::TXT, 60, text}));
  }
  ASSERT_TRUE(builder.add({name("z."), RRType::NS, 60, wire("ns.z.")}));
  ASSERT_TRUE(builder.add({name("z."), RRType::SOA, 60, soa(1)}));
  unsigned seen = 0;
  std::size_t batches = 0;
  const auto summary = builder.finish([&](std::vector<StoredNode> nodes) {
    ++batches;
    for (const StoredNode& node : nodes) {
      if (seen++ == 0) continue;  // the apex
      std::snprintf(owner, sizeof owner, "n%08u.z.", seen - 2);
      const dns::NameKey expected(name(owner));
      EXPECT_EQ(node.key, Bytes(expected.octets().begin(), expected.octets().end()));
    }
    return Result<>();
  });
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->records, count + 2);
  EXPECT_EQ(seen, count + 1);
  EXPECT_GE(batches, 5u);  // 40 MB in commits of 8
}

TEST_F(MirrorTest, a_zone_is_refused_where_it_is_not_sane) {
  const auto finish = [&](const std::vector<dns::Record>& records, BuildOptions with = {}) {
    with.apex = name("z.");
    with.spool_directory = directory_;
    ZoneBuilder builder(with);
    for (const dns::Record& r : records) EXPECT_TRUE(builder.add({r.owner, r.type, r.ttl, r.rdata}));
    return builder.finish([](std::vector<StoredNode>) { return Result<>(); });
  };
  const dns::Record soa_record{name("z."), RRType::SOA, 60, soa(1)},
      ns{name("z."), RRType::NS, 60, wire("ns.z.")};
  const dns::Record cname{name("c.z."), RRType::CNAME, 60, wire("a.z.")},
      a{name("c.z."), RRType::A, 60, {1, 1, 1, 1}};
  dns::Record inner_soa = soa_record, other_soa = soa_record;
  inner_soa.owner = name("in.z.");
  other_soa.rdata = soa(2);
  EXPECT_TRUE(finish({soa_record, ns}));
  EXPECT_EQ(finish({ns}).error().reason, "soa-missing");
  EXPECT_EQ(finish({soa_record}).error().reason, "apex-ns-missing");
  EXPECT_EQ(finish({soa_record, ns, inner_soa}).error().reason, "second-soa");
  EXPECT_EQ(finish({soa_record, ns, other_soa}).error().reason, "second-soa");
  EXPECT_EQ(finish({soa_record, ns, cname, a}).error().reason, "cname-and-other-data");
  BuildOptions dropping;
  dropping.drop_cname_conflicts = true;
  const auto dropped = finish({soa_record, ns, cname, a}, dropping);
  ASSERT_TRUE(dropped);
  EXPECT_EQ(dropped->dropped_cnames, 1u);
  EXPECT_EQ(dropped->records, 3u);
  BuildOptions few;
  few.records_per_name = 2;
  dns::Record a2 = a, a3 = a;
  a2.rdata[0] = 2;
  a3.rdata[0] = 3;
  EXPECT_TRUE(finish({soa_record, ns, a, a2}, few));
  EXPECT_EQ(finish({soa_record, ns, a, a2, a3}, few).error().reason, "limit-name");
}

}  // namespace
}  // namespace understudy::backend
