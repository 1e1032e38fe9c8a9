// The comparer against name servers in this process, over real sockets on the loopback: each answers from a
// mirror of its own, so that what it says differently is what the test put there.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <thread>

#include "audit/comparer.h"
#include "audit/single_comparison.h"
#include "support/test_mirror.h"

namespace understudy::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::udp;

const std::string head =
    "example. 3600 SOA ns1.example. admin.example. 7 3600 600 86400 300\n"
    "example. 3600 NS ns1.example.\n"
    "ns1.example. 60 A 192.0.2.53\n"
    "c.example. 60 CNAME www.example.\n"
    "a.ent.example. 60 A 192.0.2.2\n"
    "*.w.example. 60 A 192.0.2.3\n"
    "sub.example. 60 NS ns.sub.example.\n"
    "ns.sub.example. 60 A 192.0.2.5\n"
    "d.example. 60 DNAME www.example.\n";
const std::string second =
    "second. 3600 SOA ns1.example. admin.example. 7 3600 600 86400 300\n"
    "second. 3600 NS ns1.example.\n";
const std::string whole = head + "www.example. 60 A 192.0.2.1\n";

dns::Name product_name(std::string_view text) { return dns::Name::from_text(text).value(); }

// A name server with one UDP socket. `drop_every`: 1 answers nothing, 3 drops every third query, 0 none.
class PlainServer {
 public:
  PlainServer(asio::io_context& context, const std::string& lines, unsigned drop_every = 0,
              const asio::ip::address& address = asio::ip::address_v4::loopback())
      : mirror_({zone("example.", lines), zone("second.", second)}),
        socket_(context, udp::endpoint(address, 0)),
        drop_every_(drop_every) {
    receive();
  }
  net::Endpoint endpoint() const {
    return {socket_.local_endpoint().address(), socket_.local_endpoint().port()};
  }
  unsigned asked() const { return asked_; }
  void serve(const std::string& lines) { mirror_.serve({zone("example.", lines)}); }
  // What becomes of each response.
  std::function<void(Bytes&)> change = [](Bytes&) {};

 private:
  void receive() {
    socket_.async_receive_from(asio::buffer(query_), peer_, [this](auto error, std::size_t size) {
      if (error) return;
      answer(size);
      receive();
    });
  }
  void answer(std::size_t size) {
    ++asked_;
    if (drop_every_ != 0 && asked_ % drop_every_ == 0) return;
    auto response =
        mirror_.exchange(Bytes(query_.begin(), query_.begin() + static_cast<std::ptrdiff_t>(size)));
    if (response) change(*response);
    if (response) socket_.send_to(asio::buffer(*response), peer_);
  }

  TestMirror mirror_;
  udp::socket socket_;
  udp::endpoint peer_;
  std::array<std::uint8_t, 2048> query_{};
  unsigned drop_every_, asked_ = 0;
};

class Comparison : public ::testing::Test {
 protected:
  Comparison() : mirror_({zone("example.", whole), zone("second.", second)}) { compare({}); }

  void compare(audit::CompareOptions options) {
    options.queries_per_second = 2000;
    options.timeout = 100ms;
    options.confirm_after = 20ms;
    comparer_ =
        std::make_unique<audit::Comparer>(context_, mirror_.mirror(), mirror_.tables(), clock_, options);
  }

  // Runs everything until `reached`; the test fails where that takes for ever.
  void run_until(const std::function<bool()>& reached) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (!reached() && std::chrono::steady_clock::now() < end) context_.run_one_for(100ms);
    ASSERT_TRUE(reached());
  }
  // The single comparison blocks, and the name servers are this thread's.
  Result<audit::ZoneComparison> try_once(std::vector<net::Endpoint> addresses,
                                         std::string_view zone = "example.") {
    audit::SingleOptions options;
    options.queries_per_second = 2000;
    options.timeout = 100ms;
    options.confirm_after = 20ms;
    options.progress = [this](std::uint64_t asked, std::uint64_t all) {
      EXPECT_LE(asked, all);
      told_ = asked;
    };
    std::optional<Result<audit::ZoneComparison>> result;
    std::atomic<bool> over{false};
    std::thread asking([&] {
      result = audit::compare_once(mirror_.mirror(), product_name(zone), std::move(addresses), options);
      over = true;
    });
    run_until([&over] { return over.load(); });
    asking.join();
    return *result;
  }
  audit::ZoneComparison compare_once(std::vector<net::Endpoint> addresses) {
    return try_once(std::move(addresses)).value();
  }
  audit::ZoneComparison now() { return comparer_->comparison(product_name("example.")).value(); }

  SystemClock clock_;
  TestMirror mirror_;
  asio::io_context context_;
  std::unique_ptr<audit::Comparer> comparer_;
  std::uint64_t told_ = 0;
};

