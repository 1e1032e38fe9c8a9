// Which version is served: the gate, what is held, and what an operator decides. Versions come from a zone
// file, so that each is the test's own; a real mirror, the real clock, and no waiting but for what must
// happen.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "backend/lookup.h"
#include "support/sync_run.h"
#include "sync/reasons.h"

namespace understudy::sync {
namespace {

dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

class Decisions : public test::SyncRun, public backend::PublicationListener {
 protected:
  Decisions() {
    settings_.apex = name("z.");
    settings_.sources = {FileSource{directory_ + "/zone"}};
    settings_.gate.shrink = 0.3;
    settings_.gate.losses = Act::hold;
  }
  void published(const backend::ZoneEntry&, const backend::ZoneRow&) override { ++publications_; }

  void open() { start(clock_, {settings_}, {}, this); }
  // "a b" makes the names a.z. and b.z.; `more` stands as it is.
  void write(int serial, std::string_view names, std::string_view more = {}) {
    std::ofstream file(directory_ + "/new");
    file << "$TTL 300\n@ SOA ns host " << serial << " 3600 600 86400 300\n@ NS ns\n" << more;
    std::istringstream words{std::string(names)};
    for (std::string word; words >> word;) file << word << " A 192.0.2.1\n";
    file.close();
    std::filesystem::rename(directory_ + "/new", directory_ + "/zone");
  }
  using Ask = std::function<void(Sync&, Sync::Done)>;
  Result<std::string> ask(const Ask& order) {
    std::optional<Result<std::string>> answer;
    order(*sync_, [&](Result<std::string> r) { answer = std::move(r); });
    run_until([&] { return answer.has_value(); });
    return *answer;
  }
  // Has what was written looked at.
  std::string look() {
    const auto outcome = ask([](Sync& s, Sync::Done done) { s.retransfer(name("z."), std::move(done)); });
    return outcome ? *outcome : std::string(outcome.error().reason);
  }
  Result<std::string> hold() {
    return ask([](Sync& s, Sync::Done done) { s.hold(name("z."), std::move(done)); });
  }
  Result<std::string> resume() {
    return ask([](Sync& s, Sync::Done done) { s.resume(name("z."), std::move(done)); });
  }
  Result<std::string> accept(backend::Version version) {
    return ask([&](Sync& s, Sync::Done done) { s.accept(name("z."), version, std::move(done)); });
  }
  Result<std::string> rollback(backend::Version version, bool force = false) {
    return ask([&](Sync& s, Sync::Done done) { s.rollback(name("z."), version, force, std::move(done)); });
  }
  ZoneStatus status() { return *sync_->status(name("z.")); }
  bool has(std::string_view owner) {
    backend::ZoneTables::Pin pin(*tables_);
    const backend::ZoneEntry* entry = pin.acquire().find(name("z."));
    auto reader = *mirror_->reader();
    const std::uint64_t commit = *reader->renew();
    dns::NameKey key(name(owner));
    return backend::look_up(*reader, entry->live(commit, *reader).generation, 1, key, dns::RRType::A)
               .outcome == backend::Outcome::answer;
  }
  backend::Service service() {
    backend::ZoneTables::Pin pin(*tables_);
    return pin.acquire().find(name("z."))->service();
  }

