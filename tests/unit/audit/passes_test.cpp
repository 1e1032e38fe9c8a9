// When something is asked, and what becomes of the verdicts.
#include "unit/audit/pass_fixture.h"

namespace understudy::test {
namespace {

TEST_F(Passes, AZoneInSyncIsComplete) {
  EXPECT_FALSE(pass_.complete());
  run();
  EXPECT_TRUE(pass_.complete());
  EXPECT_EQ(pass_.tally().asked, expected_questions.size());
  EXPECT_EQ(pass_.tally().match, expected_questions.size());
  EXPECT_EQ(pass_.last_full_pass(), now_.wall);
  EXPECT_EQ(asked_, expected_questions);
  // The next pass begins a period after the beginning of this one.
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(pass_.due(), now_.steady + 1h);
  wait(1h);
  EXPECT_EQ(run(), static_cast<int>(expected_questions.size()));
}

TEST_F(Passes, ADifferenceCountsWhenItStays) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  run();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_FALSE(pass_.complete());  // further questions are still to come
  EXPECT_LE(pass_.due(), now_.steady + confirm_after);
  EXPECT_EQ(confirm(), static_cast<int>(ZonePass::confirmations) - 1);
  ASSERT_EQ(mismatches().size(), 1u);
  const audit::Mismatch found = mismatches().front();
  EXPECT_EQ(to_string(found.owner), "www.example.");
  EXPECT_EQ(to_string(found.difference), "rdata");
  EXPECT_EQ(found.ours.rdata, std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(found.theirs.rdata, std::vector<std::string>{"198.51.100.1"});
  EXPECT_EQ(found.since, now_.wall);
  EXPECT_TRUE(pass_.complete());
  EXPECT_EQ(pass_.tally().mismatch, 1u);

  // It is known now: another pass needs no second question, and `since` stays.
  wait(1h);
  EXPECT_EQ(run(), static_cast<int>(expected_questions.size()));
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(mismatches().front().since, found.since);

  // It goes when the address agrees again.
  theirs_.clear();
  wait(1h);
  run();
  EXPECT_TRUE(mismatches().empty());
}

TEST_F(Passes, ADifferenceThatIsGoneTheSecondTimeIsNone) {
  theirs_["www.example. A"] = {.rcode = 3};
  run();
  theirs_.clear();
  EXPECT_EQ(confirm(), 2);
  EXPECT_TRUE(mismatches().empty());
  EXPECT_EQ(pass_.tally().match, expected_questions.size());
  EXPECT_TRUE(pass_.complete());
}

TEST_F(Passes, SilenceIsUnknownAndNeverComplete) {
  silent_ = true;
  run();
  confirm();  // asked again, in case a packet was lost
  EXPECT_EQ(pass_.tally().unknown, expected_questions.size());
  EXPECT_EQ(pass_.tally().match + pass_.tally().mismatch, 0u);
  EXPECT_FALSE(pass_.complete());
  EXPECT_EQ(pass_.last_full_pass(), 0);
  EXPECT_EQ(asked_.size(), 2 * expected_questions.size());

  // An address that is known to be silent is not asked everything twice.
  pass_.heard_serial(std::nullopt, now_.steady);
  wait(1h);
  EXPECT_EQ(run(), static_cast<int>(expected_questions.size()));
  EXPECT_EQ(pass_.due() > now_.steady + 30min, true);
}

TEST_F(Passes, AnotherSerialExcusesForAWhile) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  theirs_["example. SOA"] = {.answer = "example. 3600 SOA ns1.example. admin.example. 8 3600 600 86400 300"};
  pass_.heard_serial(8, now_.steady);
  run();
  confirm();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_EQ(pass_.tally().unknown, 0u);
  EXPECT_FALSE(pass_.complete()) << "it waits for the next version";
  // Still so ten minutes later: it is no longer in flight, the provider counts serials of its own, and the
  // address is wrong.
  wait(600s);
  run();
  confirm();
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(to_string(mismatches().front().owner), "www.example.");
  EXPECT_EQ(mismatches().front().their_serial, 8u);
  EXPECT_TRUE(pass_.complete());
}

// RFC 9660: the version that an answer comes from, rather than the serial that was told some time ago.
TEST_F(Passes, TheVersionOfAnAnswerGoesBeforeTheSerialThatWasTold) {
  const auto put = [this](std::optional<std::uint32_t> version) {
    for (;;) {
      const auto ask = pass_.take(*reader_, now_).value();
      if (!ask) return;
      audit::NormalAnswer answer = theirs(ask->question);
      answer.zone_serial = version;
      pass_.settle(*ask, ours(ask->question), answer, now_);
    }
  };
  const auto settle = [&](std::optional<std::uint32_t> version) {
    put(version);
    for (int i = 0; i < 20; ++i) {
      wait(1s);
      put(version);
    }
  };
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  settle(8);  // the address told 7, which is ours
  EXPECT_TRUE(mismatches().empty());
  EXPECT_FALSE(pass_.complete());
  pass_.heard_serial(8, now_.steady);
  pass_.heard_serial(7, now_.steady);  // what waited is asked again
  settle(7);
  EXPECT_EQ(mismatches().size(), 1u);
}

// Some answer by the client's network, and a question says every other time that there is none (RFC 7871).
TEST_F(Passes, AnswersThatDependOnTheClientsNetworkAreDynamic) {
  const auto put = [this] {
    for (;;) {
      const auto ask = pass_.take(*reader_, now_).value();
      if (!ask) return;
      theirs_["www.example. A"] = {.answer = ask->tries % 2 == 0 ? "www.example. 60 A 198.51.100.1"
                                                                 : "www.example. 60 A 198.51.100.2"};
      pass_.settle(*ask, ours(ask->question), theirs(ask->question), now_);
    }
  };
  put();
  for (int i = 0; i < 20; ++i) {
    wait(1s);
    put();
  }
  EXPECT_TRUE(mismatches().empty());
  EXPECT_EQ(pass_.tally().dynamic, 1u);
}

TEST_F(Passes, AnAddressThatIsBehindIsAskedAgainWhenItHasCaughtUp) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  pass_.heard_serial(6, now_.steady);
  theirs_["example. SOA"] = {.answer = "example. 3600 SOA ns1.example. admin.example. 6 3600 600 86400 300"};
  run();
  EXPECT_FALSE(pass_.complete());
  theirs_.clear();
  pass_.heard_serial(7, now_.steady);
  EXPECT_EQ(run(), 2);
  EXPECT_TRUE(pass_.complete());
  EXPECT_TRUE(mismatches().empty());
}

