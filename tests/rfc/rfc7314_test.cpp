// RFC 7314, EDNS EXPIRE option: what we tell our secondaries, and what we make of what a primary tells us.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "support/test_server.h"
#include "sync/refresh_timer.h"
#include "sync/soa_probe.h"
#include "sync/transfer_client.h"
#include "unit/net/responder.h"

namespace understudy::test {

namespace {

constexpr std::uint16_t expire_code = 9;  // 5
constexpr const char* lines = "test. 60 SOA ns. h. 1 2 3 86400 5\ntest. 60 NS ns.\na.test. 60 A 192.0.2.1";

std::optional<Bytes> expire(TestMirror& server, std::string_view asked = "test.",
                            std::uint16_t qtype = type::SOA) {
  return option_of(
      server.ask(Query{.name = name(asked), .type = qtype, .edns = true, .options = option(expire_code)}),
      expire_code);
}

Bytes seconds(std::uint32_t value) {
  Bytes out;
  append32(out, value);
  return out;
}

// 3.2, in our words: a secondary tells the time that its own expire timer has left.
TEST(Rfc7314, Section3_2ASecondaryTellsItsTimer) {
  ZoneText text = zone("test.", lines);
  text.timers.expires = 1'700'000'500;  // 500 seconds from the clock's now
  TestMirror server({text});
  EXPECT_EQ(expire(server), seconds(500));
  server.clock().advance(std::chrono::seconds(120));
  EXPECT_EQ(expire(server), seconds(380));
  server.clock().advance(std::chrono::seconds(1000));
  EXPECT_EQ(expire(server), seconds(0));
}

// 3.1, in our words: a primary tells the SOA's EXPIRE field; a zone without a timer is its own primary.
TEST(Rfc7314, Section3_1WithoutATimerTheSoasValue) {
  TestMirror server({zone("test.", lines)});
  EXPECT_EQ(expire(server), seconds(86400));
}

// 2: the option is for SOA, AXFR and IXFR of a zone, and comes only where it was asked for.
TEST(Rfc7314, Section2OnlyForSoaAndTransfers) {
  TestMirror server({zone("test.", lines)});
  EXPECT_FALSE(expire(server, "test.", type::NS).has_value());
  EXPECT_FALSE(expire(server, "a.test.").has_value());
  EXPECT_FALSE(expire(server, "elsewhere.").has_value());
  EXPECT_FALSE(
      option_of(server.ask(Query{.name = name("test."), .type = type::SOA, .edns = true}), expire_code));
}

// 2: "the EDNS EXPIRE option may be used in SOA, IXFR and AXFR queries"; a stream has it on its first
// message.
TEST(Rfc7314, Section2ATransferTellsTheTimerOnItsFirstMessage) {
  ManualClock clock;
  server::ServerOptions options;
  options.clock = &clock;
  ZoneText text = zone("test.", lines), older = text;
  older.records.front() = rr("test. 60 SOA ns. h. 0 2 3 86400 5");
  for (unsigned i = 0; i < 3000; ++i) {  // more than one message
    for (ZoneText* one : {&older, &text})
      one->records.push_back(
          rr("host" + std::to_string(i) + ".test. 60 TXT \"" + std::string(20, 'x') + '"'));
  }
  text.policy.allow_transfer = {net::Prefix::parse("127.0.0.0/8").value()};
  text.timers.expires = clock.wall() + 500;
  TestServer server({older}, options);
  server.mirror().serve({text});
  const auto messages = [&server](const Bytes& query) {
    TcpClient client(server.address());
    client.send(framed(query));
    std::vector<Message> all;
    unsigned soas = 0;
    while (soas < 2) {
      all.push_back(decode(client.message().value()));
      for (const Rr& record : all.back().answer) soas += record.type == type::SOA;
    }
    return all;
  };
  const Query axfr{.name = name("test."), .type = type::AXFR, .edns = true, .options = option(expire_code)};
  const auto whole = messages(encode(axfr));
  ASSERT_GT(whole.size(), 1u);
  EXPECT_EQ(option_of(whole.front(), expire_code), seconds(500));
  for (std::size_t i = 1; i < whole.size(); ++i) {
    EXPECT_EQ(whole[i].opt_count, 1u);
    EXPECT_FALSE(option_of(whole[i], expire_code).has_value());
  }
  EXPECT_FALSE(option_of(messages(encode({.name = name("test."), .type = type::AXFR, .edns = true})).front(),
                         expire_code));
  // IXFR, with an OPT record after the SOA that the client has.
  Bytes asked = ixfr_query("test", 0);
  asked[11] = 1;  // ARCOUNT
  const Bytes opt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, expire_code, 0, 0};
  asked.insert(asked.end(), opt.begin(), opt.end());
  clock.advance(std::chrono::seconds(100));
  const auto differences = messages(asked);
  EXPECT_EQ(differences.size(), 1u);
  EXPECT_EQ(option_of(differences.front(), expire_code), seconds(400));
}

// 2, 3: an IXFR that is answered with the SOA alone, as it is to who is current, is one like the others.
TEST(Rfc7314, Section2WhoIsCurrentIsToldToo) {
  ZoneText text = zone("test.", lines);
  text.policy.allow_transfer = {net::Prefix::parse("127.0.0.0/8").value()};
  text.timers.expires = 1'700'000'500;
  TestMirror server({text});
  Bytes asked = ixfr_query("test", 1);
  asked[11] = 1;  // ARCOUNT
  const Bytes opt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, expire_code, 0, 0};
  asked.insert(asked.end(), opt.begin(), opt.end());
  for (const auto proto : {metrics::Proto::udp, metrics::Proto::tcp}) {
    const Message response = decode(server.exchange(asked, proto).value());
    EXPECT_EQ(response.answer.size(), 1u);
    EXPECT_EQ(option_of(response, expire_code), seconds(500));
  }
}

