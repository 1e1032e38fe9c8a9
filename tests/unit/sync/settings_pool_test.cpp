// Which zones share their settings, and what a zone takes that does.
#include "sync/settings_pool.h"

#include "support/allocated.h"
#include "unit/sync/sync_fixture.h"

namespace understudy::sync {
namespace {

SharedSettings from(std::string_view address) {
  SharedSettings settings;
  settings.sources = {AxfrSource{{boost::asio::ip::make_address(address), 53}}};
  return settings;
}

TEST(SettingsPool, TheSameIsThereOnce) {
  SettingsPool pool;
  const auto one = pool.share(from("192.0.2.1")), other = pool.share(from("192.0.2.2"));
  EXPECT_NE(one.settings, other.settings);
  EXPECT_EQ(pool.share(from("192.0.2.1")).settings, one.settings);
  EXPECT_EQ(pool.share(from("192.0.2.1")).policy, one.policy);
  EXPECT_EQ(*one.settings, from("192.0.2.1"));
}

TEST(SettingsPool, TheSourceMaySendNotify) {
  SettingsPool pool;
  const auto address = boost::asio::ip::make_address("192.0.2.1");
  EXPECT_TRUE(net::any_allows(pool.share(from("192.0.2.1")).policy->allow_notify, {address}));
  EXPECT_FALSE(net::any_allows(pool.share(from("192.0.2.2")).policy->allow_notify, {address}));
}

TEST(SettingsPool, RemembersAFewAndForgetsTheOldest) {
  SettingsPool pool;
  const auto first = pool.share(from("192.0.2.1"));
  for (std::size_t i = 0; i < SettingsPool::most; ++i) pool.share(from("198.51.100." + std::to_string(i)));
  const auto again = pool.share(from("192.0.2.1"));
  EXPECT_NE(again.settings, first.settings);
  EXPECT_EQ(*again.settings, *first.settings) << "who had it keeps it";
}

// Else a hundred thousand zones would not fit where they should.
TEST_F(SyncTest, AZoneLikeManyOthersIsSmall) {
  constexpr std::size_t count = 1'000, most = 1'700;  // octets, of agent, zone entry and what finds them
  const auto zones_alike = [this](const std::string& prefix) {
    std::vector<ZoneSettings> zones;
    for (std::size_t i = 0; i < count; ++i)
      zones.push_back(zone(prefix + std::to_string(i) + ".example.",
                           {AxfrSource{{boost::asio::ip::make_address("127.0.0.1"), 1}}}));
    return zones;
  };
  secondary->open_mirror();
  auto zones = zones_alike("z");
  const std::size_t of_settings = test::allocated_octets();
  { const auto as_many = zones_alike("y"); }
  ASSERT_EQ(test::allocated_octets(), of_settings) << "something else goes on";
  ASSERT_TRUE(secondary->sync->start(zones));
  EXPECT_LE((test::allocated_octets() - of_settings) / count, most);
}

}  // namespace
}  // namespace understudy::sync