TEST_F(Passes, APublicationIsAskedAboutAtOnceAndThePassGoesOn) {
  run();
  ASSERT_TRUE(pass_.complete());
  std::string changed = zone_lines + "new.example. 60 TXT \"n\"\n*.x.example. 60 A 192.0.2.7\n";
  const std::string gone = "a.ent.example. 60 A 192.0.2.2\n";
  changed.erase(changed.find(gone), gone.size());
  changed.replace(changed.find("ns.sub.example. 60 A 192.0.2.5"), 30, "ns.sub.example. 60 A 192.0.2.6");
  mirror_.serve({zone("example.", changed)});
  pass_.published();
  EXPECT_FALSE(pass_.complete());
  asked_.clear();
  run();
  const std::multiset<std::string> expected = {"new.example. TXT", "*.x.example. A", "? x.example. A",
                                               "a.ent.example. A", "sub.example. NS"};  // for its glue
  EXPECT_EQ(asked_, expected);
  EXPECT_TRUE(pass_.complete());
  EXPECT_EQ(pass_.version(), 2u);
}

// The walk may see a version before anybody says that it is there.
TEST_F(Passes, APublicationThatTheWalkSawFirstIsAskedAboutAllTheSame) {
  run();
  wait(1h);
  mirror_.serve({zone("example.", zone_lines + "aa.example. 60 TXT \"n\"\n")});
  const auto first = pass_.take(*reader_, now_).value();  // of the next pass, and of the new version
  ASSERT_TRUE(first);
  ASSERT_EQ(pass_.version(), 2u);
  pass_.published();
  asked_.clear();
  const auto next = pass_.take(*reader_, now_).value();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->origin, audit::Ask::Origin::changed);
  EXPECT_EQ(text(next->question), "aa.example. TXT");
}

TEST_F(Passes, APublicationThatChangesNothingDoesNotKeepAPassFromItsEnd) {
  auto ask = pass_.take(*reader_, now_).value();
  std::vector<audit::Ask> open;
  for (; ask; ask = pass_.take(*reader_, now_).value()) open.push_back(*ask);
  pass_.published();
  for (const audit::Ask& one : open) pass_.settle(one, ours(one.question), ours(one.question), now_);
  run();
  EXPECT_TRUE(pass_.complete());
}

