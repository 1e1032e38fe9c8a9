// Queries over TCP (RFC 7766), against real sockets.
#include "server_fixture.h"

namespace understudy::test {
namespace {

// big.example.com: some 40,000 octets of TXT.
ZoneText test_zone() {
  ZoneText text = zone("example.com", R"(
    example.com. 300 SOA ns.example.com. host.example.com. 1 2 3 4 5
    example.com. 300 NS ns.example.com.
    ns.example.com. 300 A 192.0.2.1
    www.example.com. 300 A 192.0.2.2
  )");
  for (unsigned i = 0; i < 160; ++i) {
    Rr record{name("big.example.com"), type::TXT, 300, {}};
    record.rdata.assign(250, static_cast<std::uint8_t>(i));
    record.rdata[0] = 249;
    text.records.push_back(record);
  }
  return text;
}

server::ServerOptions limited(unsigned all, unsigned per_client, std::chrono::seconds idle) {
  server::ServerOptions options;
  options.tcp_connections = all;
  options.tcp_connections_per_client = per_client;
  options.tcp_idle = idle;
  return options;
}
constexpr std::chrono::seconds never{3600};

const Query www = query("www.example.com", type::A);

// Asks for far more than all buffers on the way take.
class SlowReader : public TcpClient {
 public:
  static constexpr std::uint16_t questions = 400;
  explicit SlowReader(const net::Endpoint& server, const char* source = nullptr)
      : TcpClient(server, source, 64 << 10) {
    Bytes all;
    for (std::uint16_t i = 0; i < questions; ++i) {
      const Bytes one = framed(encode(query("big.example.com", type::TXT, i)));
      all.insert(all.end(), one.begin(), one.end());
    }
    send(all);
    // Something came, so the server is at it.
    first_ = receive(1);
  }
  // The ID of the next response, which is whole.
  std::optional<unsigned> next() {
    if (!first_.empty()) {
      const Bytes second = receive(1);
      Bytes body;
      const std::size_t size = std::size_t{first_[0]} << 8 | second.at(0);
      while (body.size() < size) {
        const Bytes more = receive(size - body.size());
        if (more.empty()) return std::nullopt;
        body.insert(body.end(), more.begin(), more.end());
      }
      first_.clear();
      return check(body);
    }
    const auto body = message();
    if (!body) return std::nullopt;
    return check(*body);
  }

 private:
  static std::optional<unsigned> check(const Bytes& body) {
    const Message response = decode(body);
    EXPECT_EQ(response.answer.size(), 160u);
    return response.id;
  }
  Bytes first_;
};

TEST(Tcp, OneOctetAtATime) {
  TestServer server({test_zone()});
  TcpClient client(server.address());
  for (int round = 0; round < 3; ++round) {
    for (const std::uint8_t octet : framed(encode(www))) client.send({octet});
    const auto response = client.message();
    ASSERT_TRUE(response);
    EXPECT_EQ(shown(decode(*response).answer), shown("www.example.com. 300 A 192.0.2.2"));
  }
}

TEST(Tcp, ManyMessagesInASegmentAndAHalf) {
  TestServer server({test_zone()});
  TcpClient client(server.address());
  constexpr std::uint16_t count = 300;
  Bytes all;
  for (std::uint16_t i = 0; i < count; ++i) {
    const Bytes one = framed(encode(query(i % 3 ? "www.example.com" : "none.example.com", type::A, i)));
    all.insert(all.end(), one.begin(), one.end());
  }
  const std::size_t cut = all.size() - 20;
  client.send(Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(cut)));
  for (std::uint16_t i = 0; i < count; ++i) {
    if (i == count - 1) client.send(Bytes(all.begin() + static_cast<std::ptrdiff_t>(cut), all.end()));
    const auto response = client.message();
    ASSERT_TRUE(response) << i;
    const Message message = decode(*response);
    EXPECT_EQ(message.id, i);
    EXPECT_EQ(message.rcode, i % 3 ? rcode::noerror : rcode::nxdomain);
  }
}

TEST(Tcp, LongAndEmptyMessages) {
  TestServer server({test_zone()});
  TcpClient client(server.address());
  client.send({0, 0});  // no message at all
  Bytes longest = encode(query("www.example.com", type::A, 9));
  longest.resize(65535, 0xAA);
  client.send(framed(longest));
  const auto refused = client.message();
  ASSERT_TRUE(refused);
  EXPECT_EQ(decode(*refused).id, 9);
  EXPECT_EQ(decode(*refused).rcode, rcode::formerr);
  EXPECT_EQ(client.ask(www).answer.size(), 1u);
}

TEST(Tcp, EverythingAskedIsAnsweredBeforeTheClientsEnd) {
  TestServer server({test_zone()});
  TcpClient client(server.address());
  client.send(framed(encode(www)));
  client.send(framed(encode(www)));
  client.shut_down_sending();
  EXPECT_TRUE(client.message());
  EXPECT_TRUE(client.message());
  EXPECT_TRUE(client.ended());
}

TEST(Tcp, ASlowReaderHoldsUpNobodyAndLosesNothing) {
  TestServer server({test_zone()}, limited(100, 100, never));
  SlowReader slow(server.address());
  TcpClient other(server.address());
  UdpClient udp(server.address());
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(other.ask(www).answer.size(), 1u);
    EXPECT_EQ(udp.ask(www).answer.size(), 1u);
  }
  for (unsigned i = 0; i < SlowReader::questions; ++i) ASSERT_EQ(slow.next(), i);
}

