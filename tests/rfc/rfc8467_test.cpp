// RFC 8467: Padding Policies for EDNS(0), with RFC 7830, the option itself.
#include "support/tls_client.h"

namespace understudy::test {

namespace {

class Rfc8467 : public TlsTest {};

// RFC 8467 4.1: responses are padded to a multiple of 468 octets; RFC 7830 3: where the query was padded.
TEST_F(Rfc8467, Section4_1BlockLength) {
  Query padded = query("ns.test", type::A);
  padded.options = {0, 12, 0, 3, 0, 0, 0};
  TlsClient client(server_.tls_address());
  const Message response = client.ask(padded);
  EXPECT_EQ(response.size, 468u);
  EXPECT_EQ(response.answer.size(), 1u);
  const Bytes options = response.opt.value().options;
  EXPECT_EQ(dns::load16(options.data()), 12);
  EXPECT_EQ(dns::load16(options.data() + 2), options.size() - 4);
  EXPECT_TRUE(std::all_of(options.begin() + 4, options.end(), [](std::uint8_t octet) { return octet == 0; }));
  // Without the option in the query there is none in the response.
  EXPECT_TRUE(client.ask(ns_).opt.value().options.empty());
  // RFC 7830 6: padding MUST NOT be used in the clear.
  TcpClient clear(server_.address());
  EXPECT_TRUE(clear.ask(padded).opt.value().options.empty());
}

// RFC 7828 and RFC 8467 together: both are there, and the size is still a multiple.
TEST_F(Rfc8467, Section4_1TogetherWithKeepalive) {
  Query asked = query("ns.test", type::A);
  asked.options = {0, 11, 0, 0, 0, 12, 0, 0};
  TlsClient client(server_.tls_address());
  const Message response = client.ask(asked);
  EXPECT_EQ(response.size, 468u);
  EXPECT_EQ(dns::load16(response.opt.value().options.data()), 11);
}

}  // namespace

}  // namespace understudy::test