// 4: a zone that is expired is answered SERVFAIL and has no timer to tell.
TEST(Rfc7314, Section4NotOfAnExpiredZone) {
  ZoneText text = zone("test.", lines);
  text.service = backend::Service::expired;
  TestMirror server({text});
  EXPECT_FALSE(expire(server).has_value());
}

// A primary that tells `told`; the queries that it got are kept.
class Primary {
 public:
  explicit Primary(std::optional<Bytes> told)
      : responder_([this, told](Bytes q) { return answer(q, told); },
                   [this, told](Bytes q) { return answer(q, told); }) {}

  template <class Value>
  Result<Value> run(boost::asio::awaitable<Result<Value>> asking, boost::asio::io_context& context) {
    Result<Value> result = Error{"unset", ""};
    boost::asio::co_spawn(context, std::move(asking),
                          [&](std::exception_ptr, Result<Value> came) { result = std::move(came); });
    context.run();
    return result;
  }
  Result<sync::ProbeAnswer> probe(bool edns = true) {
    boost::asio::io_context context;
    return run(sync::probe_soa(responder_.endpoint(), apex_, std::nullopt, {}, edns), context);
  }
  Result<sync::TransferCounts> transfer(std::optional<std::uint32_t> have = {}) {
    class Ignored final : public sync::RecordTarget {
      Result<> record(const dns::RecordView&) override { return {}; }
    };
    boost::asio::io_context context;
    sync::Pool pool(1);
    sync::TransferOrder order{responder_.endpoint(), std::nullopt, {apex_}, {}};
    order.rules.have_serial = have;
    return run(sync::receive_zone(order, std::make_shared<Ignored>(), pool), context);
  }
  std::vector<Message> queries;

 private:
  std::vector<Bytes> answer(const Bytes& octets, const std::optional<Bytes>& told) {
    const Message query = decode(octets);
    queries.push_back(query);
    const bool whole = query.questions.at(0).type == type::AXFR;
    Bytes out = header(query.id, 0x8400, 1, whole ? 3 : 1, 0, query.opt ? 1 : 0);
    append_name(out, query.questions[0].name);
    append16(out, query.questions[0].type);
    append16(out, 1);
    append(out, "test. 60 SOA ns. h. 1 2 3 86400 5");
    if (whole) append(out, "test. 60 NS ns.");
    if (whole) append(out, "test. 60 SOA ns. h. 1 2 3 86400 5");
    if (!query.opt) return {out};
    const Bytes options = told ? option(expire_code, *told) : Bytes();
    const Bytes opt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(options.size())};
    out.insert(out.end(), opt.begin(), opt.end());
    out.insert(out.end(), options.begin(), options.end());
    return {out};
  }
  static void append(Bytes& out, std::string_view line) {
    const Rr record = rr(line);
    append_name(out, record.owner);
    append16(out, record.type);
    append16(out, 1);
    append32(out, record.ttl);
    append16(out, static_cast<std::uint16_t>(record.rdata.size()));
    out.insert(out.end(), record.rdata.begin(), record.rdata.end());
  }

  const dns::Name apex_ = dns::Name::from_text("test").value();
  net::Responder responder_;
};

// 4: who transfers or refreshes a zone adds the option; 2: of no length.
TEST(Rfc7314, Section4SoaAxfrAndIxfrAskForIt) {
  Primary primary(seconds(500));
  const auto probed = primary.probe();
  ASSERT_TRUE(probed) << probed.error().message;
  EXPECT_EQ(probed->expire, 500u);
  EXPECT_EQ(probed->edns, sync::EdnsSeen::understood);
  const auto whole = primary.transfer();
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->expire, 500u);
  const auto changes = primary.transfer(1);
  ASSERT_TRUE(changes) << changes.error().message;
  EXPECT_EQ(changes->expire, 500u);
  ASSERT_EQ(primary.queries.size(), 3u);
  for (const Message& query : primary.queries) EXPECT_EQ(option_of(query, expire_code), Bytes());
}

