// Random zones that change, told as differences (RFC 1995): what the editor puts in place leaves the octets,
// counts, digest and history that writing each version anew leaves.
//
// UNDERSTUDY_PROPERTY_SEED repeats a run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "backend/version_walk.h"
#include "backend/zone_editor.h"
#include "property/world_maker.h"
#include "support/test_mirror.h"

namespace understudy::test {
namespace {

std::uint64_t seed() {
  const char* text = std::getenv("UNDERSTUDY_PROPERTY_SEED");
  return text == nullptr ? 20261130 : std::strtoull(text, nullptr, 10);
}

dns::Name product_name(const Labels& labels) {
  Bytes wire;
  append_name(wire, labels);
  return dns::Name(*dns::NameView::parse(wire));
}

// What every version is in a mirror: the oracle that versions are compared with and differences are made of.
// A mirror of its own, to which each version comes whole.
class WholeZones {
 public:
  backend::ZoneRow publish(const RandomZone& zone) { return mirror_.publish({zone.apex, zone.records}); }
  // The records of the live version as they are kept: no RR twice, one TTL a set, one spelling an owner.
  std::vector<Rr> records(const dns::Name& apex, std::vector<backend::StoredNode>* nodes = nullptr) {
    const auto reader = std::move(*mirror_.mirror().reader());
    EXPECT_TRUE(reader->renew());
    const backend::ZoneRow live = *reader->zone(apex);
    if (nodes != nullptr) {
      backend::FoundNode found;
      for (bool more = reader->seek(live.generation, {}, found); more; more = reader->next(found)) {
        const dns::Octets block = found.node.octets();
        nodes->push_back({{found.key.begin(), found.key.end()}, {block.begin(), block.end()}});
      }
    }
    std::vector<Rr> all;
    const auto walk = backend::walk_generation(*reader, live.generation);
    for (backend::WalkedNode node; *walk->next(node);) {
      Labels owner;
      for (const std::uint8_t* p = node.owner.data(); *p != 0; p += 1 + *p)
        owner.emplace_back(p + 1, p + 1 + *p);
      for (const backend::WalkedRecord& r : node.records)
        all.push_back({owner, static_cast<std::uint16_t>(r.type), r.ttl, {r.rdata.begin(), r.rdata.end()}});
    }
    return all;
  }
  backend::VersionRow row(const dns::Name& apex) {
    const auto reader = std::move(*mirror_.mirror().reader());
    EXPECT_TRUE(reader->renew());
    const backend::ZoneRow live = *reader->zone(apex);
    return *reader->version(live.id, live.version);
  }

 private:
  TestMirror mirror_;
};

// One difference: what went, and what came.
struct Difference {
  std::vector<Rr> removed, added;
};

Difference between(const std::vector<Rr>& before, const std::vector<Rr>& after) {
  // An owner in another spelling is removed whole and added whole.
  const auto spelt_alike = [](const Rr& record, const std::vector<Rr>& others) {
    const auto found = std::find_if(others.begin(), others.end(),
                                    [&](const Rr& other) { return same(other.owner, record.owner); });
    return found == others.end() || found->owner == record.owner;
  };
  const auto missing = [&](const std::vector<Rr>& from, const std::vector<Rr>& other) {
    std::vector<Rr> only;
    for (const Rr& record : from) {
      const bool there = std::find(other.begin(), other.end(), record) != other.end();
      if (!there || !spelt_alike(record, other)) only.push_back(record);
    }
    return only;
  };
  return {missing(before, after), missing(after, before)};
}

class Increments {
 public:
  explicit Increments(std::uint64_t seed) : maker_(seed), zone_(maker_.make_world().front()) {
    const backend::ZoneRow row = whole_.publish(zone_);
    told_ = whole_.records(apex());
    live_ = mirror_.publish({zone_.apex, zone_.records});
    EXPECT_EQ(live_.digest, row.digest);
  }

  // One version after the other, or some of them in one reply, in one difference or in several.
  void step() {
    const std::size_t versions = maker_.chance(30) ? 2 + maker_.below(4) : 1;
    const bool condensed = maker_.chance(40);
    std::vector<Difference> reply;
    const std::vector<Rr> start = told_;
    for (std::size_t i = 0; i < versions; ++i) {
      zone_ = maker_.make_next(zone_);
      whole_row_ = whole_.publish(zone_);
      const std::vector<Rr> next = whole_.records(apex());
      if (!condensed) reply.push_back(between(told_, next));
      told_ = next;
    }
    if (condensed) reply.push_back(between(start, told_));
    apply(reply);
  }

