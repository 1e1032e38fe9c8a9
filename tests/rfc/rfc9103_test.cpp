// RFC 9103: DNS Zone Transfer over TLS, the side that sends.
#include "support/tls_client.h"

namespace understudy::test {

namespace {

class Rfc9103 : public TlsTest {};

Query axfr() { return query("test", 252); }

// RFC 9103 7.2: zones go over TLS 1.3 or later only; 7.1: with "dot" negotiated.
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

}  // namespace

}  // namespace understudy::test
