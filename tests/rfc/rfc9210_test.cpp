// RFC 9210: DNS Transport over TCP - Operational Requirements.
#include "support/test_server.h"

namespace understudy::test {

namespace {

ZoneText large_zone() {
  ZoneText text =
      zone("test.", "test. 60 SOA ns.test. h.test. 1 2 3 4 5\ntest. 60 NS ns.test.\nns.test. 60 A 192.0.2.1");
  for (unsigned i = 0; i < 100; ++i) {
    Rr record{name("large.test"), type::TXT, 60, Bytes(200, static_cast<std::uint8_t>(i))};
    record.rdata[0] = 199;
    text.records.push_back(record);
  }
  return text;
}

const Query ns = query("ns.test", type::A);

// 3: authoritative servers MUST support and service all TCP queries so that they do not limit the size of
// responses to what fits in a single UDP packet.
TEST(Rfc9210, Section3LargeResponses) {
  TestServer server({large_zone()});
  UdpClient udp(server.address());
  const Message cut = udp.ask(query("large.test", type::TXT));
  EXPECT_TRUE(cut.tc());
  TcpClient tcp(server.address());
  const Message whole = tcp.ask(query("large.test", type::TXT));
  EXPECT_FALSE(whole.tc());
  EXPECT_EQ(whole.answer.size(), 100u);
}

// 4.2: a configurable limit on the total number of established connections; at the limit either existing
// (idle) ones are closed or new ones are refused.
TEST(Rfc9210, Section4_2TotalNumber) {
  server::ServerOptions options;
  options.tcp_connections = 3;
  TestServer server({large_zone()}, options);
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<TcpClient>(server.address()));
    EXPECT_EQ(clients.back()->ask(ns).answer.size(), 1u);
  }
  EXPECT_TRUE(clients[0]->ended());
  for (int i = 1; i < 4; ++i) EXPECT_EQ(clients[static_cast<std::size_t>(i)]->ask(ns).answer.size(), 1u);
}

// 4.2: a configurable limit on the number of connections of one source address or subnet.
TEST(Rfc9210, Section4_2NumberOfOneAddress) {
  server::ServerOptions options;
  options.tcp_connections_per_client = 1;
  TestServer server({large_zone()}, options);
  TcpClient other(server.address(), "127.0.0.9:0");
  EXPECT_EQ(other.ask(ns).answer.size(), 1u);
  TcpClient first(server.address());
  EXPECT_EQ(first.ask(ns).answer.size(), 1u);
  TcpClient second(server.address());
  EXPECT_EQ(second.ask(ns).answer.size(), 1u);
  EXPECT_TRUE(first.ended());
  EXPECT_EQ(other.ask(ns).answer.size(), 1u);
}

// 4.2: a configurable timeout for idle connections, and a limit on the duration of a connection in all.
TEST(Rfc9210, Section4_2Durations) {
  ManualClock clock;
  server::ServerOptions options;
  options.tcp_idle = std::chrono::seconds(10);
  options.tcp_lifetime = std::chrono::seconds(25);
  options.clock = &clock;
  TestServer server({large_zone()}, options);
  TcpClient idle(server.address()), busy(server.address());
  EXPECT_EQ(idle.ask(ns).answer.size(), 1u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(busy.ask(ns).answer.size(), 1u);
    clock.advance(std::chrono::seconds(6));
  }
  EXPECT_TRUE(idle.ended());
  clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(busy.ended());
}

}  // namespace

}  // namespace understudy::test
