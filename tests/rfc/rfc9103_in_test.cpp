// RFC 9103: DNS Zone Transfer over TLS, the side that receives.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "support/tls_responder.h"
#include "sync/reasons.h"
#include "sync/soa_probe.h"
#include "sync/transfer_client.h"

namespace understudy::test {

namespace {

namespace reason = sync::reason;

Bytes with_record(Bytes message, std::string_view line) {
  const Rr record = rr(line);
  append_name(message, record.owner);
  append16(message, record.type);
  append16(message, 1);
  append32(message, record.ttl);
  append16(message, static_cast<std::uint16_t>(record.rdata.size()));
  message.insert(message.end(), record.rdata.begin(), record.rdata.end());
  ++message[7];
  return message;
}

// A zone of 4,000 names in as many messages as are wanted, or its SOA.
std::vector<Bytes> answer(const Bytes& query) {
  constexpr const char* soa = "test. 60 SOA ns.test. h.test. 7 3600 600 86400 5";
  std::size_t end = 12;
  while (query.at(end) != 0) end += query[end] + 1u;
  Bytes head(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(end + 5));  // without its OPT
  head[2] = 0x84;
  head[10] = head[11] = 0;
  const bool whole = decode(query).questions.at(0).type == type::AXFR;
  std::vector<Bytes> out{with_record(head, soa)};
  if (!whole) return out;
  for (unsigned i = 0; i < 4000; ++i) {
    if (i % 200 == 0) out.push_back(head);
    out.back() =
        with_record(out.back(), "h" + std::to_string(i) + ".test. 60 TXT \"" + std::string(100, 'x') + '"');
  }
  out.push_back(with_record(head, soa));
  return out;
}

class Counted final : public sync::RecordTarget {
 public:
  Result<> record(const dns::RecordView&) override { return {}; }
};

class Rfc9103In : public ::testing::Test {
 protected:
  TlsResponder& server(TlsResponder::Choices choices = {}) {
    server_ = std::make_unique<TlsResponder>(certificate_.files(), choices, answer);
    return *server_;
  }
  net::Trust trust(const net::TlsIdentity& identity, net::TlsClientOptions options) {
    net::Trust trust;
    trust.tls = net::TlsTrust{net::TlsClient::make(std::move(options)).value(), identity};
    return trust;
  }
  net::Trust by_name(const std::string& name = "first") {
    return trust({name}, {certificate_.files().certificate, {}, {}});
  }
  template <class Value>
  Result<Value> run(boost::asio::awaitable<Result<Value>> asking, boost::asio::io_context& context) {
    Result<Value> result = Error{"unset", ""};
    boost::asio::co_spawn(context, std::move(asking), [&](std::exception_ptr fault, Result<Value> came) {
      EXPECT_FALSE(fault);
      result = std::move(came);
    });
    context.run();
    return result;
  }
  Result<sync::TransferCounts> transfer(const net::Trust& trust) {
    boost::asio::io_context context;
    sync::Pool pool(1);
    sync::TransferOrder order{
        server_->address(), std::nullopt, {dns::Name::from_text("test").value()}, {}, trust};
    return run(sync::receive_zone(order, std::make_shared<Counted>(), pool), context);
  }
  Result<sync::ProbeAnswer> probe(const net::Trust& trust) {
    boost::asio::io_context context;
    return run(sync::probe_soa(server_->address(), dns::Name::from_text("test").value(), std::nullopt, trust),
               context);
  }
  // Neither question is asked, and both say why.
  void expect_refused(const net::Trust& trust, std::string_view why) {
    const auto transferred = transfer(trust);
    ASSERT_FALSE(transferred);
    EXPECT_EQ(transferred.error().reason, why) << transferred.error().message;
    const auto probed = probe(trust);
    ASSERT_FALSE(probed);
    EXPECT_EQ(probed.error().reason, why) << probed.error().message;
    EXPECT_EQ(server_->queries, 0);
    EXPECT_EQ(server_->connections, 2) << "no other way was tried";
  }

