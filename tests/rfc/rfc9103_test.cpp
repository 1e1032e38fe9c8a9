// RFC 9103: DNS Zone Transfer over TLS, the side that sends.
#include "support/tls_client.h"

namespace understudy::test {

namespace {

class Rfc9103 : public TlsTest {};

Query axfr() { return query("test", 252); }

// 7.1: "the Application-Layer Protocol Negotiation (ALPN) token "dot" [DoT-ALPN] MUST be selected in the TLS
// handshake." 7.2: "All implementations of this specification MUST use only TLS 1.3 [RFC8446] or later."
TEST_F(Rfc9103, Section7OnlyOverTls13WithDot) {
  TlsClient client(server_.tls_address());
  const Message whole = client.ask(axfr());
  EXPECT_EQ(whole.rcode, rcode::noerror);
  EXPECT_EQ(whole.answer.size(), 5u);  // four records, the SOA once more
  EXPECT_EQ(client.ask(ns_).answer.size(), 1u);
  TlsClient old(server_.tls_address(), {TLS1_2_VERSION, TLS1_2_VERSION});
  EXPECT_EQ(old.ask(axfr()).rcode, rcode::refused);
  EXPECT_EQ(old.ask(ns_).answer.size(), 1u);
  TlsClient nameless(server_.tls_address(), {.protocol = ""});
  EXPECT_EQ(nameless.ask(axfr()).rcode, rcode::refused);
  EXPECT_EQ(server_.transfers("success", "tls"), 1u);
}

class Rfc9103Mutual : public ::testing::Test {
 protected:
  // The names and keys of `believed` are what the zone may be transferred by.
  void serve(const std::string& entry, const net::TlsServerOptions& believed) {
    ZoneText text = zone("test.", "test. 60 SOA ns.test. h.test. 1 2 3 4 5\n test. 60 NS ns.elsewhere.");
    text.policy.allow_transfer = {net::AccessRule::parse(entry).value()};
    server::ServerOptions options = ours_.options();
    options.tls.client_ca = believed.client_ca;
    options.tls.client_pins = believed.client_pins;
    server_.emplace(std::vector<ZoneText>{text}, options);
  }
  unsigned rcode_over_tls(const CertificateFiles& shown = {}) {
    TlsClient client(server_->tls_address(), {.shown = shown});
    return client.ask(axfr()).rcode;
  }

  const TestCertificate ours_, theirs_{"secondary"}, namesake_{"secondary"}, ended_{"secondary", -60};
  std::optional<TestServer> server_;
};

// 7.5: "The server MUST validate the client is authorized to request or proxy a zone transfer by using one or
// both of the following methods: mutual TLS (mTLS) ..." 9.3.3: "The client offers the certificate for
// authentication by the server".
TEST_F(Rfc9103Mutual, Section9_3_3TheClientIsAuthenticated) {
  serve("tls:secondary", {{}, {}, theirs_.files().certificate, {}});
  EXPECT_EQ(rcode_over_tls(theirs_.files()), rcode::noerror);
  EXPECT_EQ(rcode_over_tls(), rcode::refused) << "none is shown";
  EXPECT_EQ(rcode_over_tls(namesake_.files()), rcode::refused) << "nobody vouches for it";
  EXPECT_EQ(rcode_over_tls(ours_.files()), rcode::refused);
  serve("tls:secondary", {{}, {}, ended_.files().certificate, {}});
  EXPECT_EQ(rcode_over_tls(ended_.files()), rcode::refused) << "it has ended";
}

// The same by an SPKI pin, whoever issued the certificate and until whenever. It proves that key and nothing
// else: the names beside it are what its owner wrote there.
TEST_F(Rfc9103Mutual, Section9_3_3OrByItsKey) {
  const net::KeyPin pin = key_pin(theirs_.files().certificate), ended = key_pin(ended_.files().certificate);
  serve("tls:pin:" + net::to_string(pin), {{}, {}, ours_.files().certificate, {}});
  EXPECT_EQ(rcode_over_tls(theirs_.files()), rcode::noerror);
  EXPECT_EQ(rcode_over_tls(namesake_.files()), rcode::refused);
  serve("tls:pin:" + net::to_string(ended), {{}, {}, {}, {pin, ended}});
  EXPECT_EQ(rcode_over_tls(ended_.files()), rcode::noerror);
  EXPECT_EQ(rcode_over_tls(theirs_.files()), rcode::refused);
  for (const std::string& authority : {std::string(), ours_.files().certificate}) {
    serve("tls:secondary", {{}, {}, authority, {pin, ended}});
    EXPECT_EQ(rcode_over_tls(theirs_.files()), rcode::refused);
    EXPECT_EQ(rcode_over_tls(ended_.files()), rcode::refused);
  }
}

// 11: "In order to assure the confidentiality of the zone information, the entire transfer group MUST have a
// consistent policy of using XoT. If any do not, this is a weak link for attackers to exploit." So an entry
// that names TLS is nothing that a client in the clear passes.
TEST_F(Rfc9103Mutual, Section11NoWayInTheClear) {
  for (const char* const entry : {"tls", "tls:secondary", "127.0.0.0/8 tls"}) {
    serve(entry, {{}, {}, theirs_.files().certificate, {}});
    EXPECT_EQ(rcode_over_tls(theirs_.files()), rcode::noerror) << entry;
    TcpClient clear(server_->address());
    EXPECT_EQ(clear.ask(axfr()).rcode, rcode::refused) << entry;
    UdpClient datagrams(server_->address());
    datagrams.send(ixfr_query("test", 1));
    EXPECT_EQ(decode(datagrams.receive()).rcode, rcode::refused) << entry;
  }
}

// 7.7: the specification "does not prohibit servers from answering queries unrelated to XFR exchanges over
// TLS"; whoever asks them proves what it likes.
TEST_F(Rfc9103Mutual, Section7_7QueriesAreEverybodys) {
  serve("tls:secondary", {{}, {}, theirs_.files().certificate, {}});
  for (const CertificateFiles& shown : {CertificateFiles{}, namesake_.files(), ended_.files()}) {
    TlsClient client(server_->tls_address(), {.shown = shown});
    EXPECT_EQ(client.ask(query("test", type::SOA)).answer.size(), 1u);
  }
}

}  // namespace

}  // namespace understudy::test
