// Addresses and what is shown at them, while the server runs.
#include "support/tls_client.h"

namespace understudy::test {
namespace {

const Query www = query("ns.test", type::A);

class DoorsTest : public TlsTest {
 protected:
  server::Server::Relistened listen(const server::Listening& wanted, const net::TlsServerOptions& tls) {
    const auto prepared = server_.server().prepare_listen(wanted, tls);
    if (!prepared) throw std::runtime_error(prepared.error().message);
    return server_.server().listen(**prepared);
  }
  net::Endpoint at(const char* address, std::uint16_t port) {
    return {boost::asio::ip::make_address(address), port};
  }
  const server::Listening now_{{endpoint("127.0.0.1:0")}, options_.listen.tls};
};

TEST_F(DoorsTest, OneOverTlsComesAndGoes) {
  server::Listening wanted = now_;
  wanted.tls.push_back(endpoint("127.0.0.2:0"));
  const auto opened = listen(wanted, options_.tls);
  ASSERT_EQ(opened.opened.size(), 1u);
  EXPECT_TRUE(opened.opened[0].tls);
  EXPECT_FALSE(opened.new_tls) << "the files are the same";
  TlsClient client(opened.opened[0].bound);
  EXPECT_EQ(client.ask(www).answer.size(), 1u);
  const auto closed = listen(now_, options_.tls);
  ASSERT_EQ(closed.closed.size(), 1u);
  EXPECT_EQ(closed.closed[0].bound, opened.opened[0].bound);
  EXPECT_EQ(client.ask(www).answer.size(), 1u) << "who was there goes on";
  EXPECT_EQ(TlsClient(server_.tls_address()).ask(www).answer.size(), 1u);
}

TEST_F(DoorsTest, AnotherCertificateIsShownFromThenOn) {
  const TestCertificate other("other");
  TlsClient before(server_.tls_address());
  const auto done = listen(now_, {other.files().certificate, other.files().key, {}, {}});
  EXPECT_TRUE(done.new_tls);
  EXPECT_TRUE(done.opened.empty() && done.closed.empty());
  EXPECT_EQ(TlsClient(server_.tls_address()).peer(), "other");
  EXPECT_EQ(before.ask(www).answer.size(), 1u);
  EXPECT_FALSE(
      server_.server().prepare_listen(now_, {other.files().certificate, certificate_.files().key, {}, {}}));
  EXPECT_EQ(TlsClient(server_.tls_address()).peer(), "other");
}

// The kernel gives what comes for one address to who has that one, and the rest to who has all.
TEST_F(DoorsTest, AllAddressesBesideOneOfThem) {
  const std::uint16_t port = server_.address().port;
  server::Listening wanted = now_;
  wanted.clear.push_back(at("0.0.0.0", port));
  ASSERT_EQ(listen(wanted, options_.tls).opened.size(), 1u);
  for (const char* const address : {"127.0.0.1", "127.0.0.3"}) {
    EXPECT_EQ(UdpClient(at(address, port)).ask(www).answer.size(), 1u) << address;
    EXPECT_EQ(TcpClient(at(address, port)).ask(www).answer.size(), 1u) << address;
  }
  wanted.clear.erase(wanted.clear.begin());
  ASSERT_EQ(listen(wanted, options_.tls).closed.size(), 1u);
  EXPECT_EQ(UdpClient(at("127.0.0.1", port)).ask(www).answer.size(), 1u);
  EXPECT_EQ(TcpClient(at("127.0.0.1", port)).ask(www).answer.size(), 1u);
}

TEST_F(DoorsTest, AnAddressIsInTheClearOrOverTls) {
  server::Listening wanted = now_;
  wanted.tls.push_back(server_.address());
  const auto refused = server_.server().prepare_listen(wanted, options_.tls);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "address-in-use");
  EXPECT_NE(refused.error().message.find("in the clear"), std::string::npos) << refused.error().message;
  server::Listening taken = now_;
  TestServer somebody({zone_text()});
  taken.clear.push_back(somebody.address());
  EXPECT_EQ(server_.server().prepare_listen(taken, options_.tls).error().reason, "address-in-use");
}

}  // namespace
}  // namespace understudy::test
