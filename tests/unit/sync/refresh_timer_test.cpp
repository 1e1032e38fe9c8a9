#include "sync/refresh_timer.h"

#include <gtest/gtest.h>

#include <set>

namespace understudy::sync {
namespace {

constexpr dns::Soa soa{1, 3600, 600, 86400, 300};  // serial, refresh, retry, expire, minimum

Now at(std::int64_t seconds) { return {SteadyTime(Seconds(1000 + seconds)), 1'700'000'000 + seconds}; }
double after(const RefreshTimer& timer, Now now) {
  return std::chrono::duration<double>(timer.due() - now.steady).count();
}

const SharedSettings plain;  // a zone of which nothing is said

SharedSettings bounded_by(const TimerBounds& bounds) {
  SharedSettings settings;
  settings.timers = bounds;
  return settings;
}

SharedSettings served_stale_for(Seconds time) {
  SharedSettings settings;
  settings.serve_stale = time;
  return settings;
}

RefreshTimer fresh_at(std::int64_t seconds, const SharedSettings& settings = plain, std::uint64_t seed = 1) {
  RefreshTimer timer(settings, seed);
  timer.start_empty(at(seconds));
  timer.begin_check();
  timer.succeeded(at(seconds), soa);
  return timer;
}

TEST(RefreshTimer, AsksAtOnceWhileEmptyAndThenEverMoreRarely) {
  RefreshTimer timer(plain, 1);
  timer.start_empty(at(0));
  EXPECT_EQ(timer.state(), ZoneState::empty);
  EXPECT_TRUE(timer.check_due(at(0)));
  double expected = 1;
  for (int i = 0; i < 20; ++i) {
    timer.begin_check();
    EXPECT_FALSE(timer.check_due(at(100000)));
    timer.failed(at(0), false);
    EXPECT_NEAR(after(timer, at(0)), expected, expected * 0.051) << i;
    EXPECT_EQ(timer.state(), ZoneState::empty);
    expected = std::min(expected * 2, 3600.0);
  }
  EXPECT_FALSE(timer.tick(at(1'000'000'000)));  // what never had data does not expire
}

TEST(RefreshTimer, FollowsTheSoa) {
  RefreshTimer timer = fresh_at(0);
  EXPECT_EQ(timer.state(), ZoneState::fresh);
  EXPECT_NEAR(after(timer, at(0)), 3600, 181);
  EXPECT_EQ(timer.row().last_success, at(0).wall);
  EXPECT_EQ(timer.row().expires, at(86400).wall);
  timer.begin_check();
  timer.failed(at(3600), false);
  EXPECT_EQ(timer.state(), ZoneState::retrying);
  EXPECT_NEAR(after(timer, at(3600)), 600, 31);
  EXPECT_EQ(timer.row().last_check, at(0).wall);
  EXPECT_EQ(timer.row().expires, at(86400).wall);
  timer.begin_check();
  timer.failed(at(4200), true);
  EXPECT_EQ(timer.row().last_check, at(4200).wall);
  EXPECT_EQ(timer.row().last_success, at(0).wall);
  timer.begin_check();
  timer.succeeded(at(4800), soa);
  EXPECT_EQ(timer.state(), ZoneState::fresh);
  EXPECT_EQ(timer.row().expires, at(4800 + 86400).wall);
}

TEST(RefreshTimer, ExpiresOnceAndComesBack) {
  RefreshTimer timer = fresh_at(0);
  for (std::int64_t now = 3600; now < 86400; now += 600) {
    timer.begin_check();
    timer.failed(at(now), true);  // answered, and still not current
    EXPECT_FALSE(timer.tick(at(now)));
  }
  EXPECT_LE(timer.due(), at(86400).steady);
  timer.begin_check();  // a check that hangs does not put it off
  EXPECT_EQ(timer.due(), at(86400).steady);
  EXPECT_FALSE(timer.tick(at(86399)));
  EXPECT_TRUE(timer.tick(at(86400)));
  EXPECT_EQ(timer.state(), ZoneState::expired);
  EXPECT_FALSE(timer.tick(at(86401)));
  timer.failed(at(86402), false);
  EXPECT_EQ(timer.state(), ZoneState::expired);
  EXPECT_NEAR(after(timer, at(86402)), 600, 31);
  timer.begin_check();
  timer.succeeded(at(87000), soa);
  EXPECT_EQ(timer.state(), ZoneState::fresh);
}

TEST(RefreshTimer, KeepsWithinItsBounds) {
  TimerBounds bounds;
  bounds.refresh_min = Seconds(7200), bounds.retry_max = Seconds(20), bounds.expire_min = Seconds(604800);
  const SharedSettings wide = bounded_by(bounds);
  RefreshTimer timer = fresh_at(0, wide);
  EXPECT_NEAR(after(timer, at(0)), 7200, 361);
  EXPECT_EQ(timer.row().expires, at(604800).wall);
  timer.begin_check();
  timer.failed(at(7200), false);
  EXPECT_NEAR(after(timer, at(7200)), 20, 1.01);
  bounds = {};
  bounds.refresh_max = Seconds(60), bounds.refresh_min = Seconds(1), bounds.expire_max = Seconds(100);
  bounds.expire_min = Seconds(1);
  const SharedSettings narrow = bounded_by(bounds);
  const RefreshTimer capped = fresh_at(0, narrow);
  EXPECT_NEAR(after(capped, at(0)), 60, 3.01);
  EXPECT_EQ(capped.row().expires, at(100).wall);
}

TEST(RefreshTimer, SpreadsZonesTheSameWayAtEveryStart) {
  std::set<SteadyTime> due;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    due.insert(fresh_at(0, plain, seed).due());
    EXPECT_EQ(fresh_at(0, plain, seed).due(), fresh_at(0, plain, seed).due());
  }
  EXPECT_GT(due.size(), 90u);
}

TEST(RefreshTimer, ANotifyIsDueAtOnceAndOneDuringACheckMakesOneMore) {
  RefreshTimer timer = fresh_at(0);
  EXPECT_FALSE(timer.check_due(at(10)));
  timer.wanted(at(10));
  timer.wanted(at(10));
  EXPECT_TRUE(timer.check_due(at(10)));
  timer.begin_check();
  for (int i = 0; i < 5; ++i) timer.wanted(at(11));
  EXPECT_FALSE(timer.check_due(at(11)));
  timer.succeeded(at(12), soa);
  EXPECT_TRUE(timer.check_due(at(12)));  // one more
  timer.begin_check();
  timer.failed(at(13), false);
  EXPECT_FALSE(timer.check_due(at(13)));  // and no further
}

TEST(RefreshTimer, GoesOnAfterARestart) {
  const RefreshTimer before = fresh_at(0);
  RefreshTimer timer(plain, 1);
  timer.start(at(1000), soa, before.row());
  EXPECT_EQ(timer.state(), ZoneState::fresh);
  EXPECT_NEAR(after(timer, at(1000)), 2600, 182);
  EXPECT_TRUE(timer.tick(at(86400)));
  RefreshTimer late(plain, 1);
  late.start(at(90000), soa, before.row());
  EXPECT_EQ(late.state(), ZoneState::expired);
  EXPECT_TRUE(late.check_due(at(90000)));
  // The wall clock was set back by ten years: never later than a zone that was checked just now.
  RefreshTimer jumped(plain, 1);
  const Now past{at(0).steady, at(0).wall - 315'360'000};
  jumped.start(past, soa, before.row());
  EXPECT_LE(after(jumped, past), 3600);
  EXPECT_TRUE(jumped.tick({past.steady + Seconds(86400), past.wall}));
}

TEST(RefreshTimer, AZoneThatWasAFilesExpiresAfterItsLastSuccess) {
  SharedSettings local;
  local.sources = {FileSource{"zone"}};
  RefreshTimer file(local, 1);
  file.start_empty(at(0));
  file.begin_check();
  file.succeeded(at(0), soa);
  RefreshTimer moved(plain, 1);
  moved.start(at(100), soa, file.row());
  EXPECT_EQ(moved.state(), ZoneState::fresh);
  EXPECT_FALSE(moved.tick(at(86399)));
  EXPECT_TRUE(moved.tick(at(86400)));
  EXPECT_EQ(moved.state(), ZoneState::expired);
}

TEST(RefreshTimer, AFileNeverExpires) {
  SharedSettings file;
  file.sources = {FileSource{"zone"}};
  RefreshTimer timer(file, 1);
  timer.start_empty(at(0));
  timer.begin_check();
  timer.succeeded(at(0), soa);
  EXPECT_EQ(timer.row().expires, 0);
  EXPECT_FALSE(timer.tick(at(1'000'000'000)));
  timer.begin_check();
  timer.failed(at(10), false);
  EXPECT_EQ(timer.state(), ZoneState::retrying);
  RefreshTimer again(file, 1);
  again.start(at(900'000), soa, timer.row());
  EXPECT_EQ(again.state(), ZoneState::fresh);
}

// DESIGN.md: on-expire = "serve-stale:DURATION" serves on for so long, and no longer.
TEST(RefreshTimer, ServesStaleForAsLongAsThePolicySays) {
  const SharedSettings stale = served_stale_for(Seconds(1000));
  RefreshTimer timer(stale, 1);
  timer.start_empty(at(0));
  timer.begin_check();
  timer.succeeded(at(0), soa);
  EXPECT_FALSE(timer.tick(at(86399)));
  EXPECT_TRUE(timer.tick(at(86400)));
  EXPECT_EQ(timer.state(), ZoneState::stale);
  EXPECT_FALSE(timer.tick(at(86400)));
  timer.begin_check();
  EXPECT_EQ(timer.due(), at(87400).steady);
  timer.failed(at(86500), false);
  EXPECT_EQ(timer.state(), ZoneState::stale);
  EXPECT_TRUE(timer.tick(at(87400)));
  EXPECT_EQ(timer.state(), ZoneState::expired);
  timer.begin_check();
  timer.succeeded(at(90000), soa);
  EXPECT_EQ(timer.state(), ZoneState::fresh);
  // A process that was away wakes up in the state that time made.
  const backend::TimerRow row = timer.row();
  const auto woken_at = [&](std::int64_t seconds) {
    RefreshTimer woken(stale, 1);
    woken.start(at(seconds), soa, row);
    return woken.state();
  };
  EXPECT_EQ(woken_at(90000 + 86399), ZoneState::fresh);
  EXPECT_EQ(woken_at(90000 + 86400), ZoneState::stale);
  EXPECT_EQ(woken_at(90000 + 87399), ZoneState::stale);
  EXPECT_EQ(woken_at(90000 + 87400), ZoneState::expired);
}

TEST(RefreshTimer, AStaleZoneCanBeEndedBefore) {
  const SharedSettings stale = served_stale_for(Seconds(1000));
  RefreshTimer timer(stale, 1);
  timer.start_empty(at(0));
  timer.begin_check();
  timer.succeeded(at(0), soa);
  timer.end_stale();
  EXPECT_EQ(timer.state(), ZoneState::fresh);
  timer.tick(at(86400));
  timer.end_stale();
  EXPECT_EQ(timer.state(), ZoneState::expired);
}

TEST(RefreshTimer, AVersionOfAnOperatorsSaysNothingOfThePrimary) {
  RefreshTimer timer = fresh_at(0);
  const UnixTime expires = timer.row().expires;
  timer.adopted(at(100), soa);
  EXPECT_EQ(timer.row().expires, expires);
  EXPECT_EQ(timer.row().last_success, at(0).wall);
  RefreshTimer empty(plain, 1);
  empty.start_empty(at(0));
  empty.begin_check();
  empty.adopted(at(100), soa);
  EXPECT_EQ(empty.state(), ZoneState::fresh);
  EXPECT_TRUE(empty.checking());
  EXPECT_EQ(empty.row().expires, at(100 + 86400).wall);
}

}  // namespace
}  // namespace understudy::sync
