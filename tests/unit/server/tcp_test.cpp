// Queries over TCP (RFC 7766), against real sockets.
#include <sys/resource.h>

#include "support/test_server.h"

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

TEST(Tcp, AHundredQueriesInOneSegment) {
  TestServer server({test_zone()});
  TcpClient client(server.address());
  Bytes all;
  for (std::uint16_t i = 0; i < 100; ++i) {
    const Bytes one = framed(encode(query("www.example.com", type::A, i)));
    all.insert(all.end(), one.begin(), one.end());
  }
  client.send(all);
  for (std::uint16_t i = 0; i < 100; ++i) {
    const auto response = client.message();
    ASSERT_TRUE(response) << i;
    EXPECT_EQ(decode(*response).id, i);
    EXPECT_EQ(decode(*response).answer.size(), 1u);
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
  ManualClock clock;
  server::ServerOptions options = limited(100, 100, std::chrono::seconds(10));
  options.clock = &clock;
  TestServer server({test_zone()}, options);
  TcpClient silent(server.address()), begun(server.address());
  begun.send({0});
  TcpClient asked(server.address());
  EXPECT_EQ(asked.ask(www).answer.size(), 1u);  // so the others, which came before, were accepted as well
  clock.advance(std::chrono::seconds(9));
  EXPECT_EQ(asked.ask(www).answer.size(), 1u);
  clock.advance(std::chrono::seconds(2));
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(begun.ended());
  EXPECT_EQ(asked.ask(www).answer.size(), 1u);
  clock.advance(std::chrono::seconds(10));
  EXPECT_TRUE(asked.ended());
}

TEST(Tcp, NoConnectionIsOlderThanItsLifetime) {
  ManualClock clock;
  server::ServerOptions options = limited(100, 100, never);
  options.tcp_lifetime = std::chrono::seconds(60);
  options.clock = &clock;
  TestServer server({test_zone()}, options);
  TcpClient old(server.address());
  // Twice: the first may be answered in the turn that accepts, and its time would be that of who comes next.
  EXPECT_EQ(old.ask(www).answer.size(), 1u);
  EXPECT_EQ(old.ask(www).answer.size(), 1u);
  clock.advance(std::chrono::seconds(59));
  TcpClient young(server.address());
  EXPECT_EQ(young.ask(www).answer.size(), 1u);
  EXPECT_EQ(old.ask(www).answer.size(), 1u);
  clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(old.ended());
  EXPECT_EQ(young.ask(www).answer.size(), 1u);
}

// A little taken now and then is never idle, but it ends all the same: at the lifetime and the idle time
// after.
TEST(Tcp, AReaderThatIsSlowForEverIsClosed) {
  ManualClock clock;
  server::ServerOptions options = limited(100, 100, std::chrono::seconds(5000));
  options.tcp_lifetime = std::chrono::seconds(1000);
  options.clock = &clock;
  TestServer server({test_zone()}, options);
  SlowReader slow(server.address());
  unsigned taken = 0;
  while (taken < SlowReader::questions && slow.next()) {
    ++taken;
    clock.advance(std::chrono::seconds(20));
  }
  EXPECT_LT(taken, SlowReader::questions);
}

// What takes nothing any more is as good as idle.
TEST(Tcp, AReaderThatStopsIsClosed) {
  ManualClock clock;
  server::ServerOptions options = limited(1, 1, std::chrono::seconds(10));
  options.clock = &clock;
  TestServer server({test_zone()}, options);
  SlowReader stopped(server.address());
  {
    TcpClient refused(server.address());
    EXPECT_TRUE(refused.ended());
  }
  // Its place is the only one, so a second connection is closed at once until it is free. What the buffers on
  // the way took in the meantime begins the idle time anew.
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    clock.advance(std::chrono::seconds(10));
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
  server.stop();
  EXPECT_EQ(server.dropped(metrics::Dropped::connection_limit), 1u);
}

TEST(Tcp, AClientOverItsShareLosesItsOwnLongestIdle) {
  TestServer server({test_zone()}, limited(10, 2, never));
  TcpClient other(server.address(), "127.0.0.2:0");
  EXPECT_EQ(other.ask(www).answer.size(), 1u);  // idle longest of all
  TcpClient a(server.address()), b(server.address());
  EXPECT_EQ(a.ask(www).answer.size(), 1u);
  EXPECT_EQ(b.ask(www).answer.size(), 1u);
  EXPECT_EQ(a.ask(www).answer.size(), 1u);  // so b is the one of this client
  TcpClient c(server.address());
  EXPECT_EQ(c.ask(www).answer.size(), 1u);
  EXPECT_TRUE(b.ended());
  EXPECT_EQ(a.ask(www).answer.size(), 1u);
  EXPECT_EQ(other.ask(www).answer.size(), 1u);
}

TEST(Tcp, AClientWhoseShareIsBusyGetsNoMore) {
  TestServer server({test_zone()}, limited(10, 1, never));
  TcpClient other(server.address(), "127.0.0.2:0");
  EXPECT_EQ(other.ask(www).answer.size(), 1u);
  SlowReader busy(server.address());
  TcpClient refused(server.address());
  EXPECT_TRUE(refused.ended());
  EXPECT_EQ(other.ask(www).answer.size(), 1u);
  for (unsigned i = 0; i < SlowReader::questions; ++i) ASSERT_EQ(busy.next(), i);
}

TEST(Tcp, WhatEndedGivesItsShareBack) {
  TestServer server({test_zone()}, limited(1, 1, never));
  for (int i = 0; i < 3; ++i) {
    TcpClient client(server.address());
    EXPECT_EQ(client.ask(www).answer.size(), 1u);
    client.shut_down_sending();
    EXPECT_TRUE(client.ended());
  }
}

// Bounds of the process, for as long as this lives: no descriptor above the next one can be had.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    const rlimit now{static_cast<rlim_t>(next) + 1, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// The door rests for a while and is not tried again and again: as long as the clock stands still it stays
// shut, even with descriptors there again.
TEST(Tcp, WithoutDescriptorsConnectionsWait) {
  ManualClock clock;
  server::ServerOptions options;
  options.clock = &clock;
  TestServer server({test_zone()}, options);
  UdpClient udp(server.address());
  // Between two answers over UDP the event loop looked at everything that was ready.
  const auto let_it_look = [&] {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(udp.ask(www).answer.size(), 1u);
  };
  // UBSan wants descriptors where it meets a type for the first time: so a connection comes and goes before.
  let_it_look();
  TcpClient gone(server.address());
  EXPECT_EQ(gone.ask(www).answer.size(), 1u);
  gone.shut_down_sending();
  EXPECT_TRUE(gone.ended());
  TcpClient idle(server.address());
  EXPECT_EQ(idle.ask(www).answer.size(), 1u);
  std::optional<TcpClient> waiting;
  {
    const NoMoreDescriptors none;
    waiting.emplace(server.address());  // takes the last one
    waiting->send(framed(encode(www)));
    let_it_look();
  }
  let_it_look();
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(waiting->nothing_came());
  clock.advance(std::chrono::seconds(1));
  const auto response = waiting->message();
  ASSERT_TRUE(response);
  EXPECT_EQ(decode(*response).answer.size(), 1u);
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
  options.listen.clear = {endpoint("[::1]:0")};
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
