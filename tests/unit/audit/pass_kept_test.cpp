// What of a pass outlives a restart, what is expected, and passes that are made once.
#include "unit/audit/pass_fixture.h"

namespace understudy::test {
namespace {

TEST_F(Passes, WhatWasSeenSurvivesARestart) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  run();
  confirm();
  const audit::Mismatch before = mismatches().at(0);
  const std::vector<backend::AuditRow> rows = pass_.take_rows();
  EXPECT_TRUE(pass_.take_rows().empty()) << "told once";
  ASSERT_TRUE(reader_->renew());
  const auto zone_row = reader_->zone(product_name("example.")).value();
  reader_->reset();

  ZonePass next(product_name("example."), {}, shared(every_hour()), 2);
  next.restore(zone_row, rows, now_);
  std::vector<audit::Mismatch> after;
  next.append_mismatches(after);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(to_string(after[0].owner) + to_string(after[0].type), "www.example.A");
  EXPECT_EQ(after[0].since, before.since);
  EXPECT_TRUE(next.complete());
  EXPECT_EQ(next.last_full_pass(), pass_.last_full_pass());
  EXPECT_EQ(next.tally().asked, pass_.tally().asked);
  EXPECT_FALSE(next.take(*reader_, now_).value()) << "the next pass begins when it would have";

  ZonePass elsewhere(product_name("example."), {{}, 5353}, shared(every_hour()), 2);
  elsewhere.restore(zone_row, rows, now_);
  EXPECT_EQ(elsewhere.tally().asked, 0u) << "of another address";
}

TEST_F(Passes, AMismatchThatWentIsForgottenInTheMirrorToo) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  run();
  confirm();
  const auto kept = pass_.take_rows();
  theirs_.clear();
  wait(1h);
  run();
  const auto gone = pass_.take_rows();
  const auto evidence = [](const backend::AuditRow& row) { return row.kind == backend::AuditKind::evidence; };
  const auto was = std::find_if(kept.begin(), kept.end(), evidence),
             is = std::find_if(gone.begin(), gone.end(), evidence);
  ASSERT_TRUE(was != kept.end() && is != gone.end());
  EXPECT_EQ(was->key, is->key);
  EXPECT_FALSE(was->value.empty());
  EXPECT_TRUE(is->value.empty());
}

TEST_F(Passes, ARestartGoesOnBeforeWhatWasNotAnswered) {
  std::multiset<std::string> settled;
  for (int i = 0; i < 5; ++i) {
    const auto ask = pass_.take(*reader_, now_).value();
    ASSERT_TRUE(ask);
    pass_.settle(*ask, ours(ask->question), ours(ask->question), now_);
  }
  const auto rows = pass_.take_rows();
  ASSERT_TRUE(reader_->renew());
  const auto zone_row = reader_->zone(product_name("example.")).value();
  reader_->reset();
  ZonePass next(product_name("example."), {}, shared(every_hour()), 2);
  next.heard_serial(7, now_.steady);
  next.restore(zone_row, rows, now_);
  while (const auto ask = next.take(*reader_, now_).value()) {
    settled.insert(text(ask->question));
    next.settle(*ask, ours(ask->question), ours(ask->question), now_);
  }
  EXPECT_EQ(settled, expected_questions) << "the batch that was under way, and it is the first";
  EXPECT_TRUE(next.complete());
}

class ManyNames : public Passes {
 protected:
  ManyNames() {
    std::string lines = zone_lines;
    for (int i = 0; i < 300; ++i) lines += "n" + std::to_string(i) + ".many.example. 60 A 192.0.2.1\n";
    mirror_.serve({zone("example.", lines)});
  }
  // Asks `most` questions; what was asked.
  std::multiset<std::string> ask(ZonePass& pass, std::size_t most) {
    std::multiset<std::string> asked;
    while (asked.size() < most) {
      const auto next = pass.take(*reader_, now_).value();
      if (!next) break;
      asked.insert(text(next->question));
      pass.settle(*next, ours(next->question), ours(next->question), now_);
    }
    return asked;
  }
};

