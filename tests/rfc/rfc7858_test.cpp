// RFC 7858: DNS over TLS; with RFC 7301 (ALPN) and RFC 9325 (versions) as far as they bear on it.
#include "support/tls_client.h"

namespace understudy::test {

namespace {

class Rfc7858 : public TlsTest {};

// 3.1: "DNS clients and servers MUST NOT use port 853 to transport cleartext DNS messages."
TEST_F(Rfc7858, Section3_1NothingInTheClear) {
  TcpClient clear(server_.tls_address());
  clear.send(framed(encode(ns_)));
  // A TLS alert is all that may come back.
  for (Bytes octets = clear.receive(); !octets.empty(); octets = clear.receive()) EXPECT_EQ(octets[0], 21);
  server_.stop();
  EXPECT_EQ(server_.dropped(metrics::Dropped::tls_handshake), 1u);
}

// 3.2: once the handshake is done the client's queries are answered.
TEST_F(Rfc7858, Section3_2Session) {
  TlsClient client(server_.tls_address());
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.version(), TLS1_3_VERSION);
  EXPECT_EQ(shown(client.ask(ns_).answer), shown("ns.test. 60 A 192.0.2.1"));
  server_.stop();
  EXPECT_EQ(server_.total(
                [](const auto& c) { return c.requests[static_cast<int>(metrics::Proto::tls)][0][0].get(); }),
            1u);
}

// 3.3: all messages MUST have the two-octet length; clients SHOULD pipeline; and messages are bound to
// records as little as to segments.
TEST_F(Rfc7858, Section3_3MessagesAndRecords) {
  TlsClient client(server_.tls_address());
  Bytes all;
  for (std::uint16_t i = 0; i < 600; ++i) {
    const Bytes one = framed(encode(query("q" + std::to_string(i) + ".test", type::TXT, i)));
    all.insert(all.end(), one.begin(), one.end());
  }
  // All in records of 7 octets, then all in records as large as they may be.
  for (const std::size_t record : {std::size_t{7}, std::size_t{16384}}) {
    for (std::size_t at = 0; at < all.size(); at += record) {
      const std::size_t end = std::min(all.size(), at + record);
      client.send(Bytes(all.begin() + static_cast<std::ptrdiff_t>(at),
                        all.begin() + static_cast<std::ptrdiff_t>(end)));
    }
    for (std::uint16_t i = 0; i < 600; ++i) {
      const auto message = client.message();
      ASSERT_TRUE(message) << i;
      EXPECT_EQ(decode(*message).id, i);
      EXPECT_EQ(decode(*message).answer.size(), 1u);
    }
  }
}

// 3.4: servers may close idle connections; RFC 8446 6.1: with a close_notify.
TEST_F(Rfc7858, Section3_4IdleConnections) {
  TlsClient client(server_.tls_address());
  EXPECT_EQ(client.ask(ns_).answer.size(), 1u);
  clock_.advance(std::chrono::seconds(11));
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(client.ended_orderly());
}

// 3.4 and 5: a client that never goes on with its handshake does not hold a connection for long.
TEST_F(Rfc7858, Section3_4UnfinishedHandshakes) {
  TcpClient silent(server_.tls_address()), begun(server_.tls_address());
  begun.send({22, 3, 1});
  TlsClient other(server_.tls_address());
  EXPECT_EQ(other.ask(ns_).answer.size(), 1u);
  clock_.advance(std::chrono::seconds(6));
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(begun.ended());
  EXPECT_EQ(other.ask(ns_).answer.size(), 1u);
}

// RFC 9325 3.1.1: TLS 1.2 and 1.3, and nothing before.
TEST_F(Rfc7858, Versions) {
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    TlsClient client(server_.tls_address(), {version, version});
    ASSERT_TRUE(client.connected()) << version;
    EXPECT_EQ(client.version(), version);
    EXPECT_EQ(client.ask(ns_).answer.size(), 1u);
  }
  for (const int version : {TLS1_1_VERSION, TLS1_VERSION}) {
    TlsClient client(server_.tls_address(), {version, version});
    EXPECT_FALSE(client.connected()) << version;
  }
}

// RFC 7301 3.2: "dot" is chosen where offered; what offers only others is refused. A client of RFC 7858
// itself offers nothing.
TEST_F(Rfc7858, ApplicationProtocol) {
  TlsClient dot(server_.tls_address());
  EXPECT_EQ(dot.protocol(), "dot");
  TlsClient none(server_.tls_address(), {.protocol = ""});
  ASSERT_TRUE(none.connected());
  EXPECT_EQ(none.protocol(), "");
  EXPECT_EQ(none.ask(ns_).answer.size(), 1u);
  TlsClient web(server_.tls_address(), {.protocol = "h2"});
  EXPECT_FALSE(web.connected());
}

// A new certificate is taken without a restart; a broken one changes nothing.
TEST_F(Rfc7858, CertificateReload) {
  TlsClient before(server_.tls_address());
  EXPECT_EQ(before.peer(), "first");
  write_certificate(certificate_.files(), "second");
  server_.server().renew_certificate();
  TlsClient after(server_.tls_address());
  EXPECT_EQ(after.peer(), "second");
  EXPECT_EQ(before.ask(ns_).answer.size(), 1u);  // it goes on with the one it began with
  std::fclose(std::fopen(certificate_.files().key.c_str(), "w"));
  server_.server().renew_certificate();
  TlsClient still(server_.tls_address());
  EXPECT_EQ(still.peer(), "second");
  EXPECT_EQ(still.ask(ns_).answer.size(), 1u);
}

}  // namespace

}  // namespace understudy::test
