// What is asked, and how fast: the walk over a mirror, and the pacer.
#include "audit/pacer.h"
#include "unit/audit/pass_fixture.h"

namespace understudy::test {
namespace {

using audit::Pacer;

std::multiset<std::string> everything(QuestionWalk& walk, backend::Reader& reader, std::size_t wanted) {
  std::multiset<std::string> all;
  for (;;) {
    std::vector<audit::Question> questions;
    const auto step = walk.next(reader, wanted, questions);
    for (const auto& q : questions) all.insert(text(q));
    if (step.value() == QuestionWalk::Step::finished) return all;
  }
}

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
    std::vector<std::uint8_t> place;
    walk.append_place(place);
    QuestionWalk copy(product_name("example."), 1);
    ASSERT_TRUE(copy.restore_place(place));
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
  EXPECT_EQ(names.size(), 8u);  // four a pass
}

TEST(QuestionWalk, TheRootZone) {
  TestMirror mirror({zone(".", ". 60 SOA a. b. 1 2 3 4 5\n. 60 NS a.\na. 60 A 192.0.2.1\nz. 60 NS ns.z.\n")});
  const auto reader = std::move(*mirror.mirror().reader());
  QuestionWalk walk(product_name("."), 1);
  const std::multiset<std::string> expected = {". SOA", ". NS", ". A",  ". NAPTR", "? . A", ". DNSKEY",
                                               ". CDS", ". DS", "a. A", "a. AAAA", "z. NS", "z. DS"};
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

TEST(QuestionWalk, MadeUpNamesBelowAndBesideAnEmptyNonTerminal) {
  // Beside c.b, under a wildcard that answers there, and below it, where it must not (RFC 4592 2.2.2).
  TestMirror mirror(
      {zone("example.", zone_lines + "a.c.b.example. 60 A 192.0.2.9\n*.b.example. 60 A 192.0.2.8\n")});
  const auto reader = std::move(*mirror.mirror().reader());
  QuestionWalk walk(product_name("example."), 1);
  const auto all = everything(walk, *reader, 100);
  EXPECT_EQ(all.count("? c.b.example. A"), 1u);
  EXPECT_EQ(all.count("? b.example. TXT"), 1u);
}

TEST(QuestionWalk, ItsPlaceIsGoodAfterARestart) {
  TestMirror mirror({zone("example.", zone_lines)});
  const auto reader = std::move(*mirror.mirror().reader());
  QuestionWalk walk(product_name("example."), 1);
  std::vector<audit::Question> questions;
  ASSERT_TRUE(walk.next(*reader, 7, questions));
  std::vector<std::uint8_t> place;
  walk.append_place(place);
  QuestionWalk other(product_name("example."), 1);
  ASSERT_TRUE(other.restore_place(place));
  EXPECT_EQ(everything(other, *reader, 3), everything(walk, *reader, 3));
  for (std::size_t size = 0; size < place.size(); ++size) {
    QuestionWalk fresh(product_name("example."), 1);
    EXPECT_FALSE(fresh.restore_place(dns::Octets(place).first(size))) << size;
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

}  // namespace
}  // namespace understudy::test
