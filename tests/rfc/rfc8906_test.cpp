// RFC 8906 (BCP 231), A common operational problem in DNS servers: failure to communicate. The queries of its
// section 8 against a zone that is served: each must be answered, and as it says there.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

class Rfc8906 : public ::testing::Test {
 protected:
  TestMirror server_{{zone(
      "test.", "test. 60 SOA ns.test. h.test. 1 2 3 4 5\ntest. 60 NS ns.test.\nns.test. 60 A 192.0.2.1")}};
  const char* soa_ = "test. 60 SOA ns.test. h.test. 1 2 3 4 5";

  void expect_soa(const Query& query, metrics::Proto proto = metrics::Proto::udp) {
    const Message got = server_.ask(query, proto);
    EXPECT_EQ(got.rcode, rcode::noerror);
    EXPECT_TRUE(got.aa());
    EXPECT_FALSE(got.tc());
    EXPECT_FALSE(got.ra());
    EXPECT_EQ(got.flags & 0x0040, 0);  // the last reserved flag
    EXPECT_EQ(shown(got.answer), shown(soa_));
    EXPECT_EQ(got.opt_count, query.edns ? 1u : 0u);
  }
  Query soa() const { return {.name = name("test."), .type = type::SOA}; }
};

// 8.1.1: Is the Server Configured for the Zone?
TEST_F(Rfc8906, Section8_1_1ServesTheZone) { expect_soa(soa()); }

// 8.1.2: Testing Unknown Types: NOERROR, or NXDOMAIN where the name does not exist; AA is set.
TEST_F(Rfc8906, Section8_1_2UnknownTypes) {
  const Message got = server_.ask("test.", "TYPE1000");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.aa());
  EXPECT_TRUE(got.answer.empty());
  EXPECT_EQ(shown(got.authority), shown("test. 5 SOA ns.test. h.test. 1 2 3 4 5"));
}

// 8.1.3.1 to 8.1.3.4: CD=1, AD=1, the last reserved bit, RD=1: the SOA record in the answer, AA set, the
// reserved bit clear in the response.
TEST_F(Rfc8906, Section8_1_3HeaderBits) {
  for (const std::uint16_t flags :
       std::initializer_list<std::uint16_t>{0x0010, 0x0020, 0x0040, 0x0100, 0x0080, 0x0170}) {
    Query query = soa();
    query.flags = flags;
    SCOPED_TRACE(flags);
    expect_soa(query);
    EXPECT_EQ(server_.ask(query).rd(), (flags & 0x0100) != 0);
    EXPECT_EQ(server_.ask(query).flags & 0x0020, 0);  // AD speaks of validation, which is not done here
  }
}

// 8.1.4: Testing Unknown Opcodes ... the header only, or more; RCODE=NOTIMP.
TEST_F(Rfc8906, Section8_1_4UnknownOpcodes) {
  for (const unsigned opcode : {1u, 2u, 3u, 6u, 15u}) {
    for (const bool header_only : {false, true}) {
      Bytes query = header_only ? header(9, 0, 0, 0, 0, 0) : encode(soa());
      query[2] = static_cast<std::uint8_t>(opcode << 3);
      const auto response = server_.exchange(query);
      ASSERT_TRUE(response.has_value()) << opcode;
      const Message got = decode(*response);
      EXPECT_EQ(got.rcode, rcode::notimp) << opcode;
      EXPECT_EQ(got.opcode(), opcode);
      EXPECT_FALSE(got.aa());
    }
  }
}

// 8.1.5: Testing TCP.
TEST_F(Rfc8906, Section8_1_5Tcp) { expect_soa(soa(), metrics::Proto::tcp); }

// 8.2.1: Testing Minimal EDNS.
TEST_F(Rfc8906, Section8_2_1MinimalEdns) {
  Query query = soa();
  query.edns = true;
  expect_soa(query);
  expect_soa(query, metrics::Proto::tcp);
  EXPECT_EQ(server_.ask(query).opt->version, 0);
}

// 8.2.2: Testing EDNS Version Negotiation: BADVERS, OPT with version 0, no SOA.
TEST_F(Rfc8906, Section8_2_2VersionNegotiation) {
  Query query = soa();
  query.edns = true;
  query.version = 1;
  const Message got = server_.ask(query);
  EXPECT_EQ(got.rcode, rcode::badvers);
  EXPECT_EQ(got.opt.value().version, 0);
  EXPECT_TRUE(got.answer.empty());
  EXPECT_FALSE(got.aa());
}

// 8.2.3: Testing Unknown EDNS Options: answered, and the option is not returned.
TEST_F(Rfc8906, Section8_2_3UnknownOptions) {
  Query query = soa();
  query.edns = true;
  query.options = {0, 100, 0, 0};
  expect_soa(query);
  EXPECT_TRUE(server_.ask(query).opt.value().options.empty());
}

// 8.2.4: Testing Unknown EDNS Flags: answered, and Z is clear in the response.
TEST_F(Rfc8906, Section8_2_4UnknownFlags) {
  Query query = soa();
  query.edns = true;
  Bytes sent = encode(query);
  sent[sent.size() - 3] = 0x40;  // the lower half of the flags, before RDLENGTH
  const Message got = decode(server_.exchange(sent).value());
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_EQ(got.opt.value().zero_bits, 0);
  EXPECT_EQ(shown(got.answer), shown(soa_));
}

// 8.2.5 and 8.2.6: version negotiation together with unknown flags and options.
TEST_F(Rfc8906, Section8_2_5VersionNegotiationWithTheUnknown) {
  Query query = soa();
  query.edns = true;
  query.version = 1;
  query.options = {0, 100, 0, 0};
  Bytes sent = encode(query);
  sent[sent.size() - 7] = 0x40;
  const Message got = decode(server_.exchange(sent).value());
  EXPECT_EQ(got.rcode, rcode::badvers);
  EXPECT_EQ(got.opt.value().version, 0);
  EXPECT_EQ(got.opt.value().zero_bits, 0);
  EXPECT_TRUE(got.opt.value().options.empty());
}

// 8.2.7: Testing Truncated Responses: a small size is honoured, and the OPT is there.
TEST_F(Rfc8906, Section8_2_7Dnssec) {
  Query query = soa();
  query.edns = true;
  query.dnssec_ok = true;
  query.udp_size = 512;
  const Message got = server_.ask(query);
  EXPECT_LE(got.size, 512u);
  EXPECT_TRUE(got.opt.value().dnssec_ok);
}

// 3.1.1 and 3.2.1: what is not served, or not understood, is answered and not dropped.
TEST_F(Rfc8906, Section3RefusesRatherThanBeSilent) {
  EXPECT_EQ(server_.ask("elsewhere.", "SOA").rcode, rcode::refused);
  EXPECT_EQ(server_.ask(Query{.name = name("elsewhere."), .type = 1000, .edns = true}).rcode, rcode::refused);
}

}  // namespace

}  // namespace understudy::test