TEST_F(ManyNames, ARestartDoesNotBeginAnew) {
  const std::multiset<std::string> before = ask(pass_, 400);
  const auto rows = pass_.take_rows();
  ASSERT_TRUE(reader_->renew());
  const auto zone_row = reader_->zone(product_name("example.")).value();
  reader_->reset();
  ZonePass next(product_name("example."), {}, shared(every_hour()), 1);
  next.heard_serial(7, now_.steady);
  next.restore(zone_row, rows, now_);
  const std::multiset<std::string> after = ask(next, 10'000);
  EXPECT_TRUE(next.complete());
  EXPECT_LT(after.size(), 400u);  // a batch was under way, and is asked again
  std::set<std::string> all(before.begin(), before.end());
  all.insert(after.begin(), after.end());
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(all.contains("n" + std::to_string(i) + ".many.example. A")) << i;
}

// Though it shows with every type that is asked, those included that it never had; where only those say that
// there is no such name it is their difference.
TEST_F(Passes, ANameThatIsMissingAsAWholeIsToldOnce) {
  const Reply no_such_name{.rcode = 3,
                           .authority = "example. 300 SOA ns1.example. admin.example. 7 3600 600 86400 300"};
  for (const std::string type : {"A", "AAAA", "MX", "TXT", "SRV", "CAA", "HTTPS", "NS", "DS", "NAPTR"})
    theirs_["ns1.example. " + type] = no_such_name;
  const auto told = [this] {
    std::vector<std::string> all;
    for (const audit::Mismatch& one : mismatches())
      all.push_back(to_string(one.type) + " " + std::string(to_string(one.difference)));
    return all;
  };
  run();
  confirm();
  EXPECT_EQ(told(), std::vector<std::string>{"A missing"});
  EXPECT_EQ(pass_.tally().mismatch, 1u);
  wait(1h);
  EXPECT_EQ(run(), static_cast<int>(expected_questions.size())) << "nothing is doubted anew";
  theirs_.erase("ns1.example. A");
  for (int pass = 0; pass < 3;
       ++pass) {  // each asks for another type that it does not have: this is MX, after AAAA
    wait(1h);
    run();
    confirm();
    EXPECT_EQ(told(), std::vector<std::string>{"MX rcode"});
  }
}

// The same where many questions are under way at once, and the answers come in any order.
TEST_F(Passes, ANameThatIsMissingAsAWholeIsToldOnceInAnyOrder) {
  const Reply no_such_name{.rcode = 3,
                           .authority = "example. 300 SOA ns1.example. admin.example. 7 3600 600 86400 300"};
  theirs_["www.example. A"] = theirs_["www.example. TXT"] = theirs_["www.example. AAAA"] = no_such_name;
  for (int round = 0; round < 20; ++round) {
    std::vector<audit::Ask> under_way;
    while (auto ask = pass_.take(*reader_, now_).value()) under_way.push_back(std::move(*ask));
    if (round == 0)
      std::reverse(under_way.begin(), under_way.end());  // and what is asked again keeps that order
    for (const audit::Ask& ask : under_way) pass_.settle(ask, ours(ask.question), theirs(ask.question), now_);
    wait(1s);
  }
  ASSERT_EQ(mismatches().size(), 2u);
  for (const audit::Mismatch& one : mismatches()) EXPECT_EQ(to_string(one.difference), "missing");
  EXPECT_EQ(pass_.tally().mismatch, 2u);
  EXPECT_EQ(pass_.tally().match, expected_questions.size() - 2);
}

// What was on its way when the last place for doubts was taken is doubted like all before it; then nothing
// more is asked, of whatever origin.
TEST_F(Passes, WhereNoMoreCanBeDoubtedNothingIsAskedAndNothingCounts) {
  std::string lines = zone_lines;
  for (std::size_t i = 0; i < ZonePass::most_doubts / 2 + 100; ++i)
    lines += "n" + std::to_string(i) + ".many.example. 60 A 192.0.2.1\n";
  mirror_.serve({zone("example.", lines)});
  std::vector<audit::Ask> under_way;
  while (under_way.size() < ZonePass::most_doubts + 50) {
    auto ask = pass_.take(*reader_, now_).value();
    ASSERT_TRUE(ask);
    if (ask->question.random_label) continue;  // there it is no difference
    under_way.push_back(std::move(*ask));
  }
  for (const audit::Ask& ask : under_way) {
    const audit::Question& q = ask.question;
    const std::string type = type_text(static_cast<std::uint16_t>(q.type));
    const auto differing =
        audit::normalise(product_name("example."), q, response(to_string(q.name), type, {.rcode = 3}));
    pass_.settle(ask, ours(q), differing, now_);
  }
  EXPECT_EQ(pass_.tally().mismatch, 0u);
  EXPECT_EQ(pass_.tally().asked, 0u) << "all of them are asked again";
  pass_.offer({product_name("www.example."), dns::RRType::A, false, false, product_name("www.example.")},
              false);
  EXPECT_EQ(run(), 0);
  EXPECT_GT(pass_.due(), now_.steady);
}

class ExpectingPass : public Passes {
 protected:
  static audit::PassOptions expecting() {
    audit::PassOptions options = every_hour();
    audit::Expectation flattened;
    flattened.pattern = "www.example";
    flattened.name = product_name("www.example.");
    flattened.type = dns::RRType::A;
    flattened.until = 1'010'000;
    options.expectations = std::make_shared<const audit::Expectations>(audit::Expectations{flattened});
    return options;
  }
  ExpectingPass() : Passes(expecting()) {}
};

TEST_F(ExpectingPass, CountsApartUntilItsTimeIsOver) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  theirs_["www.example. TXT"] = {.answer = "www.example. 60 TXT \"b\""};
  run();
  confirm();
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(to_string(mismatches().front().type), "TXT");
  EXPECT_EQ(pass_.tally().expected, 1u);
  EXPECT_EQ(pass_.tally().mismatch, 1u);
  std::vector<std::uint64_t> explained(1);
  pass_.count_expected(explained);
  EXPECT_EQ(explained[0], 1u);
  EXPECT_TRUE(pass_.complete());
  const auto rows = pass_.take_rows();
  wait(3h);  // past 1'010'000
  ASSERT_TRUE(reader_->renew());
  ZonePass restarted(product_name("example."), {}, shared(expecting()), 2);
  restarted.restore(reader_->zone(product_name("example.")).value(), rows, now_);
  reader_->reset();
  std::vector<audit::Mismatch> kept;
  restarted.append_mismatches(kept);
  EXPECT_EQ(kept.size(), 2u) << "after a restart it is over as well";
  run();
  EXPECT_EQ(mismatches().size(), 2u);
  EXPECT_EQ(pass_.tally().expected, 0u);
}

