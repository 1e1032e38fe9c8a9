// Zones added and removed while Sync runs, with zone files as sources and a wall clock that the test sets.
// Tests wait for what must happen, never for a length of time.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/sync_run.h"
#include "sync/reasons.h"

namespace understudy::sync {
namespace {

namespace asio = boost::asio;

dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

// Timers run by the steady clock, which is the real one; what is kept across restarts is in wall time.
class SetClock final : public Clock {
 public:
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  UnixTime wall() const override { return now; }
  std::atomic<UnixTime> now{1'700'000'000};
};

constexpr UnixTime day = 86400;

class ZoneChangesTest : public test::SyncRun {
 protected:
  ZoneChangesTest() : SyncRun(1) { write(1); }

  void write(unsigned serial) {
    const std::string path = directory_ + "/zone";
    std::ofstream(path + ".new") << "$TTL 300\n@ SOA ns host " << serial
                                 << " 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n";
    std::filesystem::rename(path + ".new", path);
  }
  ZoneSettings zone(std::string_view apex) const {
    ZoneSettings settings;
    settings.apex = name(apex);
    settings.sources = {FileSource{directory_ + "/zone"}};
    return settings;
  }
  void open(std::vector<ZoneSettings> zones = {}) {
    close();
    start(clock_, std::move(zones));
  }
  // What came out of a request.
  using Answer = std::shared_ptr<std::optional<Result<std::string>>>;
  static Sync::Done into(const Answer& answer) {
    return [answer](Result<std::string> result) { *answer = std::move(result); };
  }
  Answer begin_add(const ZoneSettings& settings) {
    auto answer = std::make_shared<std::optional<Result<std::string>>>();
    sync_->add(settings, {{"source", to_string(settings.sources.front())}}, into(answer));
    return answer;
  }
  Answer begin_remove(std::string_view apex) {
    auto answer = std::make_shared<std::optional<Result<std::string>>>();
    sync_->remove(name(apex), into(answer));
    return answer;
  }
  Answer begin_refresh(std::string_view apex) {
    auto answer = std::make_shared<std::optional<Result<std::string>>>();
    sync_->refresh(name(apex), into(answer));
    return answer;
  }
  Result<std::string> wait(const Answer& answer) {
    run_until([&] { return answer->has_value(); });
    return **answer;
  }
  // As the workers see it: none where the answer is REFUSED.
  std::optional<backend::Service> service(std::string_view apex) {
    backend::ZoneTables::Pin pin(*tables_);
    const backend::ZoneEntry* entry = pin.acquire().find(name(apex));
    if (entry == nullptr) return std::nullopt;
    return entry->service();
  }
  void wait_served(std::string_view apex, std::uint32_t serial) {
    run_until([&] { return sync_->status(name(apex))->row.serial == serial; });
  }

