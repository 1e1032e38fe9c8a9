// RFC 7828: The edns-tcp-keepalive EDNS0 Option.
#include "support/test_server.h"

namespace understudy::test {

namespace {

class Rfc7828 : public ::testing::Test {
 protected:
  Rfc7828() {
    options_.tcp_idle = std::chrono::seconds(30);
    server_.emplace(
        std::vector{
            zone("test.",
                 "test. 60 SOA ns.test. h.test. 1 2 3 4 5\ntest. 60 NS ns.test.\nns.test. 60 A 192.0.2.1")},
        options_);
  }
  static Query asking() {
    Query asked = query("ns.test", type::A);
    asked.options = {0, 11, 0, 0};
    return asked;
  }
  server::ServerOptions options_;
  std::optional<TestServer> server_;
};

// 3.1: OPTION-CODE 11, OPTION-LENGTH 2, TIMEOUT: "an idle timeout value for the TCP connection, specified in
// units of 100 milliseconds, encoded in network byte order".
TEST_F(Rfc7828, Section3_1TheOption) {
  TcpClient client(server_->address());
  const Message response = client.ask(asking());
  EXPECT_EQ(response.answer.size(), 1u);
  EXPECT_EQ(response.opt.value().options, (Bytes{0, 11, 0, 2, 300 >> 8, 300 & 255}));
}

// 3.1: the largest TIMEOUT there is room for stands for what is longer.
TEST_F(Rfc7828, Section3_1LongTimeouts) {
  options_.tcp_idle = std::chrono::hours(10);
  TestServer patient(
      {zone("test.",
            "test. 60 SOA ns.test. h.test. 1 2 3 4 5\ntest. 60 NS ns.test.\nns.test. 60 A 192.0.2.1")},
      options_);
  TcpClient client(patient.address());
  EXPECT_EQ(client.ask(asking()).opt.value().options, (Bytes{0, 11, 0, 2, 255, 255}));
}

// 3.3.1: "A DNS server that receives a query using UDP transport that includes the edns-tcp-keepalive option
// MUST ignore the option."
TEST_F(Rfc7828, Section3_3_1OverUdpIgnored) {
  UdpClient client(server_->address());
  const Message response = client.ask(asking());
  EXPECT_EQ(response.answer.size(), 1u);
  EXPECT_TRUE(response.opt.value().options.empty());
}

// 3.3.2: the option goes only into responses to queries with an OPT; to those without the option none is
// sent.
TEST_F(Rfc7828, Section3_3_2OnlyWhereAskedFor) {
  TcpClient client(server_->address());
  EXPECT_TRUE(client.ask(query("ns.test", type::A)).opt.value().options.empty());
  Query plain = query("ns.test", type::A);
  plain.edns = false;
  EXPECT_FALSE(client.ask(plain).opt.has_value());
}

// It goes with negative answers and refusals as well, and with other options of the query beside it.
TEST_F(Rfc7828, Section3_3_2WithEveryAnswer) {
  TcpClient client(server_->address());
  for (const char* name_asked : {"none.test", "elsewhere."}) {
    Query asked = query(name_asked, type::A);
    asked.options = {0, 100, 0, 2, 1, 2, 0, 11, 0, 0};
    const Bytes options = client.ask(asked).opt.value().options;
    const Bytes expected{0, 11, 0, 2, 1, 44};
    EXPECT_NE(std::search(options.begin(), options.end(), expected.begin(), expected.end()), options.end())
        << name_asked;
  }
}

}  // namespace

}  // namespace understudy::test
