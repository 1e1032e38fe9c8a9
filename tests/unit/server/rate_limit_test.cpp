// Response rate limiting: who is limited, what is sent then, and that the table is bounded.
#include <gtest/gtest.h>

#include "server/rate_limit.h"
#include "support/test_mirror.h"

namespace understudy::test {
namespace {

constexpr const char* lines = R"(
  test. 60 SOA ns. h. 1 2 3 4 5
  test. 60 NS ns.
  a.test. 60 A 192.0.2.1
  b.test. 60 A 192.0.2.2
  *.w.test. 60 A 192.0.2.3
  cut.test. 60 NS ns.elsewhere.
)";

server::PipelineOptions five_a_second(unsigned slip = 0) {
  server::PipelineOptions options;
  options.rate_limit.responses_per_second = 5;
  options.rate_limit.slip = slip;
  return options;
}

class Limited {
 public:
  explicit Limited(const server::PipelineOptions& options) : server({zone("test.", lines)}, options) {}

  // How many of so many queries are answered whole, and how many truncated.
  struct Counts {
    int whole = 0, truncated = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
  };
  Counts ask(const char* asked, int times, metrics::Proto proto = metrics::Proto::udp) {
    Counts counts;
    for (int i = 0; i < times; ++i) {
      const auto response = server.exchange(encode({.name = name(asked)}), proto);
      if (!response) continue;
      const Message message = decode(*response);
      ++(message.tc() ? counts.truncated : counts.whole);
      EXPECT_TRUE(!message.tc() || message.answer.size() + message.authority.size() == 0);
    }
    return counts;
  }
  TestMirror server;
};
using Counts = Limited::Counts;

TEST(RateLimit, SendsASecondsWorthAndThenAsTimeGoesOn) {
  Limited limited(five_a_second());
  EXPECT_EQ(limited.ask("a.test.", 20), (Counts{5, 0}));
  limited.server.clock().advance(std::chrono::milliseconds(400));
  EXPECT_EQ(limited.ask("a.test.", 20), (Counts{2, 0}));
  limited.server.clock().advance(std::chrono::hours(1));
  EXPECT_EQ(limited.ask("a.test.", 20), (Counts{5, 0}));
}

TEST(RateLimit, SlipsTruncatedResponses) {
  Limited half(five_a_second(2)), all(five_a_second(1));
  EXPECT_EQ(half.ask("a.test.", 25), (Counts{5, 10}));
  EXPECT_EQ(all.ask("a.test.", 25), (Counts{5, 20}));
}

TEST(RateLimit, CountsByNetwork) {
  Limited limited(five_a_second());
  limited.server.come_from("192.0.2.1");
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{5, 0}));
  limited.server.come_from("192.0.2.200");
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{0, 0}));
  limited.server.come_from("192.0.3.1");
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{5, 0}));
  limited.server.come_from("2001:db8:0:1::1");
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{5, 0}));
  limited.server.come_from("2001:db8:0:ff::2");
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{0, 0}));
  limited.server.come_from("2001:db8:0:100::1");
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{5, 0}));
}

TEST(RateLimit, CountsByKindAndSubject) {
  Limited limited(five_a_second());
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{5, 0}));
  EXPECT_EQ(limited.ask("b.test.", 9), (Counts{5, 0}));
  EXPECT_EQ(limited.ask("x.cut.test.", 9), (Counts{5, 0}));
  EXPECT_EQ(limited.ask("y.cut.test.", 9), (Counts{0, 0}));
  EXPECT_EQ(limited.ask("none1.test.", 9), (Counts{5, 0}));
  EXPECT_EQ(limited.ask("none2.test.", 9), (Counts{0, 0}));  // random names of one zone are one flood
  EXPECT_EQ(limited.ask("w.test.", 9), (Counts{5, 0}));      // no data, another kind
  EXPECT_EQ(limited.ask("r1.w.test.", 9), (Counts{5, 0}));
  EXPECT_EQ(limited.ask("r2.w.test.", 9), (Counts{0, 0}));  // and so are random names of one wildcard
  EXPECT_EQ(limited.ask("elsewhere.", 9), (Counts{5, 0}));
  EXPECT_EQ(limited.ask("other.", 9), (Counts{0, 0}));
}

TEST(RateLimit, SparesTcpAndTheExempt) {
  server::PipelineOptions options = five_a_second();
  options.rate_limit.exempt.push_back(*net::Prefix::parse("192.0.2.0/25"));
  Limited limited(options);
  EXPECT_EQ(limited.ask("a.test.", 30, metrics::Proto::tcp), (Counts{30, 0}));
  limited.server.come_from("192.0.2.1");
  EXPECT_EQ(limited.ask("a.test.", 30), (Counts{30, 0}));
  limited.server.come_from("192.0.2.129");
  EXPECT_EQ(limited.ask("a.test.", 30), (Counts{5, 0}));
}

TEST(RateLimit, LogOnlySendsAll) {
  server::PipelineOptions options = five_a_second();
  options.rate_limit.log_only = true;
  EXPECT_EQ(Limited(options).ask("a.test.", 30), (Counts{30, 0}));
}

TEST(RateLimit, CountsWhatItDid) {
  const auto counted = [](bool log_only, bool knows_cookies, metrics::Limited action) {
    server::RateLimitOptions options;
    options.responses_per_second = 1;
    options.slip = 2;
    options.log_only = log_only;
    server::RateLimiter limiter(options);
    metrics::WorkerCounters counters;
    const auto answer = std::make_unique<server::Answer>();
    for (int i = 0; i < 5; ++i) {
      answer->clear();
      limiter.admit(boost::asio::ip::make_address("192.0.2.1"), knows_cookies, SteadyTime{}, *answer,
                    &counters);
    }
    return counters.limited[static_cast<std::size_t>(action)].get();
  };
  EXPECT_EQ(counted(false, false, metrics::Limited::dropped), 2u);
  EXPECT_EQ(counted(false, false, metrics::Limited::truncated), 2u);
  EXPECT_EQ(counted(false, true, metrics::Limited::bad_cookie), 2u);
  EXPECT_EQ(counted(true, false, metrics::Limited::logged), 4u);
}

// However many networks there are, the table stays as it is; who was not seen for longest is forgotten.
TEST(RateLimit, ForgetsWhoWasNotSeenForLongest) {
  server::PipelineOptions options = five_a_second();
  options.rate_limit.table_size = 4;  // one row
  Limited limited(options);
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{5, 0}));
  for (int i = 0; i < 3; ++i) {
    limited.server.clock().advance(std::chrono::milliseconds(1));
    limited.server.come_from("10.0." + std::to_string(i) + ".1");
    limited.ask("a.test.", 9);
  }
  limited.server.come_from("127.0.0.1");
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{0, 0}));  // still known
  limited.server.come_from("10.9.9.9");
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{5, 0}));
  limited.server.come_from("10.0.0.1");
  EXPECT_EQ(limited.ask("a.test.", 9), (Counts{5, 0}));  // was forgotten for it
}

}  // namespace
}  // namespace understudy::test
