// What is asked, when, and what becomes of the verdicts: the walk over a mirror, the pacer, the passes.
#include <gtest/gtest.h>

#include <set>

#include "audit/pacer.h"
#include "audit/zone_pass.h"
#include "support/test_mirror.h"
#include "unit/audit/replies.h"

namespace understudy::test {
namespace {

using namespace std::chrono_literals;
using audit::Class;
using audit::Instant;
using audit::Pacer;
using audit::QuestionWalk;
using audit::ZonePass;

const std::string zone_lines =
    "example. 3600 SOA ns1.example. admin.example. 7 3600 600 86400 300\n"
    "example. 3600 NS ns1.example.\n"
    "ns1.example. 60 A 192.0.2.53\n"
    "www.example. 60 A 192.0.2.1\n"
    "www.example. 60 TXT \"a\"\n"
    "c.example. 60 CNAME www.example.\n"
    "a.ent.example. 60 A 192.0.2.2\n"
    "*.w.example. 60 A 192.0.2.3\n"
    "sub.example. 60 NS ns.sub.example.\n"
    "sub.example. 60 A 192.0.2.4\n"
    "ns.sub.example. 60 A 192.0.2.5\n"
    "d.example. 60 DNAME www.example.\n"
    "under.d.example. 60 A 192.0.2.6\n";

std::string text(const audit::Question& q) {
  return (q.random_label ? "? " + to_string(dns::Name(q.name.view().parent())) : to_string(q.name)) + " " +
         to_string(q.type);
}

std::multiset<std::string> everything(QuestionWalk& walk, backend::Reader& reader, std::size_t wanted) {
  std::multiset<std::string> all;
  for (;;) {
    std::vector<audit::Question> questions;
    const auto step = walk.next(reader, wanted, questions);
    for (const auto& q : questions) all.insert(text(q));
    if (step.value() == QuestionWalk::Step::finished) return all;
  }
}

// clang-format off
const std::multiset<std::string> expected_questions = {
    "example. SOA", "example. NS", "example. A", "? example. A", "example. NAPTR",  // it has no A and no NAPTR
    "ns1.example. A", "ns1.example. AAAA",
    "www.example. A", "www.example. TXT", "www.example. AAAA",
    "c.example. CNAME", "c.example. A",
    "ent.example. A", "ent.example. NAPTR", "a.ent.example. A", "a.ent.example. AAAA",
    "w.example. A", "w.example. NAPTR", "*.w.example. A", "*.w.example. AAAA", "? w.example. A",
    "sub.example. NS", "sub.example. DS",  // and nothing of what is below the cut, glue at the cut included
    "d.example. DNAME", "d.example. A", "? d.example. A",  // under.d.example. is occluded
};
// clang-format on

TEST(QuestionWalk, AsksEverythingInBatchesOfAnySize) {
  TestMirror mirror({zone("example.", zone_lines)});
  const auto reader = std::move(*mirror.mirror().reader());
  for (const std::size_t wanted : {1u, 2u, 5u, 1000u}) {
    QuestionWalk walk(product_name("example."), 1);
    EXPECT_EQ(everything(walk, *reader, wanted), expected_questions) << wanted;
    EXPECT_EQ(walk.coverage(), 1);
  }
}

TEST(QuestionWalk, RestartedItGoesRoundFromWhereItStands) {
  TestMirror mirror({zone("example.", zone_lines)});
  const auto reader = std::move(*mirror.mirror().reader());
  for (std::size_t before = 1; before < 20; ++before) {
    QuestionWalk walk(product_name("example."), 1);
    std::vector<audit::Question> first;
    ASSERT_TRUE(walk.next(*reader, before, first));
    walk.restart();
    std::vector<audit::Question> next;
    QuestionWalk copy = walk;
    ASSERT_TRUE(copy.next(*reader, 1, next));
    EXPECT_NE(to_string(next.front().name), "example.") << before;  // on from there, not from the beginning
    EXPECT_EQ(everything(walk, *reader, 3), expected_questions) << before;
  }
}

TEST(QuestionWalk, MadeUpNamesDifferFromPassToPass) {
  TestMirror mirror({zone("example.", zone_lines)});
  const auto reader = std::move(*mirror.mirror().reader());
  QuestionWalk walk(product_name("example."), 1);
  std::set<std::string> names;
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<audit::Question> questions;
    ASSERT_TRUE(walk.next(*reader, 1000, questions));
    for (const auto& q : questions) {
      if (q.random_label) names.insert(to_string(q.name));
    }
    walk.restart();
  }
  EXPECT_EQ(names.size(), 6u);  // three a pass
}

TEST(QuestionWalk, TheRootZone) {
  TestMirror mirror({zone(".", ". 60 SOA a. b. 1 2 3 4 5\n. 60 NS a.\na. 60 A 192.0.2.1\nz. 60 NS ns.z.\n")});
  const auto reader = std::move(*mirror.mirror().reader());
  QuestionWalk walk(product_name("."), 1);
  const std::multiset<std::string> expected = {". SOA", ". NS",    ". A",   ". NAPTR", "? . A",
                                               "a. A",  "a. AAAA", "z. NS", "z. DS"};
  std::vector<audit::Question> first;
  ASSERT_TRUE(walk.next(*reader, 1, first));  // the apex, whose key is empty
  walk.restart();
  EXPECT_EQ(everything(walk, *reader, 1), expected);
}

TEST(QuestionWalk, EveryPassAsksForAnotherTypeThatIsNotThere) {
  TestMirror mirror({zone("example.", zone_lines)});
  const auto reader = std::move(*mirror.mirror().reader());
  QuestionWalk walk(product_name("example."), 1);
  std::set<std::string> asked;
  for (int pass = 0; pass < 7; ++pass) {
    for (const std::string& question : everything(walk, *reader, 100)) asked.insert(question);
    walk.restart();
  }
  for (const char* type : {"A", "AAAA", "MX", "TXT", "CAA", "HTTPS", "SRV"}) {
    EXPECT_TRUE(asked.contains("www.example. " + std::string(type))) << type;
    EXPECT_TRUE(asked.contains("example. " + std::string(type))) << type;
  }
}

TEST(QuestionWalk, AZoneThatIsNotThere) {
  TestMirror mirror;
  const auto reader = std::move(*mirror.mirror().reader());
  QuestionWalk walk(product_name("example."), 1);
  std::vector<audit::Question> questions;
  EXPECT_EQ(walk.next(*reader, 10, questions).value(), QuestionWalk::Step::no_data);
  EXPECT_TRUE(questions.empty());
}

// How many queries the pacer lets through in `span`, asked as soon as it allows, `late` after each wait.
int sent_within(Pacer& pacer, SteadyTime& now, std::chrono::nanoseconds span,
                std::chrono::nanoseconds late = 0ns) {
  const SteadyTime end = now + span;
  int count = 0;
  for (;; ++count) {
    now = std::max(now, pacer.due() + late);
    if (now >= end) return count;
    pacer.sent(now);
  }
}

TEST(Pacer, KeepsTheRate) {
  Pacer pacer(50);
  SteadyTime now{1h};
  EXPECT_NEAR(sent_within(pacer, now, 10s), 500, 1);
}

TEST(Pacer, KeepsTheRateWithALateTimer) {
  Pacer pacer(1000);
  SteadyTime now{1h};
  EXPECT_NEAR(sent_within(pacer, now, 10s, 100us), 10'000, 20);
}

TEST(Pacer, APauseIsNotMadeUpFor) {
  Pacer pacer(50);
  SteadyTime now{1h};
  sent_within(pacer, now, 1s);
  now += 1h;
  EXPECT_LE(sent_within(pacer, now, 1s), 52);
}

TEST(Pacer, SilenceSlowsItDownAndAnswersBringItBack) {
  Pacer pacer(50);
  SteadyTime now{1h};
  for (int i = 0; i < 100; ++i) pacer.unanswered();
  EXPECT_LE(sent_within(pacer, now, 10s), 12);  // one a second
  for (int i = 0; i < 100; ++i) pacer.answered();
  now += 1s;
  EXPECT_NEAR(sent_within(pacer, now, 10s), 500, 2);
}

TEST(Pacer, AThirdLostDoesNotSlowItDown) {
  Pacer pacer(50);
  for (int i = 0; i < 3000; ++i) i % 3 == 0 ? pacer.unanswered() : pacer.answered();
  SteadyTime now{1h};
  EXPECT_GT(sent_within(pacer, now, 10s), 300);
}

// A zone at one address, without a network: `theirs` says what the address answers.
class Passes : public ::testing::Test {
 protected:
  static constexpr auto confirm_after = 5000ms;

  explicit Passes(audit::PassOptions options = {1h, confirm_after, 600s, false})
      : mirror_({zone("example.", zone_lines)}),
        reader_(std::move(*mirror_.mirror().reader())),
        pass_(product_name("example."), {}, options, 1) {
    pass_.heard_serial(7, now_.steady);
  }

  // Our own answer, but for the names in theirs_.
  audit::NormalAnswer ours(const audit::Question& q) {
    Query query;
    query.name = name(to_string(q.name));
    query.type = static_cast<std::uint16_t>(q.type);
    return audit::normalise(product_name("example."), q,
                            *mirror_.exchange(encode(query), metrics::Proto::tcp));
  }
  audit::NormalAnswer theirs(const audit::Question& q) {
    if (silent_) return audit::no_answer("timeout");
    const auto it = theirs_.find(text(q));
    if (it == theirs_.end()) return ours(q);
    return audit::normalise(
        product_name("example."), q,
        response(to_string(q.name), type_text(static_cast<std::uint16_t>(q.type)), it->second));
  }

  // Asks whatever may be asked now; how many questions that were.
  int run() {
    int count = 0;
    for (;; ++count) {
      const auto ask = pass_.take(*reader_, now_).value();
      if (!ask) return count;
      asked_.insert(text(ask->question));
      pass_.settle(*ask, ours(ask->question), theirs(ask->question), now_);
    }
  }
  void wait(std::chrono::nanoseconds time) {
    now_.steady += time;
    now_.wall += std::chrono::duration_cast<Seconds>(time).count();
  }
  std::vector<audit::Mismatch> mismatches() const {
    std::vector<audit::Mismatch> out;
    pass_.append_mismatches(out);
    return out;
  }

  TestMirror mirror_;
  std::unique_ptr<backend::Reader> reader_;
  Instant now_{SteadyTime{1h}, 1'000'000};
  ZonePass pass_;
  std::map<std::string, Reply> theirs_;
  std::multiset<std::string> asked_;
  bool silent_ = false;
};

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

TEST_F(Passes, ADifferenceCountsWhenSeenTwice) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  run();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_FALSE(pass_.complete());  // the second question is still to come
  EXPECT_EQ(pass_.due(), now_.steady + confirm_after);
  wait(confirm_after);
  EXPECT_EQ(run(), 1);
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
  wait(confirm_after);
  EXPECT_EQ(run(), 1);
  EXPECT_TRUE(mismatches().empty());
  EXPECT_EQ(pass_.tally().match, expected_questions.size());
  EXPECT_TRUE(pass_.complete());
}

TEST_F(Passes, SilenceIsUnknownAndNeverComplete) {
  silent_ = true;
  run();
  wait(confirm_after);
  run();  // asked again, in case a packet was lost
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

TEST_F(Passes, ANewerSerialExcusesForAWhile) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  theirs_["example. SOA"] = {.answer = "example. 3600 SOA ns1.example. admin.example. 8 3600 600 86400 300"};
  run();
  pass_.heard_serial(8, now_.steady);
  wait(confirm_after);
  run();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_EQ(pass_.tally().unknown, 2u);
  EXPECT_FALSE(pass_.complete());
  // Still so an hour later: it is no longer in flight, the provider counts serials of its own, and the
  // address is wrong.
  wait(1h);
  run();
  wait(confirm_after);
  run();
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(to_string(mismatches().front().owner), "www.example.");
  EXPECT_EQ(pass_.tally().unknown, 0u);
}

TEST_F(Passes, APublicationBeginsThePassAnew) {
  theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
  const auto early = pass_.take(*reader_, now_).value();
  ASSERT_TRUE(early);
  run();
  pass_.restart(now_.steady);
  const auto tally = pass_.tally();
  // An answer to a question about the version before counts no more.
  pass_.settle(*early, ours(early->question), ours(early->question), now_);
  EXPECT_EQ(pass_.tally().asked, tally.asked);
  theirs_.clear();
  asked_.clear();
  EXPECT_FALSE(pass_.complete());
  EXPECT_LE(pass_.due(), now_.steady);
  run();
  EXPECT_EQ(asked_.size(), expected_questions.size());
  EXPECT_TRUE(asked_.contains("example. SOA") && asked_.contains("www.example. TXT"));
  EXPECT_TRUE(pass_.complete());
  EXPECT_TRUE(mismatches().empty());
}

TEST_F(Passes, AMismatchGoesWithItsOwner) {
  theirs_["www.example. TXT"] = {};
  run();
  wait(confirm_after);
  run();
  ASSERT_EQ(mismatches().size(), 1u);
  std::string without = zone_lines;
  const std::string line = "www.example. 60 TXT \"a\"\n";
  without.erase(without.find(line), line.size());
  mirror_.serve({zone("example.", without)});
  theirs_.clear();  // gone there as well
  pass_.restart(now_.steady);
  run();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_TRUE(pass_.complete());
}

TEST_F(Passes, WhatOnlyTheyHaveIsKeptUntilItIsGone) {
  theirs_["www.example. AAAA"] = {.answer = "www.example. 60 AAAA 2001:db8::1"};
  run();
  wait(confirm_after);
  run();
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
    wait(confirm_after);
    run();
    ASSERT_EQ(mismatches().size(), 1u);
    EXPECT_EQ(to_string(mismatches().front().difference), "wildcard");
    wait(1h);
  }
}

class SinglePass : public Passes {
 protected:
  SinglePass() : Passes({1h, confirm_after, 600s, true}) {}
};

TEST_F(SinglePass, EndsOnce) {
  run();
  EXPECT_TRUE(pass_.finished());
  EXPECT_TRUE(pass_.complete());
  wait(24h);
  EXPECT_EQ(run(), 0);
}

TEST_F(SinglePass, IsIncompleteWhereTheVersionChanged) {
  ASSERT_TRUE(pass_.take(*reader_, now_).value());
  pass_.restart(now_.steady);
  run();
  EXPECT_FALSE(pass_.complete());
}

TEST_F(SinglePass, EndsWhereThereIsNoData) {
  ZonePass pass(product_name("other."), {}, {1h, confirm_after, 600s, true}, 1);
  EXPECT_FALSE(pass.take(*reader_, now_).value());
  EXPECT_TRUE(pass.finished());
  EXPECT_FALSE(pass.complete());
}

}  // namespace
}  // namespace understudy::test