TEST(Tcp, IdleConnectionsAreClosed) {
  TestServer server({test_zone()}, limited(100, 100, std::chrono::seconds(1)));
  TcpClient silent(server.address()), asked(server.address()), begun(server.address());
  begun.send({0});
  EXPECT_EQ(asked.ask(www).answer.size(), 1u);
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(begun.ended());
  EXPECT_TRUE(asked.ended());
}

// What takes nothing any more is as good as idle.
TEST(Tcp, AReaderThatStopsIsClosed) {
  TestServer server({test_zone()}, limited(1, 1, std::chrono::seconds(1)));
  SlowReader stopped(server.address());
  // Its place is the only one, so a second connection is closed at once until it is free.
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    TcpClient next(server.address());
    next.send(framed(encode(www)));
    if (next.message()) break;
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
}

TEST(Tcp, ANewConnectionTakesThePlaceOfTheLongestIdle) {
  TestServer server({test_zone()}, limited(2, 2, never));
  TcpClient a(server.address()), b(server.address());
  EXPECT_EQ(a.ask(www).answer.size(), 1u);
  EXPECT_EQ(b.ask(www).answer.size(), 1u);
  EXPECT_EQ(a.ask(www).answer.size(), 1u);  // so b is the one that is idle longest
  TcpClient c(server.address(), "127.0.0.2:0");
  EXPECT_EQ(c.ask(www).answer.size(), 1u);
  EXPECT_TRUE(b.ended());
  EXPECT_EQ(a.ask(www).answer.size(), 1u);
}

TEST(Tcp, BusyConnectionsKeepTheirPlaces) {
  TestServer server({test_zone()}, limited(1, 1, never));
  SlowReader busy(server.address());
  TcpClient refused(server.address(), "127.0.0.2:0");
  EXPECT_TRUE(refused.ended());
  for (unsigned i = 0; i < SlowReader::questions; ++i) ASSERT_EQ(busy.next(), i);
}

TEST(Tcp, AClientGetsNoMoreThanItsShare) {
  TestServer server({test_zone()}, limited(10, 2, never));
  TcpClient a(server.address());
  EXPECT_EQ(a.ask(www).answer.size(), 1u);
  {
    TcpClient b(server.address());
    EXPECT_EQ(b.ask(www).answer.size(), 1u);
    TcpClient c(server.address());
    EXPECT_TRUE(c.ended());
    TcpClient other(server.address(), "127.0.0.2:0");
    EXPECT_EQ(other.ask(www).answer.size(), 1u);
    EXPECT_EQ(a.ask(www).answer.size(), 1u);
    b.shut_down_sending();
    EXPECT_TRUE(b.ended());
  }
  TcpClient again(server.address());  // b's share is free
  EXPECT_EQ(again.ask(www).answer.size(), 1u);
}

TEST(Tcp, StoppingEndsConnections) {
  TestServer server({test_zone()});
  TcpClient client(server.address());
  EXPECT_EQ(client.ask(www).answer.size(), 1u);
  SlowReader slow(server.address());
  server.stop();
  EXPECT_TRUE(client.ended());
}

TEST(Tcp, CountsByProtocolAndFamily) {
  server::ServerOptions options;
  options.listen = {endpoint("[::1]:0")};
  TestServer server({test_zone()}, options);
  TcpClient client(server.address());
  for (int i = 0; i < 5; ++i) client.ask(www);
  server.stop();
  EXPECT_EQ(server.total([](const auto& c) {
    return c.requests[static_cast<int>(metrics::Proto::tcp)][static_cast<int>(metrics::Family::ipv6)][0]
        .get();
  }),
            5u);
}

}  // namespace
}  // namespace understudy::test