TEST_F(Comparison, AServerThatSaysTheSame) {
  PlainServer server(context_, whole);
  const auto found = compare_once({server.endpoint()});
  EXPECT_TRUE(found.complete);
  EXPECT_TRUE(found.mismatches.empty());
  ASSERT_EQ(found.against.size(), 1u);
  EXPECT_EQ(found.against[0].asked, 29u);  // counted by hand
  EXPECT_EQ(found.against[0].match, found.against[0].asked);
  EXPECT_EQ(found.against[0].serial, 7u);
  EXPECT_EQ(found.coverage, 1);
  EXPECT_EQ(told_, found.against[0].asked);
}

TEST_F(Comparison, OneRecordThatDiffersIsTheOneMismatch) {
  PlainServer server(context_, head + "www.example. 60 A 198.51.100.1\n");
  const auto found = compare_once({server.endpoint()});
  ASSERT_EQ(found.mismatches.size(), 1u);
  const audit::Mismatch& mismatch = found.mismatches.front();
  EXPECT_EQ(to_string(mismatch.owner) + " " + to_string(mismatch.type), "www.example. A");
  EXPECT_EQ(to_string(mismatch.difference), "rdata");
  EXPECT_EQ(mismatch.address, server.endpoint());
  EXPECT_EQ(mismatch.ours.rdata, std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(mismatch.theirs.rdata, std::vector<std::string>{"198.51.100.1"});
  EXPECT_EQ(found.against[0].mismatch, 1u);  // and none at c, which leads there
  EXPECT_TRUE(found.complete);
}

TEST_F(Comparison, OneWrongServerOfTwoIsNamed) {
  PlainServer right(context_, whole);
  std::string lines = whole;
  lines.replace(lines.find("*.w.example. 60"), 15, "*.w.example. 99");
  PlainServer wrong(context_, lines);
  const auto found = compare_once({right.endpoint(), wrong.endpoint()});
  ASSERT_EQ(found.mismatches.size(), 2u);  // the wildcard asked by name, and a name under it
  for (const audit::Mismatch& mismatch : found.mismatches) {
    EXPECT_EQ(mismatch.address, wrong.endpoint());
    EXPECT_EQ(to_string(mismatch.difference), "ttl");
  }
  EXPECT_TRUE(found.complete);
}

TEST_F(Comparison, ASilentServerIsUnknown) {
  PlainServer silent(context_, whole, 1);
  const auto found = compare_once({silent.endpoint()});
  EXPECT_FALSE(found.complete);
  EXPECT_TRUE(found.mismatches.empty());
  EXPECT_GT(found.against[0].unknown, 0u);
  EXPECT_EQ(found.against[0].unknown, found.against[0].asked);
  EXPECT_FALSE(found.against[0].serial_answered);
}

TEST_F(Comparison, ASilentServerIsGivenUpOn) {
  std::string lines = whole;
  for (int i = 0; i < 200; ++i) lines += "h" + std::to_string(i) + ".example. 60 A 192.0.2.1\n";
  mirror_.serve({zone("example.", lines)});
  PlainServer silent(context_, lines, 1);
  const auto found = compare_once({silent.endpoint()});
  EXPECT_FALSE(found.complete);
  EXPECT_LT(silent.asked(), 200u);  // of more than 400
}

// Where it does not have the zone, say: nobody waits for the end of a large one.
TEST_F(Comparison, AServerThatRefusesIsGivenUpOn) {
  std::string lines = whole;
  for (int i = 0; i < 200; ++i) lines += "h" + std::to_string(i) + ".example. 60 A 192.0.2.1\n";
  mirror_.serve({zone("example.", lines)});
  PlainServer refusing(context_, lines);
  refusing.change = [](Bytes& response) {
    response[3] = static_cast<std::uint8_t>((response[3] & 0xf0) | 5);
    response.resize(12);
    std::fill(response.begin() + 4, response.end(), std::uint8_t{0});
  };
  const auto found = compare_once({refusing.endpoint()});
  EXPECT_FALSE(found.complete);
  EXPECT_TRUE(found.mismatches.empty());
  EXPECT_EQ(found.against[0].match, 0u);
  EXPECT_LT(refusing.asked(), 100u);  // of more than 400
}

// It says that there is more over TCP, where nobody listens.
TEST_F(Comparison, WhatIsCutShortAndUnreachableIsUnknown) {
  PlainServer cut(context_, whole);
  const std::size_t www = 29 - 1;  // all but the serial, for which UDP is enough
  cut.change = [](Bytes& response) { response[2] |= 0x02; };
  const auto found = compare_once({cut.endpoint()});
  EXPECT_TRUE(found.mismatches.empty());
  EXPECT_EQ(found.against[0].match, 0u);
  EXPECT_GT(found.against[0].unknown, 0u);
  EXPECT_LE(found.against[0].unknown, www + 1);
  EXPECT_FALSE(found.complete);
}

TEST_F(Comparison, OverIpv6) {
  PlainServer server(context_, head + "www.example. 60 A 198.51.100.1\n", 0,
                     asio::ip::address_v6::loopback());
  EXPECT_EQ(compare_once({server.endpoint()}).mismatches.size(), 1u);
  ASSERT_TRUE(comparer_->start({{product_name("example."), {server.endpoint()}}}));
  run_until([this] { return now().complete; });
  ASSERT_EQ(now().mismatches.size(), 1u);
  EXPECT_EQ(now().mismatches.front().address, server.endpoint());
}

// "Asked again, at another time and after a refresh": whoever keeps the zone is asked to look, not each time,
// and what differs counts when that is over.
TEST_F(Comparison, ADifferenceMakesTheZoneBeLookedAfterOnce) {
  audit::CompareOptions options;
  std::vector<std::string> refreshed;
  options.refresh = [&refreshed](const dns::Name& apex, const std::function<void()>& over) {
    refreshed.push_back(to_string(apex));
    over();
  };
  compare(options);
  std::string lines = head + "www.example. 60 A 198.51.100.1\n";
  lines.replace(lines.find("192.0.2.2\n"), 9, "192.0.2.9");  // a.ent
  PlainServer server(context_, lines);
  ASSERT_TRUE(comparer_->start({{product_name("example."), {server.endpoint()}}}));
  run_until([this] { return now().mismatches.size() > 1; });
  EXPECT_EQ(refreshed, std::vector<std::string>{"example."});
  comparer_.reset();  // before what it calls
}

// The primary has the change already, and does not say so by its serial: only looking after it finds that
// out.
TEST_F(Comparison, WhatTheRefreshBringsIsNoDifference) {
  const std::string changed = head + "www.example. 60 A 198.51.100.1\n";
  audit::CompareOptions options;
  unsigned refreshed = 0;
  options.refresh = [&](const dns::Name&, const std::function<void()>& over) {
    ++refreshed;
    mirror_.serve({zone("example.", changed)});
    backend::ZoneTables::Pin pin(mirror_.tables());
    comparer_->published(*pin.acquire().find_exact(product_name("example.")), {});
    over();
  };
  compare(options);
  PlainServer server(context_, changed);
  ASSERT_TRUE(comparer_->start({{product_name("example."), {server.endpoint()}}}));
  run_until([this] { return now().complete; });
  EXPECT_EQ(refreshed, 1u);
  EXPECT_EQ(now().version, 2u);
  EXPECT_EQ(now().totals[1], 0u) << "mismatches told";
  comparer_.reset();
}

// An expectation for several zones is not pointless because one of them has no use for it; one that nobody
// has a use for is, and one whose time is over.
TEST_F(Comparison, AnExpectationIsPointlessWhereNoZoneNeedsIt) {
  audit::Expectation everywhere, nowhere, before;
  everywhere.pattern = "*";
  std::tie(everywhere.name, everywhere.below) = audit::parse_owner_pattern("*").value();
  everywhere.difference = audit::Class::rdata;
  nowhere = everywhere;
  nowhere.difference = audit::Class::dnssec;
  before = nowhere;
  before.until = 1'000'000;
  audit::CompareOptions options;
  options.expectations =
      std::make_shared<const audit::Expectations>(audit::Expectations{everywhere, nowhere, before});
  options.flush_period = Seconds(0);
  compare(options);
  PlainServer server(context_, head + "www.example. 60 A 198.51.100.1\n");
  ASSERT_TRUE(comparer_->start(
      {{product_name("example."), {server.endpoint()}}, {product_name("second."), {server.endpoint()}}}));
  const auto state = [this](std::string_view apex, std::size_t number) {
    return comparer_->comparison(product_name(apex)).value().expectations.at(number);
  };
  run_until([&] { return state("second.", 1).unused && state("example.", 1).unused; });
  EXPECT_EQ(state("example.", 0).explains, 1u);
  EXPECT_EQ(state("second.", 0).explains, 0u);
  EXPECT_FALSE(state("example.", 0).unused);
  EXPECT_FALSE(state("second.", 0).unused);
  EXPECT_FALSE(state("second.", 1).over);
  EXPECT_TRUE(state("example.", 2).over);
  EXPECT_FALSE(state("example.", 2).unused);
}

TEST_F(Comparison, LostPacketsAreNeverAMismatch) {
  PlainServer lossy(context_, whole, 3);
  const auto found = compare_once({lossy.endpoint()});
  EXPECT_TRUE(found.mismatches.empty());
  EXPECT_EQ(found.against[0].match + found.against[0].unknown, found.against[0].asked);
  EXPECT_GT(found.against[0].match, 0u);
  EXPECT_EQ(found.complete, found.against[0].unknown == 0);
}

TEST_F(Comparison, OneSilentAddressDoesNotHoldUpTheOther) {
  PlainServer right(context_, whole), silent(context_, whole, 1);
  ASSERT_TRUE(comparer_->start({{product_name("example."), {right.endpoint(), silent.endpoint()}}}));
  const auto tally_of = [this](const net::Endpoint& address) {
    for (const audit::Tally& tally : now().against) {
      if (tally.address == address) return tally;
    }
    return audit::Tally{};
  };
  run_until(
      [&] { return tally_of(right.endpoint()).match == 29 && tally_of(silent.endpoint()).unknown > 0; });
  EXPECT_FALSE(now().complete);
  EXPECT_EQ(tally_of(silent.endpoint()).match, 0u);
  EXPECT_FALSE(tally_of(silent.endpoint()).serial_answered);
  EXPECT_EQ(tally_of(right.endpoint()).serial, 7u);
}

TEST_F(Comparison, ADriftAppearsAndGoesWithTheNextVersion) {
  const std::string changed = head + "www.example. 60 A 198.51.100.1\n";
  PlainServer server(context_, changed);
  ASSERT_TRUE(comparer_->start({{product_name("example."), {server.endpoint()}}}));
  EXPECT_FALSE(now().complete);
  run_until([this] { return now().complete; });
  EXPECT_EQ(now().mismatches.size(), 1u);
  EXPECT_GT(now().last_full_pass, 0);
  EXPECT_EQ(now().version, 1u);
  // The version that has the change arrives here.
  mirror_.serve({zone("example.", changed)});
  backend::ZoneTables::Pin pin(mirror_.tables());
  const backend::ZoneEntry* entry = pin.acquire().find_exact(product_name("example."));
  ASSERT_NE(entry, nullptr);
  comparer_->published(*entry, {});
  EXPECT_FALSE(now().complete);
  run_until([this] { return now().complete; });
  EXPECT_TRUE(now().mismatches.empty());
  EXPECT_EQ(now().version, 2u);
}

TEST_F(Comparison, NobodyToCompareWithIsNeverComplete) {
  ASSERT_TRUE(comparer_->start({{product_name("example."), {}}}));
  EXPECT_FALSE(now().complete);
  EXPECT_EQ(comparer_->comparisons().size(), 1u);
  EXPECT_FALSE(comparer_->comparison(product_name("other.")).has_value());
}

TEST_F(Comparison, WhatCannotBeComparedSaysWhy) {
  EXPECT_EQ(try_once({{asio::ip::address_v4::loopback(), 9}}, "other.").error().reason, "zone-unknown");
  EXPECT_EQ(try_once({}).error().reason, "no-addresses");
}

TEST_F(Comparison, StopsInTheMiddle) {
  PlainServer server(context_, whole);
  ASSERT_TRUE(comparer_->start({{product_name("example."), {server.endpoint()}}}));
  run_until([&server] { return server.asked() > 5; });
  comparer_->stop();
  comparer_.reset();  // what is under way ends without it, here or with the io_context
  for (int i = 0; i < 5; ++i) context_.run_one_for(10ms);
}

}  // namespace
}  // namespace understudy::test
