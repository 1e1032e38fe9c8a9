// What is remembered of primaries across zones, with times made up.
#include "sync/primary_health.h"

#include <gtest/gtest.h>

#include "sync/reasons.h"

namespace understudy::sync {
namespace {

const net::Endpoint dead{boost::asio::ip::make_address("192.0.2.1"), 53};
const net::Endpoint other{boost::asio::ip::make_address("192.0.2.2"), 53};
const Error silence{reason::timeout, "no answer"};
const SteadyTime start{};
constexpr UnixTime noon = 1'000'000;

Now at(int seconds) { return {start + Seconds(seconds), noon + seconds}; }

PrimaryStatus unknown(const net::Endpoint& address) {
  PrimaryStatus status;
  status.address = address;
  return status;
}

TEST(PrimaryHealth, SparesThePrimaryThatIsSilent) {
  PrimaryHealth health;
  for (int i = 0; i < 2; ++i) health.failed(dead, silence, at(0));
  EXPECT_FALSE(health.blocked(dead, start));
  health.failed(dead, silence, at(0));
  EXPECT_TRUE(health.blocked(dead, start));
  EXPECT_FALSE(health.blocked(other, start));
  // When the time is over one may try, and only one.
  EXPECT_FALSE(health.blocked(dead, start + Seconds(1)));
  EXPECT_TRUE(health.blocked(dead, start + Seconds(1)));
  health.failed(dead, silence, at(2));
  EXPECT_TRUE(health.blocked(dead, start + Seconds(3)));
  EXPECT_FALSE(health.blocked(dead, start + Seconds(4)));
  // An answer of any kind ends it, and so does a NOTIFY.
  health.failed(dead, Error{reason::refused, ""}, at(5));
  EXPECT_FALSE(health.blocked(dead, start + Seconds(5)));
  for (int i = 0; i < 3; ++i) health.failed(dead, silence, at(5));
  health.heard_from(dead.address);
  EXPECT_FALSE(health.blocked(dead, start + Seconds(5)));
}

TEST(PrimaryHealth, RemembersForAnHourWhoKnowsNoIxfr) {
  PrimaryHealth health;
  EXPECT_TRUE(health.may_know_ixfr(dead, start));
  health.lacks_ixfr(dead, start);
  EXPECT_FALSE(health.may_know_ixfr(dead, start + Seconds(3599)));
  EXPECT_TRUE(health.may_know_ixfr(other, start));
  EXPECT_TRUE(health.may_know_ixfr(dead, start + Seconds(3600)));
  EXPECT_FALSE(health.blocked(dead, start));
}

TEST(PrimaryHealth, LearnsWhoUnderstandsNoEdns) {
  using Words = std::vector<std::string_view>;
  for (const EdnsSeen seen : {EdnsSeen::ignored, EdnsSeen::refused}) {
    PrimaryHealth health;
    EXPECT_TRUE(health.may_use_edns(dead, start));
    health.edns_seen(dead, seen, start);
    EXPECT_FALSE(health.may_use_edns(dead, start + Seconds(3599)));
    EXPECT_EQ(health.learnt(dead, start), Words{"no-edns"});
    EXPECT_TRUE(health.may_use_edns(other, start));
    EXPECT_TRUE(health.may_use_edns(dead, start + Seconds(3600)));
    EXPECT_EQ(health.learnt(dead, start + Seconds(3600)), Words{});
  }
  // What is lost once or twice may be lost on the way; an answer in between says that it was.
  PrimaryHealth health;
  for (const EdnsSeen seen : {EdnsSeen::unanswered, EdnsSeen::unanswered, EdnsSeen::understood,
                              EdnsSeen::unanswered, EdnsSeen::unanswered, EdnsSeen::not_asked}) {
    health.edns_seen(dead, seen, start);
    EXPECT_TRUE(health.may_use_edns(dead, start));
  }
  health.edns_seen(dead, EdnsSeen::unanswered, start);
  EXPECT_FALSE(health.may_use_edns(dead, start));
  health.lacks_ixfr(dead, start);
  EXPECT_EQ(health.learnt(dead, start), (Words{"no-edns", "no-ixfr"}));
  EXPECT_FALSE(health.blocked(dead, start));
}

TEST(PrimaryHealth, LearnsWhoTakesOneQuestionAConnection) {
  PrimaryHealth health;
  // One that starts anew hangs up on all of its connections, which had been kept before.
  for (int i = 0; i < 10; ++i) health.hung_up(dead, start, start + Seconds(1));
  EXPECT_TRUE(health.may_reuse(dead, start + Seconds(1)));
  health.hung_up(dead, start + Seconds(2), start + Seconds(3));
  health.reused(dead);  // an answer in between says that it was no custom
  for (const int second : {4, 6}) {
    health.hung_up(dead, start + Seconds(second), start + Seconds(second + 1));
    EXPECT_TRUE(health.may_reuse(dead, start + Seconds(second + 1)));
  }
  health.hung_up(dead, start + Seconds(8), start + Seconds(9));
  EXPECT_FALSE(health.may_reuse(dead, start + Seconds(9 + 3599)));
  EXPECT_EQ(health.learnt(dead, start + Seconds(9)), std::vector<std::string_view>{"no-reuse"});
  EXPECT_TRUE(health.may_reuse(other, start + Seconds(9)));
  EXPECT_TRUE(health.may_reuse(dead, start + Seconds(9 + 3600)));
}

TEST(PrimaryHealth, SaysWhyItSparesOne) {
  PrimaryHealth health;
  for (int i = 0; i < 3; ++i) health.failed(dead, Error{reason::connection_refused, "nobody there"}, at(i));
  const auto blocked = health.blocked(dead, start + Seconds(2));
  ASSERT_TRUE(blocked);
  EXPECT_EQ(blocked->reason, reason::connection_refused);
  EXPECT_TRUE(blocked->message.starts_with("nobody there")) << blocked->message;
}

TEST(PrimaryHealth, SilenceCountsForEveryZoneOfThePrimary) {
  PrimaryHealth health;
  health.answered(dead, at(0), 0.25);
  EXPECT_EQ(health.complete(unknown(dead)).soa_rtt_seconds, 0.25);
  health.failed(dead, silence, at(10));
  health.failed(dead, silence, at(20));
  const PrimaryStatus never_asked = health.complete(unknown(dead));
  EXPECT_FALSE(never_asked.up);
  EXPECT_EQ(never_asked.failing_since, noon + 10);
  ASSERT_TRUE(never_asked.failure);
  EXPECT_EQ(never_asked.failure->reason, reason::timeout);
  EXPECT_EQ(never_asked.failure->when, noon + 20);
  EXPECT_EQ(health.complete(unknown(other)).failing_since, 0);

  // A NOTIFY shows that it lives, not that it answers.
  health.heard_from(dead.address);
  EXPECT_EQ(health.complete(unknown(dead)).failing_since, noon + 10);

  // One zone met silence, another one an answer since then.
  PrimaryStatus met_silence = unknown(dead);
  met_silence.failing_since = noon + 15;
  met_silence.failure = Failure{reason::timeout, "no answer", noon + 15};
  EXPECT_EQ(health.complete(met_silence).failing_since, noon + 10);
  health.answered(dead, at(30));
  const PrimaryStatus recovered = health.complete(met_silence);
  EXPECT_TRUE(recovered.up);
  EXPECT_EQ(recovered.failing_since, 0);
  EXPECT_EQ(recovered.failure->when, noon + 20) << "the last one is kept";
  EXPECT_EQ(health.complete(unknown(dead)).failure->when, noon + 20);
}

TEST(PrimaryHealth, ARefusalIsTheZonesOwn) {
  PrimaryHealth health;
  PrimaryStatus refused = unknown(dead);
  refused.failing_since = noon + 5;
  refused.failure = Failure{reason::refused, "not on its list", noon + 5};
  health.failed(dead, Error{reason::refused, "not on its list"}, at(5));
  EXPECT_EQ(health.complete(unknown(dead)).failing_since, 0) << "for another zone";
  EXPECT_EQ(health.complete(refused).failure->reason, reason::refused);
  EXPECT_EQ(health.complete(refused).failing_since, noon + 5);
}

}  // namespace
}  // namespace understudy::sync
