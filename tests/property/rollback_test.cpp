// Random zones that change and go back: an older version that is made of what changed since is what reading
// it back whole makes, octet for octet, and so is the history that it leaves; also where its serial is
// raised.
//
// UNDERSTUDY_PROPERTY_SEED repeats a run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "property/world_maker.h"
#include "support/counting_mirror.h"
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
  // `raises`: serials only go up, as by serial = "raise".
  explicit GoingBack(std::uint64_t seed, bool raises)
      : raises_(raises), maker_(seed), zone_(maker_.make_world().front()) {
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
    RandomZone target = versions_[to - 1];
    sync::BuiltZone edited, read;
    bool in_place = false;
    {
      sync::StoreThread store(mirror_.mirror().writer());
      sync::OlderVersion older{{apex_, "/nonexistent"}, live_, to};
      older.raise_serial = raises_;
      sync::ZoneBuild whole(older.options, live_, mirror_.mirror(), store, raises_);
      auto restored = sync::restore(older, mirror_.mirror(), whole);
      ASSERT_TRUE(restored) << restored.error().message;
      in_place = restored->has_value();
      if (in_place) edited = std::move(**restored);
      older.anew = true;
      sync::ZoneBuild all(older.options, live_, mirror_.mirror(), store, raises_);
      restored = sync::restore(older, mirror_.mirror(), all);
      ASSERT_TRUE(restored && !*restored);
      auto built = all.finish();
      ASSERT_TRUE(built) << built.error().message;
      read = std::move(*built);
    }
    EXPECT_EQ(read.base, live_.version);
    if (in_place) expect_the_same(edited, read);
    if (raises_) {
      EXPECT_EQ(read.summary.serial, live_.serial + 1);
      EXPECT_EQ(read.source_serial, serial_of(target));
      ++(read.breaks_signatures ? refused_ : raised_);
      if (read.breaks_signatures) {
        EXPECT_FALSE(in_place) << "what signs the SOA was not seen";
        return;
      }
      set_serial(target, live_.serial + 1);
    }
    ++(in_place ? in_place_ : anew_);
    publish(in_place ? std::move(edited) : std::move(read));
    expect_nodes(target);
    versions_.push_back(target);
    zone_ = maker_.make_next(target);
  }

  unsigned in_place() const { return in_place_; }
  unsigned anew() const { return anew_; }
  unsigned raised() const { return raised_; }
  unsigned refused() const { return refused_; }
  std::size_t versions() const { return versions_.size(); }

 private:
  // RFC 1035 3.3.13: the SOA's RDATA ends with five numbers, of which this is the first.
  static std::uint8_t* serial_at(RandomZone& zone) {
    const auto soa = std::ranges::find(zone.records, type::SOA, &Rr::type);
    return soa->rdata.data() + soa->rdata.size() - 20;
  }
  static std::uint32_t serial_of(RandomZone& zone) { return dns::load32(serial_at(zone)); }
  static void set_serial(RandomZone& zone, std::uint32_t serial) { dns::store32(serial_at(zone), serial); }

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
    EXPECT_EQ(edited.breaks_signatures, read.breaks_signatures);
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

  const bool raises_;
  WorldMaker maker_;
  RandomZone zone_;  // what comes next
  dns::Name apex_;
  TestMirror mirror_;
  backend::ZoneRow live_;
  std::vector<RandomZone> versions_;
  unsigned in_place_ = 0, anew_ = 0, raised_ = 0, refused_ = 0;
};

void go_back_and_forth(bool raises) {
  std::cout << "UNDERSTUDY_PROPERTY_SEED=" << seed() << std::endl;
  unsigned in_place = 0, anew = 0, raised = 0, refused = 0;
  for (std::uint64_t chain = 0; chain < 12; ++chain) {
    GoingBack zone(seed() + chain, raises);
    for (int step = 0; step < 24; ++step) {
      step % 3 == 2 ? zone.go_back() : zone.go_on();
      ASSERT_FALSE(::testing::Test::HasFailure()) << "chain " << chain << ", version " << zone.versions();
    }
    in_place += zone.in_place();
    anew += zone.anew();
    raised += zone.raised();
    refused += zone.refused();
  }
  EXPECT_GT(in_place, raises ? 15u : 30u);
  EXPECT_GT(anew, raises ? 0u : 5u);
  EXPECT_EQ(raised > 20, raises);
  EXPECT_EQ(refused > 5, raises);
}

TEST(ZonesThatGoBack, AreTheSameInPlaceAndReadBack) { go_back_and_forth(false); }
TEST(ZonesThatGoBack, AreTheSameWithARaisedSerial) { go_back_and_forth(true); }

// A large zone of which few records differ: what is read is what differs, also where the serial is raised.
TEST(ZonesThatGoBack, CostWhatChangedAndNotTheZone) {
  constexpr unsigned hosts = 5000, most = 200;
  TestMirror mirror;
  const auto text = [](unsigned serial, std::string_view more) {
    std::string lines = "large. 60 SOA ns. h. " + std::to_string(serial) + " 2 3 4 5\nlarge. 60 NS ns.\n";
    for (unsigned host = 0; host < hosts; ++host)
      lines += "h" + std::to_string(host) + ".large. 60 A 192.0.2.1\n";
    return zone("large.", lines + std::string(more));
  };
  mirror.publish(text(1, "old.large. 60 A 192.0.2.2\n"));
  const backend::ZoneRow live = mirror.publish(text(2, "new.large. 60 A 192.0.2.3\n"));
  CountingMirror counting(mirror.mirror());
  sync::StoreThread store(mirror.mirror().writer());
  for (const bool raises : {false, true}) {
    sync::OlderVersion older{{*dns::Name::from_text("large."), "/nonexistent"}, live, 1};
    older.raise_serial = raises;
    for (const bool anew : {false, true}) {
      older.anew = anew;
      counting.nodes = 0;
      sync::ZoneBuild whole(older.options, live, counting, store, raises);
      const auto restored = sync::restore(older, counting, whole);
      ASSERT_TRUE(restored) << restored.error().message;
      EXPECT_EQ(restored->has_value(), !anew);
      if (anew) {  // read back it costs the zone: so the count does count
        EXPECT_GT(counting.nodes, hosts);
      } else {
        EXPECT_LT(counting.nodes, most);
        EXPECT_EQ((*restored)->summary.serial, raises ? 3u : 1u);
      }
    }
  }
}

}  // namespace
}  // namespace understudy::test