  ZoneSettings settings_;
  SystemClock clock_;
  int publications_ = 0;
};

TEST_F(Decisions, a_version_that_lost_too_much_is_held_until_it_is_accepted) {
  write(1, "a b c d e f");
  open();
  EXPECT_EQ(look(), "transferred version 1");
  write(2, "a b");
  EXPECT_EQ(look(), "version 2 is held: it has 4 records instead of 8: 50.0% fewer, and shrink allows 30.0%");
  EXPECT_TRUE(has("f.z."));
  EXPECT_EQ(status().row.version, 1u);
  EXPECT_EQ(status().held->row.version, 2u);
  EXPECT_EQ(status().held->reason, "shrink");
  EXPECT_EQ(status().state, ZoneState::fresh) << "the source did answer";
  EXPECT_EQ(sync_->totals().versions_held.at(0), (std::pair<std::string_view, std::uint64_t>{"shrink", 1}));
  EXPECT_EQ(publications_, 1);
  EXPECT_EQ(look().substr(0, 17), "version 2 is held") << "the same again is no other version";

  EXPECT_EQ(accept(1).error().reason, "not-held");
  EXPECT_EQ(*accept(2), "version 2 is served, with serial 2");
  EXPECT_FALSE(has("f.z."));
  EXPECT_TRUE(has("b.z."));
  EXPECT_FALSE(status().held);
  EXPECT_EQ(status().soa.serial, 2u);
  EXPECT_EQ(publications_, 2);
  EXPECT_EQ(look(), "up to date");
  EXPECT_EQ(accept(2).error().reason, "not-held");
}

TEST_F(Decisions, what_is_held_survives_a_restart_and_a_newer_one_takes_its_place) {
  write(1, "a b c d e f");
  open();
  look();
  write(2, "a");
  look();
  close();
  open();
  EXPECT_EQ(status().held->row.version, 2u);
  EXPECT_TRUE(has("f.z."));
  write(3, "b");
  EXPECT_EQ(look().substr(0, 17), "version 3 is held");
  const auto refused = accept(2);
  EXPECT_EQ(refused.error().reason, "not-held");
  EXPECT_NE(refused.error().message.find("version 3"), std::string::npos);
  write(4, "a b c d e f g");
  EXPECT_EQ(look(), "transferred version 4");
  EXPECT_FALSE(status().held);
  EXPECT_TRUE(has("g.z."));
}

TEST_F(Decisions, losses_at_the_apex_and_of_wildcards_are_held_each_with_its_reason) {
  settings_.gate.shrink = 1;
  settings_.gate.ns_loss = 0.5;
  const std::string_view all = "@ MX 1 m\n@ DNSKEY 256 3 8 AQAB\n*.w A 192.0.2.9\n@ NS n2\n@ NS n3\n";
  write(1, "a", all);
  open();
  look();
  const auto without = [&](std::string_view what) {
    std::string text(all);
    text.erase(text.find(what), what.size());
    return text;
  };
  int serial = 2;
  for (const auto& [what, reason] : {std::pair("@ MX 1 m\n", "mx-lost"),
                                     {"@ DNSKEY 256 3 8 AQAB\n", "dnskey-lost"},
                                     {"*.w A 192.0.2.9\n", "wildcard-lost"},
                                     {"@ NS n2\n@ NS n3\n", "ns-lost"}}) {
    write(serial++, "a", without(what));
    look();
    ASSERT_TRUE(status().held) << what;
    EXPECT_EQ(status().held->reason, reason);
  }
  write(serial++, "a", without("@ NS n2\n"));
  EXPECT_EQ(look(), "transferred version 6") << "one of three may go";
}

TEST_F(Decisions, churn_counts_what_is_gone_or_replaced) {
  settings_.gate.shrink = 1;
  settings_.gate.churn = 0.5;
  write(1, "a b c d e f");
  open();
  look();
  write(2, "a b c u v w");
  EXPECT_EQ(look(), "transferred version 2") << "three of eight";
  write(3, "u x y z1 z2 z3 z4");
  EXPECT_EQ(look().substr(0, 17), "version 3 is held");
  EXPECT_EQ(status().held->reason, "churn");
  EXPECT_EQ(status().held->message, "5 of 8 records are gone or replaced: 62.5%, and churn allows 50.0%");
}

TEST_F(Decisions, few_records_are_not_held_for) {
  settings_.gate.ignore_below = 3;
  write(1, "a b c");
  open();
  look();
  write(2, "a");
  EXPECT_EQ(look(), "transferred version 2");
}

TEST_F(Decisions, a_warning_lets_it_through) {
  settings_.gate.losses = Act::warn;
  write(1, "a b c", "@ MX 1 m\n");
  open();
  look();
  EXPECT_TRUE(status().warnings.empty());
  write(2, "a b c");
  EXPECT_EQ(look(), "transferred version 2");
  ASSERT_EQ(status().warnings.size(), 1u);
  EXPECT_EQ(status().warnings[0].reason, reason::mx_lost);
  EXPECT_EQ(status().warnings[0].message, "the apex has no MX any more");
  EXPECT_EQ(look(), "up to date") << "the same again";
  EXPECT_EQ(status().warnings.size(), 1u);
  write(3, "a b c d");
  EXPECT_EQ(look(), "transferred version 3");
  EXPECT_TRUE(status().warnings.empty()) << "of what is served, not of what was";
  EXPECT_EQ(sync_->totals().versions_warned.at(0),
            (std::pair<std::string_view, std::uint64_t>{"mx-lost", 1}));
}

TEST_F(Decisions, a_warning_of_what_is_held_counts_once_it_is_served) {
  settings_.gate.losses = Act::warn;
  write(1, "a b c d e f", "@ MX 1 m\n");
  open();
  look();
  write(2, "a b");
  EXPECT_EQ(look().substr(0, 17), "version 2 is held");
  EXPECT_TRUE(status().warnings.empty());
  EXPECT_TRUE(sync_->totals().versions_warned.empty());
  ASSERT_TRUE(accept(2));
  ASSERT_EQ(status().warnings.size(), 1u);
  EXPECT_EQ(status().warnings[0].reason, reason::mx_lost) << "and not what it was held for";
  EXPECT_EQ(sync_->totals().versions_warned.at(0),
            (std::pair<std::string_view, std::uint64_t>{"mx-lost", 1}));
  ASSERT_TRUE(rollback(1));
  EXPECT_TRUE(status().warnings.empty());
}

TEST_F(Decisions, a_wrong_digest_is_held_though_it_is_the_first_version) {
  settings_.gate.zonemd = Act::hold;
  write(1, "a", "@ ZONEMD 1 1 1 " + std::string(96, '0') + "\n");
  open();
  run_until([&] { return sync_->all_tried(); });
  ASSERT_TRUE(status().held);
  EXPECT_EQ(status().held->reason, "zonemd");
  EXPECT_EQ(service(), backend::Service::no_data);
  EXPECT_EQ(*accept(1), "version 1 is served, with serial 1");
  EXPECT_EQ(service(), backend::Service::serving);
  EXPECT_EQ(status().state, ZoneState::fresh);
  EXPECT_TRUE(has("a.z."));
}

TEST_F(Decisions, the_command_reads_the_zone_and_its_last_line_says_why) {
  const std::string script = directory_ + "/check";
  std::ofstream(script) << "#!/bin/sh\ngrep -q '^bad[.]z[.]' || exit 0\necho looking at $UNDERSTUDY_ZONE\n"
                           "echo \"no bad names in serial $UNDERSTUDY_SERIAL\" >&2\nexit 3\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  settings_.gate.command = {script};
  write(1, "a b");
  open();
  EXPECT_EQ(look(), "transferred version 1");
  write(2, "a b bad");
  EXPECT_EQ(look(), "version 2 is held: " + script + " says: no bad names in serial 2");
  EXPECT_EQ(status().held->reason, "command");
}

TEST_F(Decisions, a_command_that_hangs_or_is_not_there_holds) {
  settings_.gate.command = {"/bin/sh", "-c", "exec sleep 1000"};
  settings_.gate.command_timeout = Seconds(1);
  write(1, "a b");
  open();
  run_until([&] { return status().held.has_value(); });
  EXPECT_EQ(status().held->message, "/bin/sh says: it took longer than 1 s");
  close();
  settings_.gate.command = {"/nowhere/check"};
  open();
  write(2, "a b");
  EXPECT_NE(look().find("/nowhere/check cannot be run"), std::string::npos);
}

TEST_F(Decisions, hold_stops_publication_and_not_fetching_until_resume) {
  write(1, "a b c");
  open();
  look();
  ASSERT_TRUE(hold());
  EXPECT_TRUE(status().standing.hold);
  close();
  open();
  EXPECT_TRUE(status().standing.hold) << "after a restart too";
  write(2, "a b c d");
  EXPECT_EQ(look(), "version 2 is held: an operator holds the zone");
  EXPECT_EQ(status().held->reason, "hold");
  EXPECT_FALSE(has("d.z."));
  EXPECT_EQ(*resume(), "resumed; version 2 is served, with serial 2");
  EXPECT_TRUE(has("d.z."));
  EXPECT_FALSE(status().standing.hold);
  EXPECT_EQ(*resume(), "no operator holds it");
}

TEST_F(Decisions, resume_never_lifts_what_the_gate_holds) {
  write(1, "a b c d e f");
  open();
  look();
  ASSERT_TRUE(hold());
  write(2, "a");
  look();
  EXPECT_EQ(status().held->reason, "shrink");
  EXPECT_NE(resume()->find("version 2 is held by the gate"), std::string::npos);
  EXPECT_TRUE(has("f.z."));
  EXPECT_TRUE(status().held);
  EXPECT_TRUE(accept(2));
  EXPECT_FALSE(has("f.z."));
}

TEST_F(Decisions, a_rollback_is_a_version_and_so_is_the_way_back) {
  write(1, "a b c d");
  open();
  look();
  write(2, "a b c x");
  look();
  const auto back = rollback(1);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_NE(back->find("as version 3 with serial 1"), std::string::npos);
  EXPECT_NE(back->find("AXFR only"), std::string::npos);
  EXPECT_TRUE(has("d.z."));
  EXPECT_FALSE(has("x.z."));
  EXPECT_TRUE(status().standing.rolled_back);
  EXPECT_TRUE(status().standing.serial_unmoved);
  EXPECT_EQ(status().soa.serial, 1u);
  EXPECT_EQ(look(), "version 4 is held: the zone was rolled back");
  close();
  open();
  EXPECT_TRUE(has("d.z."));
  EXPECT_TRUE(status().standing.rolled_back);
  EXPECT_EQ(*resume(), "resumed; version 4 is served, with serial 2");
  EXPECT_TRUE(has("x.z."));
  EXPECT_FALSE(status().standing.serial_unmoved);
  EXPECT_EQ(rollback(4).error().reason, "version-unknown") << "it is served";
  EXPECT_EQ(rollback(77).error().reason, "version-unknown");
  EXPECT_TRUE(rollback(3));
  EXPECT_TRUE(has("d.z."));
}

TEST_F(Decisions, after_a_rollback_the_source_is_asked_again_though_nothing_is_held) {
  write(1, "a b c d");
  open();
  look();
  write(2, "a b c x");
  look();
  ASSERT_TRUE(rollback(1));
  EXPECT_EQ(*resume(), "resumed; the source is asked for what it has now");
  run_until([&] { return status().row.version == 4; });
  EXPECT_TRUE(has("x.z."));
}

TEST_F(Decisions, raised_serials_only_go_up) {
  settings_.raise_serial = true;
  write(5, "a b c d");
  open();
  look();
  write(5, "a b c x");
  EXPECT_EQ(look(), "transferred version 2");
  EXPECT_EQ(status().row.serial, 6u);
  EXPECT_EQ(status().standing.source_serial, 5u);
  EXPECT_EQ(look(), "up to date") << "what was raised is no change";
  ASSERT_TRUE(rollback(1));
  EXPECT_EQ(status().row.serial, 7u);
  EXPECT_FALSE(status().standing.serial_unmoved);
  close();
  open();
  ASSERT_TRUE(resume());
  run_until([&] { return status().row.version == 4; });
  EXPECT_EQ(status().row.serial, 8u);
  write(100, "a b c y");
  look();
  EXPECT_EQ(status().row.serial, 100u) << "its own is newer";
}

TEST_F(Decisions, the_serial_of_a_signed_zone_is_not_raised) {
  settings_.raise_serial = true;
  const std::string_view signature = "@ RRSIG SOA 8 1 300 20380101000000 20240101000000 1 z. AQAB\n";
  write(5, "a b c d", signature);
  open();
  look();
  write(5, "a b c x", signature);
  EXPECT_EQ(look(), "serial-raise");
  EXPECT_FALSE(has("x.z."));
  write(6, "a b c y", signature);
  EXPECT_EQ(look(), "transferred version 2");
  EXPECT_EQ(rollback(1).error().reason, "serial-raise");
  EXPECT_TRUE(has("y.z."));
}

// RFC 8976 3: the digest is over the SOA too.
TEST_F(Decisions, the_serial_of_a_zone_with_a_digest_is_not_raised) {
  settings_.raise_serial = true;
  const std::string digest = "@ ZONEMD 5 1 1 " + std::string(96, '0') + "\n";
  write(5, "a b c d", digest);
  open();
  look();
  write(5, "a b c x", digest);
  EXPECT_EQ(look(), "serial-raise");
  ASSERT_TRUE(status().last_refusal);
  EXPECT_EQ(status().last_refusal->reason, reason::serial_raise);
  EXPECT_NE(status().last_refusal->message.find("ZONEMD"), std::string::npos);
  EXPECT_FALSE(has("x.z."));
  write(5, "a b c x");
  EXPECT_EQ(look(), "transferred version 2") << "without one it may be raised";
  EXPECT_EQ(status().row.serial, 6u);
  EXPECT_EQ(rollback(1).error().reason, reason::serial_raise);
  EXPECT_TRUE(has("x.z."));
}

TEST_F(Decisions, a_version_whose_keys_signature_has_ended_comes_back_only_by_force) {
  const auto write_signed = [this](int serial, std::string_view names, std::string_view end_of_keys) {
    write(serial, names,
          "@ RRSIG SOA 8 1 300 20380101000000 20240101000000 1 z. AQAB\n@ DNSKEY 257 3 8 AQAB\n@ RRSIG "
          "DNSKEY 8 1 300 " +
              std::string(end_of_keys) + " 20190101000000 1 z. AQAB\n");
  };
  write_signed(1, "a b c d", "20200101000000");
  open();
  look();
  write_signed(2, "a b c x", "20380101000000");
  look();
  const auto refused = rollback(1);
  EXPECT_EQ(refused.error().reason, reason::signature_ended);
  EXPECT_NE(refused.error().message.find("DNSKEY"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(has("x.z."));
  EXPECT_TRUE(rollback(1, true));
  EXPECT_TRUE(has("d.z."));
}

TEST_F(Decisions, a_version_whose_signature_has_ended_comes_back_only_by_force) {
  write(1, "a b c d", "@ RRSIG SOA 8 1 300 20200101000000 20190101000000 1 z. AQAB\n");
  open();
  look();
  write(2, "a b c x", "@ RRSIG SOA 8 1 300 20380101000000 20240101000000 1 z. AQAB\n");
  look();
  const auto refused = rollback(1);
  EXPECT_EQ(refused.error().reason, "signature-ended");
  EXPECT_NE(refused.error().message.find("--force"), std::string::npos);
  EXPECT_TRUE(has("x.z."));
  EXPECT_TRUE(rollback(1, true));
  EXPECT_TRUE(has("d.z."));
}

TEST_F(Decisions, time_accepts_where_the_policy_says_so) {
  settings_.gate.accept_after = Seconds(1);
  write(1, "a b c d e f");
  open();
  look();
  write(2, "a");
  look();
  EXPECT_TRUE(status().held);
  run_until([&] { return !status().held; });
  EXPECT_FALSE(has("f.z."));
  EXPECT_EQ(status().row.version, 2u);
}

}  // namespace
}  // namespace understudy::sync