TEST_F(ExpectingPass, ItsTimeIsOverBeforeItIsAskedForAgain) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  run();
  confirm();
  pass_.look_at_expectations(now_.wall);
  EXPECT_TRUE(mismatches().empty());
  wait(3h);  // past 1'010'000
  pass_.look_at_expectations(now_.wall);
  EXPECT_EQ(mismatches().size(), 1u);
}

TEST_F(ExpectingPass, OtherExpectationsAndAnotherPeriodHoldAtOnce) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  theirs_["www.example. TXT"] = {.answer = "www.example. 60 TXT \"b\""};
  run();
  confirm();
  ASSERT_EQ(mismatches().size(), 1u);
  const SteadyTime due = pass_.due();
  audit::Expectation text;
  text.name = product_name("www.example.");
  text.type = dns::RRType::TXT;
  const auto change = [this](Seconds period, audit::ExpectationsPtr expectations) {
    audit::PassOptions options = every_hour();
    options.period = period;
    options.expectations = std::move(expectations);
    pass_.change(shared(options), now_);
  };
  change(3h, std::make_shared<const audit::Expectations>(audit::Expectations{text}));
  EXPECT_EQ(pass_.due() - due, 2h);
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(to_string(mismatches().front().type), "A");
  change(1h, nullptr);
  EXPECT_EQ(pass_.due(), due);
  EXPECT_EQ(mismatches().size(), 2u);
}

class AllExpected : public ManyExpected {
 protected:
  static constexpr std::size_t names = ZonePass::most_mismatches + 10;
  AllExpected() : ManyExpected(names) {}
};

TEST_F(AllExpected, ThoseThatAreExpectedDoNotHideOneThatIsNot) {
  run();
  confirm();
  EXPECT_EQ(pass_.tally().expected, names);
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};  // comes after them
  wait(2h);
  run();
  confirm();
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(to_string(mismatches().front().owner), "www.example.");
}

TEST(Expectations, OwnersArePatterns) {
  const auto covers = [](const std::string& pattern, std::string_view owner) {
    audit::Expectation expectation;
    std::tie(expectation.name, expectation.below) = audit::parse_owner_pattern(pattern).value();
    return expectation.covers(question(owner, "A"), Class::rdata, 0);
  };
  EXPECT_TRUE(covers("www.example", "WWW.example."));
  EXPECT_FALSE(covers("www.example", "a.www.example."));
  EXPECT_TRUE(covers("*.example.", "a.b.example."));
  EXPECT_FALSE(covers("*.example.", "example."));
  EXPECT_TRUE(covers("*", "example."));
  EXPECT_FALSE(audit::parse_owner_pattern("a..b"));
}

class SinglePass : public Passes {
 protected:
  SinglePass() : Passes(once()) {}
  static audit::PassOptions once() { return {1h, confirm_after, 0s, 24h, true, {}}; }
};

TEST_F(SinglePass, EndsOnce) {
  run();
  EXPECT_TRUE(pass_.finished());
  EXPECT_TRUE(pass_.complete());
  wait(24h);
  EXPECT_EQ(run(), 0);
}

TEST_F(SinglePass, OtherSerialsExcuseNothing) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  pass_.heard_serial(2026113001, now_.steady);
  run();
  confirm();
  EXPECT_TRUE(pass_.finished());
  EXPECT_EQ(mismatches().size(), 1u);
}

TEST_F(SinglePass, EndsWhereThereIsNoData) {
  ZonePass pass(product_name("other."), {}, shared(once()), 1);
  EXPECT_FALSE(pass.take(*reader_, now_).value());
  EXPECT_TRUE(pass.finished());
  EXPECT_FALSE(pass.complete());
}

}  // namespace
}  // namespace understudy::test
