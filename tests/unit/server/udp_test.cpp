// Queries over UDP, against real sockets.
#include <gmock/gmock.h>

#include <set>

#include "support/test_server.h"

namespace understudy::test {
namespace {

using testing::HasSubstr;

ZoneText numbered_zone(unsigned hosts) {
  ZoneText text = zone("example.com", R"(
    example.com. 300 SOA ns.example.com. host.example.com. 1 2 3 4 5
    example.com. 300 NS ns.example.com.
    ns.example.com. 300 A 192.0.2.1
  )");
  for (unsigned i = 0; i < hosts; ++i) {
    text.records.push_back(rr("h" + std::to_string(i) + ".example.com. 300 A 10.0." +
                              std::to_string(i / 256) + "." + std::to_string(i % 256)));
  }
  return text;
}

TEST(Udp, AnswersOverBothFamilies) {
  server::ServerOptions options;
  options.listen.clear = {endpoint("127.0.0.1:0"), endpoint("[::1]:0")};
  TestServer server({numbered_zone(3)}, options);
  for (std::size_t i = 0; i < 2; ++i) {
    UdpClient client(server.address(i));
    const Message response = client.ask(query("h2.example.com", type::A));
    EXPECT_EQ(response.id, 0x4d2);
    EXPECT_TRUE(response.aa());
    EXPECT_EQ(shown(response.answer), shown("h2.example.com. 300 A 10.0.0.2"));
  }
}

// More than a batch at once: each response belongs to its own query.
TEST(Udp, AnswersEachOfManyQueries) {
  constexpr unsigned count = 150;
  TestServer server({numbered_zone(count)});
  UdpClient client(server.address());
  for (unsigned i = 0; i < count; ++i) {
    client.send(
        encode(query("h" + std::to_string(i) + ".example.com", type::A, static_cast<std::uint16_t>(i))));
  }
  std::set<unsigned> answered;
  for (unsigned i = 0; i < count; ++i) {
    const Message response = decode(client.receive());
    ASSERT_EQ(response.answer.size(), 1u);
    EXPECT_EQ(response.answer[0].rdata, (Bytes{10, 0, 0, static_cast<std::uint8_t>(response.id)}));
    answered.insert(response.id);
  }
  EXPECT_EQ(answered.size(), count);
  server.stop();
  EXPECT_EQ(server.total([](const auto& c) {
    std::uint64_t sum = 0;
    for (const auto& bucket : c.duration_buckets) sum += bucket.get();
    return sum;
  }),
            count);
}

// A connected socket takes nothing from an address that it did not ask.
TEST(Udp, AnswersFromTheAddressThatWasAsked) {
  server::ServerOptions options;
  options.listen.clear = {endpoint("0.0.0.0:0"), endpoint("[::]:0")};
  TestServer server({numbered_zone(3)}, options);
  for (const char* address : {"127.0.0.1", "127.0.0.2", "127.4.5.6"}) {
    UdpClient client({boost::asio::ip::make_address(address), server.address(0).port}, "127.0.0.9:0");
    EXPECT_EQ(client.ask(query("h1.example.com", type::A)).answer.size(), 1u) << address;
  }
  UdpClient client({boost::asio::ip::make_address("::1"), server.address(1).port});
  EXPECT_EQ(client.ask(query("h1.example.com", type::A)).answer.size(), 1u);
}

TEST(Udp, WorkersShareOnePort) {
  server::ServerOptions options;
  options.workers = 3;
  TestServer server({numbered_zone(3)}, options);
  ASSERT_EQ(server.server().addresses().size(), 1u);
  for (int i = 0; i < 60; ++i) {
    UdpClient client(server.address());
    EXPECT_EQ(client.ask(query("h1.example.com", type::A)).answer.size(), 1u);
  }
  server.stop();
  ASSERT_EQ(server.server().counters().size(), 3u);
  unsigned busy = 0;
  std::uint64_t sum = 0;
  for (const auto* counters : server.server().counters()) {
    const auto n = counters->responses[0].get();
    busy += n > 0;
    sum += n;
  }
  EXPECT_EQ(sum, 60u);
  EXPECT_EQ(busy, 3u) << "60 sources, and the kernel left a worker out";
}

TEST(Udp, AnAddressInUseIsAnError) {
  TestServer first({numbered_zone(1)});
  server::ServerOptions options;
  options.listen.clear = {first.address()};
  try {
    TestServer second({numbered_zone(1)}, options);
    FAIL() << "two servers on one address";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr(net::to_string(first.address())));
  }
}

TEST(Udp, JunkIsCountedAndHoldsNothingUp) {
  TestServer server({numbered_zone(1)});
  UdpClient client(server.address());
  client.send(Bytes{1, 2, 3});
  Bytes response_not_query = encode(query("h0.example.com", type::A));
  response_not_query[2] |= 0x80;
  client.send(response_not_query);
  Bytes too_long = encode(query("h0.example.com", type::A, 77));
  too_long.resize(9000, 0xAA);
  client.send(too_long);
  const Message refused = decode(client.receive());
  EXPECT_EQ(refused.id, 77);
  EXPECT_EQ(refused.rcode, rcode::formerr);
  EXPECT_EQ(client.ask(query("h0.example.com", type::A, 78)).id, 78);
  server.stop();
  const auto dropped = [&](metrics::Dropped reason) {
    return server.total([&](const auto& c) { return c.dropped[static_cast<int>(reason)].get(); });
  };
  EXPECT_EQ(dropped(metrics::Dropped::malformed), 1u);
  EXPECT_EQ(dropped(metrics::Dropped::response), 1u);
  EXPECT_EQ(dropped(metrics::Dropped::send_failed), 0u);
}

// More than the server takes in before its event loop, with TCP in it, has its turn.
TEST(Udp, AFloodDoesNotStarveTcp) {
  TestServer server({numbered_zone(1)});
  UdpClient flood(server.address());
  const Bytes one = encode(query("h0.example.com", type::A));
  TcpClient tcp(server.address());
  for (int i = 0; i < 2000; ++i) flood.send(one);
  EXPECT_EQ(tcp.ask(query("h0.example.com", type::A)).answer.size(), 1u);
}

}  // namespace
}  // namespace understudy::test