  SetClock clock_;
};

// An entry that demands a key for a source's address would be worth nothing beside one that demands none.
TEST_F(ZoneChangesTest, WhatAllowNotifySaysOfASourceGoesBeforeItsAddress) {
  const auto may = [this](const std::vector<std::string_view>& entries, const dns::Name* key) {
    ZoneSettings settings = zone("a.");
    settings.sources.push_back(*parse_source("axfr://127.0.0.1:1?key=xfr."));
    for (const std::string_view entry : entries)
      settings.allow_notify.push_back(*net::AccessRule::parse(entry));
    open({settings});
    backend::ZoneTables::Pin pin(*tables_);
    const auto& rules = pin.acquire().find(name("a."))->policy().allow_notify;
    return net::any_allows(rules, {asio::ip::address_v4::loopback(), key});
  };
  const dns::Name xfr = name("xfr.");
  EXPECT_TRUE(may({}, nullptr));
  EXPECT_TRUE(may({"192.0.2.1 key:xfr.", "key:xfr."}, nullptr)) << "none of them is about it";
  EXPECT_FALSE(may({"127.0.0.1 key:xfr."}, nullptr));
  EXPECT_FALSE(may({"0.0.0.0/0 key:xfr.", "192.0.2.1"}, nullptr));
  EXPECT_TRUE(may({"127.0.0.1 key:xfr."}, &xfr));
  EXPECT_FALSE(may({"127.0.0.1 tls"}, &xfr));
}

TEST_F(ZoneChangesTest, SevenDaysAZoneIsServedAtOnceWhenItComesBackThenItIsForgotten) {
  open();
  EXPECT_TRUE(wait(begin_add(zone("a."))));
  wait_served("a.", 1);
  EXPECT_EQ(service("a."), backend::Service::serving);
  EXPECT_TRUE(sync_->status(name("a."))->added);
  EXPECT_TRUE(wait(begin_remove("a.")));
  EXPECT_EQ(service("a."), std::nullopt);
  EXPECT_FALSE(sync_->status(name("a.")));

  // The last second of the seventh day.
  clock_.now += 7 * day - 1;
  open();
  ASSERT_EQ(sync_->unserved().size(), 1u);
  EXPECT_EQ(sync_->unserved()[0].row.serial, 1u);
  std::filesystem::remove(directory_ + "/zone");
  const auto again = wait(begin_add(zone("a.")));
  ASSERT_TRUE(again);
  EXPECT_NE(again->find("still in the mirror"), std::string::npos) << *again;
  EXPECT_EQ(service("a."), backend::Service::serving);
  EXPECT_TRUE(sync_->unserved().empty());

  // The seven days begin anew.
  EXPECT_TRUE(wait(begin_remove("a.")));
  clock_.now += 7 * day - 1;
  open();
  EXPECT_EQ(sync_->unserved().size(), 1u);
  clock_.now += 1;
  open();
  close();  // does first what is queued, forgetting among it
  open_mirror();
  const auto reader = std::move(*mirror_->reader());
  ASSERT_TRUE(reader->renew());
  EXPECT_TRUE(reader->zones().empty());
  EXPECT_TRUE(reader->unserved().empty());
}

TEST_F(ZoneChangesTest, WhatLeavesTheConfigurationIsUnservedAndComesBack) {
  open({zone("a."), zone("b.")});
  wait_served("a.", 1);
  wait_served("b.", 1);
  open({zone("b.")});
  EXPECT_EQ(service("a."), std::nullopt);
  ASSERT_EQ(sync_->unserved().size(), 1u);
  EXPECT_EQ(sync_->unserved()[0].since, clock_.now);
  open({zone("a."), zone("b.")});
  EXPECT_EQ(service("a."), backend::Service::serving);
  EXPECT_TRUE(sync_->unserved().empty());
}

TEST_F(ZoneChangesTest, RefusesWhatDoesNotFit) {
  open({zone("a.")});
  EXPECT_EQ(wait(begin_add(zone("A."))).error().reason, reason::zone_exists);
  EXPECT_EQ(wait(begin_remove("a.")).error().reason, reason::zone_configured);
  EXPECT_EQ(wait(begin_remove("b.")).error().reason, reason::no_source);
  const Answer first = begin_add(zone("b.")), second = begin_add(zone("b.")), third = begin_remove("b.");
  EXPECT_EQ(wait(second).error().reason, reason::zone_busy);
  EXPECT_EQ(wait(third).error().reason, reason::zone_busy);
  EXPECT_TRUE(wait(first));
  EXPECT_EQ(wait(begin_add(zone("b."))).error().reason, reason::zone_exists);
}

TEST_F(ZoneChangesTest, WhoWaitsForARemovedZoneIsAnsweredAtOnce) {
  asio::io_context unused;
  asio::ip::tcp::acceptor silent(unused, {asio::ip::address_v4::loopback(), 0});
  const net::Endpoint primary{asio::ip::address_v4::loopback(), silent.local_endpoint().port()};
  open();
  ZoneSettings settings = zone("a.");
  settings.sources = {AxfrSource{primary}};
  EXPECT_TRUE(wait(begin_add(settings)));
  const Answer under_way = begin_refresh("a.");
  run_until([&] { return sync_->status(name("a."))->transferring; });
  const Answer queued = begin_refresh("a.");
  EXPECT_TRUE(wait(begin_remove("a.")));
  EXPECT_EQ(wait(under_way).error().reason, reason::zone_removed);
  EXPECT_EQ(wait(queued).error().reason, reason::zone_removed);
  // Another agent looks after it now, whatever the one before still waits for.
  EXPECT_TRUE(wait(begin_add(zone("a."))));
  wait_served("a.", 1);
}

TEST_F(ZoneChangesTest, AKeyThatIsNotThereIsNeverDoneWithout) {
  const net::Endpoint primary{asio::ip::address_v4::loopback(), 1};
  ZoneSettings settings = zone("a.");
  settings.sources = {AxfrSource{primary, name("gone.")}};
  open();
  EXPECT_EQ(wait(begin_add(settings)).error().reason, reason::key_unknown);
  EXPECT_FALSE(sync_->status(name("a.")));
  // It was there when the zone was added: nobody is asked, signed or not.
  open({settings});
  EXPECT_EQ(wait(begin_refresh("a.")).error().reason, reason::key_unknown);
  EXPECT_NE(sync_->status(name("a."))->primaries.at(0).failure->message.find("gone."), std::string::npos);
}

TEST_F(ZoneChangesTest, ComesAndGoesWhileItChanges) {
  open();
  const auto reader = std::move(*mirror_->reader());
  backend::ZoneTables::Pin pin(*tables_);
  // What queries are answered from is in the mirror: nobody else published, so that nothing of it was
  // collected.
  const auto served_is_there = [&] {
    const auto commit = reader->renew();
    const auto live = pin.acquire().find(name("a."))->live(*commit, *reader);
    backend::FoundNode found;
    const bool there = live.generation == 0 || reader->seek(live.generation, {}, found);
    reader->reset();
    pin.release();
    return there;
  };
  for (unsigned serial = 1; serial <= 60; ++serial) {
    write(serial);
    EXPECT_TRUE(wait(begin_add(zone("a."))));
    const Answer check = begin_refresh("a.");
    // Leaves the check at another place each time: not begun, reading, publishing, over.
    for (unsigned step = 0; step < serial % 20 && !check->has_value(); ++step) context_->run_one();
    EXPECT_TRUE(wait(begin_remove("a.")));
    EXPECT_EQ(service("a."), std::nullopt);
    EXPECT_TRUE(check->has_value());
    EXPECT_TRUE(wait(begin_add(zone("a."))));
    const Answer again = begin_refresh("a.");
    while (!again->has_value()) {
      context_->run_one();
      ASSERT_TRUE(served_is_there()) << serial;
    }
    EXPECT_TRUE(**again);
    EXPECT_EQ(sync_->status(name("a."))->row.serial, serial);
    EXPECT_TRUE(wait(begin_remove("a.")));
  }
}

}  // namespace
}  // namespace understudy::sync
