// Random zones that change and go back: an older version that is made of what changed since is what reading
// it back whole makes, octet for octet, and so is the history that it leaves.
//
// UNDERSTUDY_PROPERTY_SEED repeats a run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "property/world_maker.h"
#include "support/test_mirror.h"
#include "sync/rollback.h"

namespace understudy::test {
namespace {

std::uint64_t seed() {
  const char* text = std::getenv("UNDERSTUDY_PROPERTY_SEED");
  return text == nullptr ? 20261130 : std::strtoull(text, nullptr, 10);
}

// Key and block of each node as text, for comparing.
std::string shown(const std::vector<backend::StoredNode>& nodes) {
  std::string text;
  for (const backend::StoredNode& node : nodes) {
    text += std::string(node.key.begin(), node.key.end()) + " -> " +
            std::string(node.block.begin(), node.block.end()) + "\n";
  }
  return text;
}

class GoingBack {
 public:
  explicit GoingBack(std::uint64_t seed) : maker_(seed), zone_(maker_.make_world().front()) {
    Bytes wire;
    append_name(wire, zone_.apex);
    apex_ = dns::Name(*dns::NameView::parse(wire));
  }

  // A version more; one in eight is kept whole beside the one before.
  void go_on() {
    const auto bounds = maker_.chance(12) ? backend::MergeBounds{0, 0} : backend::MergeBounds{};
    live_ = mirror_.publish({zone_.apex, zone_.records}, bounds);
    versions_.push_back(zone_);
    zone_ = maker_.make_next(zone_);
  }

  void go_back() {
    const backend::Version to = 1 + maker_.below(versions_.size() - 1);
    const RandomZone target = versions_[to - 1];
    sync::BuiltZone edited, read;
    bool in_place = false;
    {
      sync::StoreThread store(mirror_.mirror().writer());
      sync::OlderVersion older{{apex_, "/nonexistent"}, live_, to};
      sync::ZoneBuild whole(older.options, live_, mirror_.mirror(), store);
      auto restored = sync::restore(older, mirror_.mirror(), whole);
      ASSERT_TRUE(restored) << restored.error().message;
      in_place = restored->has_value();
      if (in_place) edited = std::move(**restored);
      older.anew = true;
      sync::ZoneBuild all(older.options, live_, mirror_.mirror(), store);
      restored = sync::restore(older, mirror_.mirror(), all);
      ASSERT_TRUE(restored && !*restored);
      auto built = all.finish();
      ASSERT_TRUE(built) << built.error().message;
      read = std::move(*built);
    }
    EXPECT_EQ(read.base, live_.version);
    if (in_place) expect_the_same(edited, read);
    ++(in_place ? in_place_ : anew_);
    publish(in_place ? std::move(edited) : std::move(read));
    expect_nodes(target);
    versions_.push_back(target);
    zone_ = maker_.make_next(target);
  }

  unsigned in_place() const { return in_place_; }
  unsigned anew() const { return anew_; }
  std::size_t versions() const { return versions_.size(); }

 private:
  static void expect_the_same(const sync::BuiltZone& edited, const sync::BuiltZone& read) {
    ASSERT_EQ(edited.content, backend::Content::patch);
    ASSERT_EQ(read.content, backend::Content::patch);
    EXPECT_EQ(shown(edited.nodes), shown(read.nodes));
    EXPECT_EQ(edited.change.chunks, read.change.chunks);
    EXPECT_EQ(edited.change.added, read.change.added);
    EXPECT_EQ(edited.change.removed, read.change.removed);
    EXPECT_EQ(edited.change.how, read.change.how);
    EXPECT_EQ(edited.summary.digest, read.summary.digest);
    EXPECT_EQ(edited.summary.records, read.summary.records);
    EXPECT_EQ(edited.summary.nodes, read.summary.nodes);
    EXPECT_EQ(edited.summary.serial, read.summary.serial);
    EXPECT_EQ(edited.summary.soa.minimum, read.summary.soa.minimum);
    EXPECT_EQ(edited.source_serial, read.source_serial);
    EXPECT_EQ(edited.base, read.base);
  }

  void publish(sync::BuiltZone built) {
    std::vector<backend::NewVersion> next(1);
    next[0].apex = apex_;
    next[0].row = live_;
    next[0].row.generation = built.generation;
    next[0].row.version += 1;
    next[0].row.serial = built.summary.serial;
    next[0].row.records = built.summary.records;
    next[0].row.nodes = built.summary.nodes;
    next[0].row.digest = built.summary.digest;
    next[0].content = built.content;
    next[0].nodes = std::move(built.nodes);
    next[0].change = std::move(built.change);
    ASSERT_TRUE(mirror_.mirror().writer().publish(next));
    live_ = next[0].row;
  }

  void expect_nodes(const RandomZone& zone) {
    const auto reader = std::move(*mirror_.mirror().reader());
    ASSERT_TRUE(reader->renew());
    std::vector<backend::StoredNode> nodes;
    backend::FoundNode found;
    for (bool more = reader->seek(live_.generation, {}, found); more; more = reader->next(found)) {
      const dns::Octets block = found.node.octets();
      nodes.push_back({{found.key.begin(), found.key.end()}, {block.begin(), block.end()}});
    }
    EXPECT_EQ(shown(nodes), shown(mirror_.nodes_of({zone.apex, zone.records})));
  }

  WorldMaker maker_;
  RandomZone zone_;  // what comes next
  dns::Name apex_;
  TestMirror mirror_;
  backend::ZoneRow live_;
  std::vector<RandomZone> versions_;
  unsigned in_place_ = 0, anew_ = 0;
};

TEST(ZonesThatGoBack, AreTheSameInPlaceAndReadBack) {
  std::cout << "UNDERSTUDY_PROPERTY_SEED=" << seed() << std::endl;
  unsigned in_place = 0, anew = 0;
  for (std::uint64_t chain = 0; chain < 12; ++chain) {
    GoingBack zone(seed() + chain);
    for (int step = 0; step < 24; ++step) {
      step % 3 == 2 ? zone.go_back() : zone.go_on();
      ASSERT_FALSE(::testing::Test::HasFailure()) << "chain " << chain << ", version " << zone.versions();
    }
    in_place += zone.in_place();
    anew += zone.anew();
  }
  EXPECT_GT(in_place, 30u);
  EXPECT_GT(anew, 5u);
}

}  // namespace
}  // namespace understudy::test