TEST_F(Passes, AnAnswerFromBeforeAPublicationIsNoFalseAlarm) {
  const auto early = pass_.take(*reader_, now_).value();
  ASSERT_TRUE(early);
  ASSERT_EQ(text(early->question), "example. NS");
  std::string changed = zone_lines;
  changed.replace(changed.find("www.example. 60 A 192.0.2.1"), 27, "www.example. 60 A 192.0.2.9");
  run();
  const audit::Question about_www = question("www.example.", "A");
  const audit::NormalAnswer before = ours(about_www);
  mirror_.serve({zone("example.", changed)});
  pass_.published();
  audit::Ask ask;
  ask.question = about_www;
  pass_.settle(*early, ours(early->question), ours(early->question), now_);
  // Both as a slow answer leaves them: theirs from before, ours from after.
  while (const auto next = pass_.take(*reader_, now_).value()) {
    const bool first = !next->again && text(next->question) == "www.example. A";
    pass_.settle(*next, ours(next->question), first ? before : ours(next->question), now_);
  }
  confirm();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_TRUE(pass_.complete());
}

TEST_F(Passes, WhatAlternatesIsDynamicUntilItStops) {
  const Reply one{.answer = "www.example. 60 A 198.51.100.1"},
      two{.answer = "www.example. 60 A 198.51.100.2"};
  pools_["www.example. A"] = {one, two};
  run();
  confirm();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_EQ(pass_.tally().dynamic, 1u);
  EXPECT_TRUE(pass_.complete());
  // It is known now.
  wait(1h);
  EXPECT_EQ(run(), static_cast<int>(expected_questions.size()));
  EXPECT_EQ(pass_.tally().dynamic, 1u);
  // An answer that is not of the set is a difference.
  pools_["www.example. A"] = {{.answer = "www.example. 60 A 203.0.113.3"}};
  wait(1h);
  run();
  confirm();
  ASSERT_EQ(mismatches().size(), 1u);
  // The set is forgotten where it does not alternate for a day: one answer of it for ever is wrong.
  pools_["www.example. A"] = {two};
  for (int pass = 0; pass < 26; ++pass) {
    wait(1h);
    run();
    confirm();
  }
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(mismatches().front().theirs.rdata, std::vector<std::string>{"198.51.100.2"});
}

TEST_F(Passes, WhatComesBackWithinADayIsDynamic) {
  const auto differs_once = [this] {
    theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
    wait(1h);
    run();
    confirm();
    const std::size_t found = mismatches().size();
    theirs_.clear();
    wait(1h);
    run();
    confirm();
    EXPECT_TRUE(mismatches().empty());
    return found;
  };
  EXPECT_EQ(differs_once(), 1u);
  EXPECT_EQ(differs_once(), 0u) << "it alternates, and seldom";
  for (int pass = 0; pass < 50; ++pass) {
    wait(1h);
    run();
  }
  EXPECT_EQ(differs_once(), 1u) << "what was long ago is forgotten";
}

// What went with a new version may come back with an old one: that is a server that fell behind again.
TEST_F(Passes, WhatComesBackAfterAnotherVersionIsADifference) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  run();
  confirm();
  ASSERT_EQ(mismatches().size(), 1u);
  theirs_.clear();
  wait(1h);
  run();
  ASSERT_TRUE(mismatches().empty());
  mirror_.serve({zone("example.", zone_lines + "new.example. 60 A 192.0.2.7\n")});
  pass_.published();
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  wait(1h);
  run();
  confirm();
  EXPECT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(pass_.tally().dynamic, 0u);
}

TEST_F(Passes, APoolThatHasOurAnswerTooIsDynamic) {
  const Reply other{.answer = "www.example. 60 A 198.51.100.1"},
      same{.answer = "www.example. 60 A 192.0.2.1"};
  pools_["www.example. A"] = {other, same};
  run();
  confirm();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_EQ(pass_.tally().dynamic, 1u);
}

TEST_F(Passes, AFlattenedNameWhoseTtlRunsDownIsDynamic) {
  for (int ttl = 60; ttl > 0; --ttl)
    pools_["www.example. A"].push_back({.answer = "www.example. " + std::to_string(ttl) + " A 198.51.100.1"});
  run();
  confirm();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_EQ(pass_.tally().dynamic, 1u);
}

TEST_F(Passes, AnUpdateDuringTheConfirmationIsNoPool) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  run();
  now_.steady = pass_.due();
  run();
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.2"};
  confirm();
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(mismatches().front().theirs.rdata, std::vector<std::string>{"198.51.100.2"});
  EXPECT_EQ(pass_.tally().dynamic, 0u);
}

TEST_F(Passes, ClientsQueriesAreAskedToo) {
  run();
  for (int i = 0; i < 100; ++i) pass_.offer(question("WwW.example.", "A"), false);
  asked_.clear();
  EXPECT_EQ(run(), static_cast<int>(ZonePass::most_live));
  EXPECT_TRUE(asked_.contains("WwW.example. A"));
  EXPECT_TRUE(pass_.complete());
}