// 3: of four octets. Any other is no value, and neither is none.
TEST(Rfc7314, Section3OnlyFourOctetsAreAValue) {
  for (const Bytes& told : {Bytes(), Bytes{1, 2, 3}, Bytes{0, 0, 0, 0, 9}}) {
    const auto probed = Primary(told).probe();
    ASSERT_TRUE(probed) << probed.error().message;
    EXPECT_FALSE(probed->expire);
  }
  EXPECT_FALSE(Primary(std::nullopt).probe()->expire);
}

constexpr dns::Soa soa{1, 3600, 600, 86400, 300};  // serial, refresh, retry, expire, minimum

sync::Now at(std::int64_t when) { return {SteadyTime(Seconds(1000 + when)), 1'700'000'000 + when}; }

class ExpireTimer {
 public:
  explicit ExpireTimer(sync::TimerBounds bounds = {}, Seconds stale = Seconds(0)) {
    settings_.timers = bounds;
    settings_.serve_stale = stale;
    timer_.start_empty(at(0));
  }
  ExpireTimer(const ExpireTimer&) = delete;
  // What is left of the timer then.
  std::int64_t transferred(std::int64_t when, std::optional<std::uint32_t> told) {
    return succeeded(when, {told, true});
  }
  std::int64_t refreshed(std::int64_t when, std::optional<std::uint32_t> told) {
    return succeeded(when, {told, false});
  }
  sync::RefreshTimer& timer() { return timer_; }

 private:
  std::int64_t succeeded(std::int64_t when, sync::ToldExpire told) {
    timer_.begin_check();
    timer_.succeeded(at(when), soa, told);
    return timer_.row().expires - at(when).wall;
  }
  sync::SharedSettings settings_;
  sync::RefreshTimer timer_{settings_, 1};
};

// 4: "the value of the EDNS EXPIRE option SHOULD be used instead of the value of the SOA to initialise".
TEST(Rfc7314, Section4ATransferBeginsWithTheOption) {
  EXPECT_EQ(ExpireTimer().transferred(0, std::nullopt), 86400);
  ExpireTimer timer;
  EXPECT_EQ(timer.transferred(0, 50000), 50000);
  EXPECT_FALSE(timer.timer().tick(at(49999)));
  EXPECT_TRUE(timer.timer().tick(at(50000)));
  // A newer version begins anew, be it with less.
  EXPECT_EQ(timer.transferred(60000, 40000), 40000);
  EXPECT_EQ(timer.transferred(60100, 9000), 9000);
}

// 4: a refresh makes it "the maximum of the value returned in the EDNS EXPIRE option and the current timer".
TEST(Rfc7314, Section4ARefreshTakesTheMaximum) {
  ExpireTimer timer;
  timer.transferred(0, 50000);
  EXPECT_EQ(timer.refreshed(1000, 40000), 49000);
  EXPECT_EQ(timer.refreshed(2000, 60000), 60000);
  EXPECT_EQ(timer.refreshed(3000, 59000), 59000);
  // One that tells nothing is taken for the primary, as ever.
  EXPECT_EQ(timer.refreshed(4000, std::nullopt), 86400);
  // Many short refreshes lose nothing on the way.
  for (std::int64_t when = 4001; when < 4400; ++when)
    ASSERT_EQ(timer.refreshed(when, 5000), 86400 - (when - 4000));
}

// 4: "the value of the SOA EXPIRE field MUST be used and MUST be treated as a maximum".
TEST(Rfc7314, Section4TheSoaIsTheMaximum) {
  ExpireTimer timer;
  EXPECT_EQ(timer.transferred(0, 100000), 86400);
  EXPECT_EQ(timer.refreshed(10, 4294967295u), 86400);
}

// The operator's bounds stand above it, as they stand above the SOA.
TEST(Rfc7314, Section4WithinTheBoundsOfTheOperator) {
  sync::TimerBounds bounds;
  bounds.expire_min = Seconds(7200), bounds.expire_max = Seconds(20000);
  ExpireTimer timer(bounds);
  EXPECT_EQ(timer.transferred(0, 50000), 20000);
  EXPECT_EQ(timer.transferred(10, 100), 7200);
  EXPECT_EQ(timer.refreshed(20, 8000), 8000);
}

// 1: a chain of secondaries is to expire as its first one does. One that has nothing left keeps nobody alive,
// though it goes on answering, and though there is a least time.
TEST(Rfc7314, Section1WhatHasEndedPutsNothingOff) {
  ExpireTimer timer;
  timer.transferred(0, 4000);
  EXPECT_EQ(timer.refreshed(3000, 0), 1000);
  EXPECT_TRUE(timer.timer().tick(at(4000)));
  timer.refreshed(5000, 0);
  EXPECT_EQ(timer.timer().state(), sync::ZoneState::expired);
  timer.refreshed(6000, 4000);
  EXPECT_EQ(timer.timer().state(), sync::ZoneState::fresh);
  ExpireTimer stale({}, Seconds(10000));
  stale.transferred(0, 4000);
  stale.refreshed(5000, 0);
  EXPECT_EQ(stale.timer().state(), sync::ZoneState::stale);
}

}  // namespace

}  // namespace understudy::test