  void expect_the_same() {
    std::vector<backend::StoredNode> expected;
    whole_.records(apex(), &expected);
    const auto reader = std::move(*mirror_.mirror().reader());
    ASSERT_TRUE(reader->renew());
    live_ = *reader->zone(apex());
    EXPECT_EQ(live_.nodes, expected.size());
    EXPECT_EQ(live_.records, whole_row_.records);
    EXPECT_EQ(live_.digest, whole_row_.digest);
    EXPECT_EQ(live_.serial, whole_row_.serial);
    backend::FoundNode found;
    bool more = reader->seek(live_.generation, {}, found);
    std::uint64_t octets = 0;
    for (const backend::StoredNode& node : expected) {
      ASSERT_TRUE(more);
      ASSERT_EQ(Bytes(found.key.begin(), found.key.end()), node.key);
      const dns::Octets block = found.node.octets();
      ASSERT_EQ(Bytes(block.begin(), block.end()), node.block);
      octets += node.key.size() + node.block.size();
      more = reader->next(found);
    }
    EXPECT_FALSE(more);
    const auto version = reader->version(live_.id, live_.version);
    EXPECT_TRUE(version->zone_octets == 0 || version->zone_octets == octets);  // 0: not known
    // What the change says is taken back and gives the version before.
    contents_.push_back(shown(read(*reader, live_.version)));
    if (contents_.size() < 2) return;
    EXPECT_EQ(shown(read(*reader, live_.version - 1)), contents_[contents_.size() - 2]);
  }

  std::size_t in_place() const { return in_place_; }
  std::size_t anew() const { return anew_; }

 private:
  dns::Name apex() const { return product_name(zone_.apex); }

  std::vector<Rr> read(backend::Reader& reader, backend::Version version) const {
    std::vector<Rr> all;
    const auto walk = std::move(*backend::walk_version(reader, live_, version));
    for (backend::WalkedNode node; *walk->next(node);) {
      for (const backend::WalkedRecord& r : node.records) {
        all.push_back({name(dns::to_string(node.owner)),
                       static_cast<std::uint16_t>(r.type),
                       r.ttl,
                       {r.rdata.begin(), r.rdata.end()}});
      }
    }
    return all;
  }

  void edit(backend::ZoneEditor& editor, std::vector<Rr> records, bool added) {
    std::shuffle(records.begin(), records.end(), order_);
    for (const Rr& record : records) {
      if (record.type == type::SOA) continue;  // the last one is told at the end
      ASSERT_TRUE(editor.edit(
          added, {product_name(record.owner), dns::RRType{record.type}, record.ttl, record.rdata}));
    }
  }

  void apply(const std::vector<Difference>& reply) {
    constexpr std::array<backend::EditBounds, 4> bounds{backend::EditBounds{}, backend::EditBounds{},
                                                        backend::EditBounds{.patch_octets = 400},
                                                        backend::EditBounds{.redone_nodes = 0}};
    const backend::BuildOptions options{apex(), "/nonexistent", 100'000, false};
    backend::ZoneEditor editor(options, live_, bounds[maker_.below(bounds.size())]);
    for (const Difference& difference : reply) {
      edit(editor, difference.removed, false);
      edit(editor, difference.added, true);
    }
    for (const Rr& record : told_) {
      if (record.type != type::SOA) continue;
      ASSERT_TRUE(
          editor.edit(true, {product_name(record.owner), dns::RRType::SOA, record.ttl, record.rdata}));
    }
    const auto reader = std::move(*mirror_.mirror().reader());
    auto edited = editor.finish(*reader);
    ASSERT_TRUE(edited) << edited.error().message;
    if (!*edited) {
      ++anew_;
      std::vector<Rr> records;
      const auto replayed = editor.replay(*reader, [&](const dns::RecordView& r) {
        Labels owner;
        for (const std::uint8_t* p = r.owner.data(); *p != 0; p += 1 + *p)
          owner.emplace_back(p + 1, p + 1 + *p);
        records.push_back(
            {owner, static_cast<std::uint16_t>(r.type), r.ttl, {r.rdata.begin(), r.rdata.end()}});
        return Result<>();
      });
      ASSERT_TRUE(replayed) << replayed.error().message;
      live_ = mirror_.publish({zone_.apex, records});
      return;
    }
    ++in_place_;
    std::vector<backend::NewVersion> next(1);
    next[0].apex = apex();
    next[0].row = live_;
    next[0].row.version += 1;
    next[0].row.serial = (*edited)->summary.serial;
    next[0].row.records = (*edited)->summary.records;
    next[0].row.nodes = (*edited)->summary.nodes;
    next[0].row.digest = (*edited)->summary.digest;
    next[0].content = backend::Content::patch;
    next[0].nodes = std::move((*edited)->nodes);
    next[0].change = std::move((*edited)->change);
    ASSERT_TRUE(mirror_.mirror().writer().publish(next));
  }

  WorldMaker maker_;
  std::mt19937_64 order_{1};
  RandomZone zone_;
  WholeZones whole_;
  TestMirror mirror_;
  std::vector<Rr> told_;  // the version that the differences lead to
  backend::ZoneRow live_, whole_row_;
  std::vector<std::string> contents_;
  std::size_t in_place_ = 0, anew_ = 0;
};

TEST(IncrementedZones, AreTheSameAsWhenEachVersionComesWhole) {
  std::cout << "UNDERSTUDY_PROPERTY_SEED=" << seed() << std::endl;
  std::size_t in_place = 0, anew = 0;
  for (std::uint64_t chain = 0; chain < 16; ++chain) {
    Increments zone(seed() + chain);
    for (int step = 0; step < 25; ++step) {
      zone.step();
      zone.expect_the_same();
      ASSERT_FALSE(::testing::Test::HasFailure()) << "chain " << chain << ", step " << step;
    }
    in_place += zone.in_place();
    anew += zone.anew();
  }
  EXPECT_GT(in_place, 100u);
  EXPECT_GT(anew, 20u);
}

}  // namespace
}  // namespace understudy::test