TEST_F(Passes, ClientsQueriesAreAskedWithTheDoBitThatTheyHad) {
  run();
  pass_.offer(question("www.example.", "A"), true);
  pass_.offer(question("www.example.", "TXT"), false);
  EXPECT_TRUE(pass_.take(*reader_, now_).value()->dnssec);
  EXPECT_FALSE(pass_.take(*reader_, now_).value()->dnssec);
}

class ShortPeriod : public Passes {
 protected:
  ShortPeriod() : Passes({1s, confirm_after, 600s, 24h, false, {}}) {}
};

// The budget wins over the period: what takes longer is not begun anew before its end.
TEST_F(ShortPeriod, APassComesToItsEnd) {
  double covered = 0;
  for (std::size_t asked = 0; asked < expected_questions.size(); ++asked) {
    const auto ask = pass_.take(*reader_, now_).value();
    ASSERT_TRUE(ask) << asked;
    asked_.insert(text(ask->question));
    pass_.settle(*ask, ours(ask->question), ours(ask->question), now_);
    EXPECT_GE(pass_.coverage(), covered);
    covered = pass_.coverage();
    EXPECT_EQ(pass_.complete(), asked + 1 == expected_questions.size());
    wait(5s);
  }
  EXPECT_EQ(asked_, expected_questions);
  EXPECT_TRUE(pass_.complete());
}

// What is below a cut is another zone's, and what a stranger may ask does not make a pass incomplete.
TEST_F(Passes, ClientsQueriesProveNothingOfTheZone) {
  theirs_["host.sub.example. A"] = {.answer = "host.sub.example. 60 A 198.51.100.7"};
  theirs_["odd.example. A"] = {.rcode = 5};
  run();
  wait(1h);
  const auto open = pass_.take(*reader_, now_).value();  // of the next pass, which is not over before it
  for (const char* name : {"host.sub.example.", "odd.example."}) pass_.offer(question(name, "A"), false);
  run();
  confirm();
  pass_.settle(open.value(), ours(open->question), ours(open->question), now_);
  EXPECT_TRUE(asked_.contains("host.sub.example. A"));
  EXPECT_TRUE(asked_.contains("odd.example. A"));
  EXPECT_TRUE(mismatches().empty());
  EXPECT_GT(pass_.tally().unknown, 0u);
  EXPECT_TRUE(pass_.complete());
}

TEST_F(Passes, ClientsQueriesDoNotHoldUpTheWalk) {
  run();
  wait(1h);
  for (int i = 0; i < 10; ++i) pass_.offer(question("nobody.example.", "A"), false);
  std::vector<bool> live;
  for (int i = 0; i < 10; ++i)
    live.push_back(pass_.take(*reader_, now_).value()->origin == audit::Ask::Origin::live);
  EXPECT_EQ(std::count(live.begin(), live.end(), true), 5);
}

TEST_F(Passes, AMismatchGoesWithItsOwner) {
  theirs_["www.example. TXT"] = {};
  run();
  confirm();
  ASSERT_EQ(mismatches().size(), 1u);
  std::string without = zone_lines;
  const std::string line = "www.example. 60 TXT \"a\"\n";
  without.erase(without.find(line), line.size());
  mirror_.serve({zone("example.", without)});
  theirs_.clear();  // gone there as well
  pass_.published();
  run();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_TRUE(pass_.complete());
}

TEST_F(Passes, WhatOnlyTheyHaveIsKeptUntilItIsGone) {
  theirs_["www.example. AAAA"] = {.answer = "www.example. 60 AAAA 2001:db8::1"};
  run();
  confirm();
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(to_string(mismatches().front().difference), "extra");
  // Later walks ask for other types; what is known is asked again all the same.
  for (int pass = 0; pass < 3; ++pass) {
    wait(1h);
    run();
    ASSERT_EQ(mismatches().size(), 1u) << pass;
    EXPECT_TRUE(pass_.complete());
  }
  theirs_.clear();
  wait(1h);
  run();
  EXPECT_TRUE(mismatches().empty());
}

TEST_F(Passes, MismatchesAreKnownAgainUnderAnotherMadeUpName) {
  theirs_["? w.example. A"] = {.rcode = 3};
  for (int pass = 0; pass < 3; ++pass) {
    run();
    confirm();
    ASSERT_EQ(mismatches().size(), 1u);
    EXPECT_EQ(to_string(mismatches().front().difference), "wildcard");
    wait(1h);
  }
}

}  // namespace
}  // namespace understudy::test
