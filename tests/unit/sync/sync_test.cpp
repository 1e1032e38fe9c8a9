// Sync as a whole, beside a primary and before a secondary.
#include "unit/sync/sync_fixture.h"

namespace understudy::sync {
namespace {

TEST_F(SyncTest, MirrorsAndFollowsAPrimary) {
  secondary->open({zone("example.")});
  EXPECT_EQ(secondary->service("example."), backend::Service::no_data);
  EXPECT_FALSE(secondary->sync->all_tried());
  run_until_tried();
  ZoneStatus status = secondary->status("example.");
  EXPECT_EQ(status.state, ZoneState::fresh);
  EXPECT_EQ(status.row.version, 1u);
  EXPECT_EQ(status.row.records, 5u);
  EXPECT_EQ(status.soa.refresh, 3600u);
  EXPECT_TRUE(status.primaries.at(0).up);
  EXPECT_EQ(secondary->service("example."), backend::Service::serving);
  EXPECT_TRUE(secondary->has("example.", "h2.example."));
  EXPECT_FALSE(secondary->has("example.", "h3.example."));

  EXPECT_EQ(*secondary->ask("example.", false), "up to date");
  primary.serial = 2, primary.hosts = 4;
  EXPECT_EQ(*secondary->ask("example.", false), "transferred version 2");
  EXPECT_TRUE(secondary->has("example.", "h3.example."));
  EXPECT_EQ(secondary->status("example.").primary_serial, 2u);
  EXPECT_EQ(secondary->publications, 2);
  EXPECT_EQ(primary.transfers, 2);

  // The same again, whole: nothing is published, since nothing changed.
  EXPECT_EQ(*secondary->ask("example.", true), "up to date");
  EXPECT_EQ(primary.transfers, 3);
  EXPECT_EQ(secondary->publications, 2);
  secondary->sync->refresh(name("other."),
                           [](Result<std::string> r) { EXPECT_EQ(r.error().reason, "no-source"); });
}

TEST_F(SyncTest, KeepsTheLastGoodVersion) {
  secondary->open({zone("example.")});
  run_until_tried();
  primary.serial = 2, primary.break_transfer = true;
  EXPECT_EQ(secondary->ask("example.", false).error().reason, "truncated");
  ZoneStatus status = secondary->status("example.");
  EXPECT_EQ(status.state, ZoneState::retrying);
  EXPECT_EQ(status.row.serial, 1u);
  EXPECT_EQ(status.last_refusal->reason, "truncated");
  EXPECT_NE(status.out_of_sync_since, 0);
  EXPECT_TRUE(secondary->has("example.", "h2.example."));
  primary.refuse = true;
  EXPECT_EQ(secondary->ask("example.", false).error().reason, "refused");
  EXPECT_FALSE(secondary->status("example.").primaries.at(0).up);
  primary.refuse = false, primary.break_transfer = false;
  EXPECT_EQ(*secondary->ask("example.", false), "transferred version 2");
  status = secondary->status("example.");
  EXPECT_EQ(status.state, ZoneState::fresh);
  EXPECT_EQ(status.out_of_sync_since, 0);
  EXPECT_TRUE(status.primaries.at(0).up);
}

TEST_F(SyncTest, AsksForDifferencesOfWhatItHas) {
  secondary->open({zone("example.")});
  run_until_tried();
  EXPECT_EQ(primary.increments, 0);
  primary.serial = 2, primary.hosts = 4;
  EXPECT_EQ(*secondary->ask("example.", false), "transferred version 2");
  EXPECT_EQ(primary.increments, 1);
  EXPECT_EQ(primary.transfers, 2);  // the whole zone came at once
  EXPECT_EQ(secondary->status("example.").last_transfer, "axfr-style");
  EXPECT_EQ(*secondary->ask("example.", true), "up to date");
  EXPECT_EQ(primary.increments, 1);
}

TEST_F(SyncTest, RemembersAPrimaryThatKnowsNoIxfr) {
  primary.no_ixfr = true;
  secondary->open({zone("one."), zone("two.")});
  run_until_tried();
  for (const std::string_view apex : {"one.", "two.", "one."}) {
    primary.serial = primary.serial + 1;
    ASSERT_TRUE(secondary->ask(apex, false));
    EXPECT_EQ(secondary->status(apex).row.serial, primary.serial);
    EXPECT_EQ(secondary->status(apex).last_transfer, "axfr");
  }
  EXPECT_EQ(primary.increments, 1);
  const SyncTotals totals = secondary->sync->totals();
  EXPECT_EQ(totals.transfer_fallbacks, (std::vector{std::pair(reason::not_implemented, std::uint64_t{1})}));
}

TEST_F(SyncTest, TakesAnOlderSerialOnlyWhenTold) {
  primary.serial = 10;
  secondary->open({zone("example.")});
  run_until_tried();
  primary.serial = 9, primary.hosts = 7;
  EXPECT_EQ(secondary->ask("example.", false).error().reason, "serial-backwards");
  EXPECT_EQ(secondary->status("example.").row.serial, 10u);
  EXPECT_EQ(primary.transfers, 1);
  primary.serial = 10 + 0x80000000u;  // RFC 1982: neither newer nor older
  EXPECT_EQ(secondary->ask("example.", false).error().reason, "serial-backwards");
  primary.serial = 9;
  EXPECT_EQ(*secondary->ask("example.", true), "transferred version 2");
  EXPECT_EQ(secondary->status("example.").row.serial, 9u);
  EXPECT_TRUE(secondary->has("example.", "h6.example."));
}

TEST_F(SyncTest, ServesFromTheMirrorAfterARestart) {
  secondary->open({zone("example.")});
  run_until_tried();
  const ZoneStatus before = secondary->status("example.");
  secondary->close();
  primary.refuse = true;
  secondary->open({zone("example.")});
  EXPECT_EQ(secondary->service("example."), backend::Service::serving);
  EXPECT_TRUE(secondary->has("example.", "h2.example."));
  EXPECT_TRUE(secondary->sync->all_tried());
  const ZoneStatus after = secondary->status("example.");
  EXPECT_EQ(after.row.version, before.row.version);
  EXPECT_EQ(after.soa.refresh, before.soa.refresh);
  EXPECT_EQ(after.timers.expires, before.timers.expires);
  EXPECT_EQ(primary.probes, 0);  // the next check is an hour away
}

TEST_F(SyncTest, ServesBeforeAnybodyIsAsked) {
  ZoneSettings never = zone("never.example.", {AxfrSource{{primary.endpoint().address, 1}}});
  secondary->open({zone("example."), zone("old.example.")});
  run_until_tried();
  const backend::ZoneRow old = secondary->status("old.example.").row;
  secondary->close();
  secondary->open_mirror();
  ASSERT_TRUE(secondary->mirror->writer().save_timers({{old.id, {1, 1, 1, 2}}}));  // expired in 1970
  const int probes = primary.probes, transfers = primary.transfers;
  ASSERT_TRUE(secondary->sync->open({zone("example."), zone("old.example."), never}));
  EXPECT_EQ(secondary->service("example."), backend::Service::serving);
  EXPECT_TRUE(secondary->has("example.", "h0.example."));
  EXPECT_EQ(secondary->service("old.example."), backend::Service::no_data);
  EXPECT_EQ(secondary->service("never.example."), backend::Service::no_data);
  EXPECT_EQ(secondary->context->poll(), 0u);
  EXPECT_FALSE(secondary->sync->status(name("example.")));
  const backend::ZoneEntry* const entry = &secondary->entry("example.");
  ASSERT_TRUE(secondary->sync->start());
  EXPECT_EQ(&secondary->entry("example."), entry);  // with what it has counted
  EXPECT_EQ(secondary->service("old.example."), backend::Service::expired);
  EXPECT_EQ(primary.probes, probes);
  EXPECT_EQ(primary.transfers, transfers);
}

TEST_F(SyncTest, WhatComesBackAfterExpireWithALowerSerialPassesTheGateAllTheSame) {
  primary.serial = 10, primary.hosts = 50;
  ZoneSettings settings = zone("example.");
  settings.gate.shrink = 0.3;
  secondary->open({settings});
  run_until_tried();
  const backend::ZoneId id = secondary->status("example.").row.id;
  secondary->close();
  secondary->open_mirror();
  ASSERT_TRUE(secondary->mirror->writer().save_timers({{id, {1, 1, 1, 2}}}));  // expired in 1970
  primary.serial = 5, primary.hosts = 10;
  ASSERT_TRUE(secondary->sync->start({settings}));
  EXPECT_EQ(secondary->service("example."), backend::Service::expired);
  ASSERT_EQ(secondary->ask("example.", false)->substr(0, 17), "version 2 is held");
  ZoneStatus status = secondary->status("example.");
  EXPECT_EQ(status.held->reason, reason::shrink);
  EXPECT_EQ(status.held->source_serial, 5u);
  // Its source was there: the last good version is served again, and the alarm stays.
  EXPECT_EQ(status.state, ZoneState::fresh);
  EXPECT_EQ(secondary->service("example."), backend::Service::serving);
  EXPECT_EQ(status.row.serial, 10u);
  EXPECT_TRUE(secondary->has("example.", "h49.example."));
  EXPECT_EQ(secondary->ask("example.", false)->substr(0, 17), "version 2 is held")
      << "fresh, it is still held";
  std::optional<Result<std::string>> accepted;
  secondary->sync->accept(name("example."), 2, [&](Result<std::string> said) { accepted = std::move(said); });
  secondary->run_until([&] { return accepted.has_value(); });
  ASSERT_TRUE(*accepted) << accepted->error().message;
  EXPECT_EQ(secondary->status("example.").row.serial, 5u);
  EXPECT_FALSE(secondary->has("example.", "h49.example."));
  EXPECT_EQ(*secondary->ask("example.", false), "up to date");
}

TEST_F(SyncTest, AsksTheNextPrimaryAndSparesTheSilentOne) {
  asio::io_context unused;
  asio::ip::tcp::acceptor nobody(unused, {asio::ip::address_v4::loopback(), 0});
  const net::Endpoint dead{asio::ip::address_v4::loopback(), nobody.local_endpoint().port()};
  nobody.close();
  std::vector<ZoneSettings> zones;
  for (int i = 0; i < 50; ++i) {
    zones.push_back(zone("z" + std::to_string(i) + ".", {AxfrSource{dead}, AxfrSource{primary.endpoint()}}));
  }
  secondary->open(zones);
  run_until_tried();
  for (int i = 0; i < 50; ++i) {
    const ZoneStatus status = secondary->status("z" + std::to_string(i) + ".");
    EXPECT_EQ(status.state, ZoneState::fresh);
    EXPECT_FALSE(status.primaries.at(0).up);
    EXPECT_TRUE(status.primaries.at(1).up);
  }
  EXPECT_EQ(primary.transfers, 50);
}

// Past bug: 130 zones of one primary that says nothing took every place, and no other zone was asked for.
TEST_F(SyncTest, ASilentPrimaryWithManyZonesDelaysNoOtherZone) {
  asio::io_context unused;
  asio::ip::tcp::acceptor silent(unused, {asio::ip::address_v4::loopback(), 0});
  asio::ip::udp::socket deaf(unused, {asio::ip::address_v4::loopback(), silent.local_endpoint().port()});
  const net::Endpoint dead{asio::ip::address_v4::loopback(), silent.local_endpoint().port()};
  std::vector<ZoneSettings> zones;
  for (int i = 0; i < 300; ++i) zones.push_back(zone("z" + std::to_string(i) + ".", {AxfrSource{dead}}));
  zones.push_back(zone("live."));
  secondary->open(zones);
  secondary->run_until([this] { return secondary->status("live.").state == ZoneState::fresh; });
  // With one queue for all, the last zone's turn would come only after 173 of the others were given up.
  int given_up = 0;
  for (int i = 0; i < 300; ++i) {
    given_up += secondary->status("z" + std::to_string(i) + ".").primaries.at(0).failure.has_value();
  }
  EXPECT_LT(given_up, 100);
}

TEST_F(SyncTest, ANotifyBringsTheChangeAndGoesOn) {
  PlainPrimary further;
  ZoneSettings settings = zone("example.");
  settings.notify = {further.endpoint()};
  secondary->open({settings});
  secondary->run_until([&] { return secondary->sync->totals().notify_sent.size() == 1; });
  EXPECT_EQ(further.notifies, 1);
  primary.serial = 2;
  const backend::ZoneEntry& entry = secondary->entry("example.");
  EXPECT_TRUE(net::any_allows(entry.policy().allow_notify, {primary.endpoint().address}));
  std::thread worker([&] {
    for (int i = 0; i < 100; ++i) secondary->sync->notified(entry, primary.endpoint().address, 2);
  });
  worker.join();
  secondary->run_until([&] { return secondary->publications == 2 && further.notifies == 2; });
  EXPECT_LE(primary.probes, 2);  // a hundred NOTIFY, one check and at most one more
  EXPECT_EQ(secondary->sync->totals().notify_received.at(0),
            std::make_pair(std::string_view("ok"), std::uint64_t{100}));
}

TEST_F(SyncTest, TakesALargeZoneInManyCommits) {
  primary.hosts = 150'000;
  secondary->open({zone("example."), zone("small.")});
  run_until_tried();
  EXPECT_EQ(secondary->status("example.").row.records, 150'002u);
  EXPECT_TRUE(secondary->has("example.", "h149999.example."));
  EXPECT_TRUE(secondary->has("small.", "h149999.small."));
  primary.serial = 2, primary.hosts = 2;
  EXPECT_EQ(*secondary->ask("example.", false), "transferred version 2");
  EXPECT_FALSE(secondary->has("example.", "h149999.example."));
}

TEST_F(SyncTest, DropsOrRefusesWhatLiesOutside) {
  primary.outside = true;
  ZoneSettings strict = zone("strict.");
  strict.refuse_out_of_zone = true;
  secondary->open({zone("example."), strict});
  run_until_tried();
  EXPECT_EQ(secondary->status("example.").out_of_zone_dropped, 1u);
  EXPECT_EQ(secondary->status("example.").row.records, 5u);
  EXPECT_EQ(secondary->status("strict.").state, ZoneState::empty);
  EXPECT_EQ(secondary->status("strict.").last_refusal->reason, "out-of-zone");
  EXPECT_EQ(secondary->service("strict."), backend::Service::no_data);
}

TEST_F(SyncTest, FollowsAFile) {
  const std::string path = directory_ + "/example.zone";
  const auto write = [&](std::string_view serial, std::string_view rest) {
    std::ofstream(path + ".new") << "$TTL 300\n@ SOA ns host " << serial
                                 << " 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n"
                                 << rest;
    std::filesystem::rename(path + ".new", path);
  };
  secondary->open({zone("example.", {FileSource{path}})});
  run_until_tried();
  EXPECT_EQ(secondary->status("example.").state, ZoneState::empty);
  EXPECT_EQ(secondary->status("example.").primaries.at(0).failure->reason, "file-unreadable");
  write("5", "www A 192.0.2.2\n");
  secondary->run_until([&] { return secondary->publications == 1; });
  EXPECT_TRUE(secondary->has("example.", "www.example."));
  EXPECT_EQ(secondary->status("example.").timers.expires, 0);
  // The operator's file is the authority, its serial only a number.
  write("5", "new A 192.0.2.3\n");
  secondary->run_until([&] { return secondary->publications == 2; });
  EXPECT_TRUE(secondary->has("example.", "new.example."));
  write("4", "broken A 192.0.2\n");
  secondary->run_until([&] { return secondary->status("example.").state == ZoneState::retrying; });
  EXPECT_TRUE(secondary->has("example.", "new.example."));
  EXPECT_EQ(secondary->status("example.").last_refusal->reason, "bad-zone-file");
  write("5", "new A 192.0.2.3\n");
  secondary->run_until([&] { return secondary->status("example.").state == ZoneState::fresh; });
  EXPECT_EQ(secondary->publications, 2);  // as it was: no new version
}

}  // namespace
}  // namespace understudy::sync