  TestCertificate certificate_;
  std::unique_ptr<TlsResponder> server_;
};

// 7.6: "If no TLS connections are currently open, XoT clients MAY send SOA queries over UDP, TCP, or TLS."
// Ours go over TLS.
TEST_F(Rfc9103In, Section7_6SoaAndTransferOverTls) {
  server();
  const auto transferred = transfer(by_name());
  ASSERT_TRUE(transferred) << transferred.error().message;
  EXPECT_EQ(transferred->records, 4001u);
  EXPECT_EQ(transferred->messages, 22u);
  const auto probed = probe(by_name());
  ASSERT_TRUE(probed) << probed.error().message;
  EXPECT_EQ(probed->serial, 7u);
  EXPECT_EQ(server_->queries, 2);
}

// "All implementations of this specification MUST use only TLS 1.3 [RFC8446] or later."
TEST_F(Rfc9103In, Section7_2NotOverTls12) {
  server({.most = TLS1_2_VERSION});
  expect_refused(by_name(), reason::tls_handshake);
}

// "During connection establishment, the Application-Layer Protocol Negotiation (ALPN) token "dot" [DoT-ALPN]
// MUST be selected in the TLS handshake."
TEST_F(Rfc9103In, Section7_1NotWithoutDot) {
  server({.speaks_dot = false});
  expect_refused(by_name(), reason::tls_handshake);
}

// Where the operator lets that pass (servers that are older than the RFC), all else must be proved as ever.
TEST_F(Rfc9103In, Section7_1UnlessThatIsLetPass) {
  const net::TlsClientOptions known{certificate_.files().certificate, {}, {}};
  server({.speaks_dot = false});
  EXPECT_TRUE(transfer(trust({"first", {}, false}, known)));
  server({.speaks_dot = false});
  expect_refused(trust({"second", {}, false}, known), reason::tls_untrusted);
  server({.most = TLS1_2_VERSION, .speaks_dot = false});
  expect_refused(trust({"first", {}, false}, known), reason::tls_handshake);
}

// 7.5: "The client MUST authenticate the server by use of an authentication domain name using a Strict
// Privacy profile, as described in [RFC8310]." 9.3.2: "If authentication of the server fails, the client will
// not proceed with the connection."
TEST_F(Rfc9103In, Section9_3_2TheNameMustBeProved) {
  server();
  expect_refused(by_name("second"), reason::tls_untrusted);
  server();
  expect_refused(trust({"first"}, {}), reason::tls_untrusted);  // nobody who is known vouches for it
}

// "a client is configured with an authentication domain name (and/or Subject Public Key Info (SPKI) pin set)
// that MUST be used to authenticate the TLS handshake with the server."
TEST_F(Rfc9103In, Section9_3_2OrTheKey) {
  const net::KeyPin pin = key_pin(certificate_.files().certificate);
  net::KeyPin other = pin;
  other[31] ^= 1;
  server();
  EXPECT_TRUE(transfer(trust({"", pin}, {})));
  EXPECT_TRUE(transfer(trust({"first", pin}, {certificate_.files().certificate, {}, {}})));
  server();
  expect_refused(trust({"", other}, {}), reason::tls_untrusted);
  server();
  expect_refused(trust({"first", other}, {certificate_.files().certificate, {}, {}}), reason::tls_untrusted);
  server();
  expect_refused(trust({"second", pin}, {certificate_.files().certificate, {}, {}}), reason::tls_untrusted);
}

// 7.5: "all XFR requests and responses for that zone MUST be sent over TLS connections". 9.3.1 says of
// clients that fall back to the clear that this "is not considered as useful for XoT".
TEST_F(Rfc9103In, Section7_5NeverInTheClear) {
  server({.in_the_clear = true});
  expect_refused(by_name(), reason::tls_handshake);
  EXPECT_EQ(server_->first_octet, 22) << "a handshake, and no query";
}

// "requires that a client is configured with an authentication domain name (and/or SPKI pin set) and a client
// certificate. The client offers the certificate for authentication by the server".
TEST_F(Rfc9103In, Section9_3_3OurCertificateIsShown) {
  const CertificateFiles& files = certificate_.files();
  server({.wants_certificate = true});
  ASSERT_TRUE(transfer(trust({"first"}, {files.certificate, files.certificate, files.key})));
  EXPECT_TRUE(server_->has_client_certificate);
  server({.wants_certificate = true});
  EXPECT_FALSE(transfer(by_name()));
  EXPECT_EQ(server_->queries, 0);
}

// A stream over TLS that ends early is no zone, as over TCP.
TEST_F(Rfc9103In, AStreamThatEndsEarlyIsNoZone) {
  server_ =
      std::make_unique<TlsResponder>(certificate_.files(), TlsResponder::Choices{}, [](const Bytes& query) {
        std::vector<Bytes> out = answer(query);
        out.pop_back();
        out.back().clear();  // shorter than a header
        return out;
      });
  const auto cut = transfer(by_name());
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().reason, reason::malformed);
}

}  // namespace

}  // namespace understudy::test
