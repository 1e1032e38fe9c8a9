// RFC 6891, Extension mechanisms for DNS (EDNS(0)).
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

class Rfc6891 : public ::testing::Test {
 protected:
  static std::string lines() {
    std::string out = "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.\na.test. 60 A 192.0.2.1\n";
    for (int i = 0; i < 50; ++i) out += "fifty.test. 60 A 192.0.2." + std::to_string(i) + "\n";  // 827 octets
    for (int i = 0; i < 100; ++i)
      out += "hundred.test. 60 A 192.0.2." + std::to_string(i) + "\n";  // over 1,600
    return out;
  }
  // The octets of an OPT record.
  static Bytes opt(const Bytes& owner, std::uint32_t ttl_field, const Bytes& options = {}) {
    Bytes out = owner;
    append16(out, type::OPT);
    append16(out, 1232);
    append32(out, ttl_field);
    append16(out, static_cast<std::uint16_t>(options.size()));
    out.insert(out.end(), options.begin(), options.end());
    return out;
  }
  static Bytes with_additional(const std::vector<Bytes>& records) {
    Bytes out = encode({.name = name("a.test.")});
    out[11] = static_cast<std::uint8_t>(records.size());
    for (const Bytes& record : records) out.insert(out.end(), record.begin(), record.end());
    return out;
  }
  Message exchange(const Bytes& query) {
    const auto response = server_.exchange(query);
    if (!response) throw std::runtime_error("no response");
    return decode(*response);
  }
  TestMirror server_{{zone("test.", lines())}};
};

// 6.1.1: "If an OPT record is present in a received request, compliant responders MUST include an OPT record
// in their respective responses." 7: "Lack of presence of an OPT record in a request MUST be taken as an
// indication that the requestor does not implement any part of this specification and that the responder MUST
// NOT include an OPT record in its response."
TEST_F(Rfc6891, Section6_1_1OptComesWhereItCame) {
  for (const char* asked : {"a.test.", "x.test.", "outside."}) {
    EXPECT_EQ(server_.ask(Query{.name = name(asked), .edns = true}).opt_count, 1u) << asked;
    EXPECT_EQ(server_.ask(Query{.name = name(asked)}).opt_count, 0u) << asked;
  }
  const Message got = server_.ask(Query{.name = name("a.test."), .edns = true});
  EXPECT_EQ(got.opt->version, 0);
  EXPECT_GE(got.opt->udp_size, 512);
}

// 6.1.3: "If a responder does not implement the VERSION level of the request, then it MUST respond with
// RCODE=BADVERS."
TEST_F(Rfc6891, Section6_1_3OtherVersions) {
  for (const std::uint8_t version : std::initializer_list<std::uint8_t>{1, 100, 255}) {
    const Message got = server_.ask(Query{.name = name("a.test."), .edns = true, .version = version});
    EXPECT_EQ(got.rcode, rcode::badvers);
    ASSERT_TRUE(got.opt.has_value());
    EXPECT_EQ(got.opt->version, 0);  // "the highest version level the responder implements"
    EXPECT_TRUE(got.answer.empty());
  }
}

// 6.1.1: "If a query message with more than one OPT RR is received, a FORMERR (RCODE=1) MUST be
// returned." 6.1.2: "NAME: MUST be 0 (root domain)".
TEST_F(Rfc6891, Section6_1_1MalformedOpt) {
  const Bytes root{0};
  EXPECT_EQ(exchange(with_additional({opt(root, 0)})).rcode, rcode::noerror);
  EXPECT_EQ(exchange(with_additional({opt(root, 0), opt(root, 0)})).rcode, rcode::formerr);
  EXPECT_EQ(exchange(with_additional({opt({1, 'x', 0}, 0)})).rcode, rcode::formerr);
  EXPECT_EQ(exchange(with_additional({opt(root, 0, {0, 3, 0, 9, 1})})).rcode,
            rcode::formerr);  // an option runs out
}

// 6.1.2: "Any OPTION-CODE values not understood by a responder or requestor MUST be ignored."
TEST_F(Rfc6891, Section6_1_2UnknownOptionsAreIgnored) {
  Bytes option;
  append16(option, 65001);
  append16(option, 3);
  option.insert(option.end(), {1, 2, 3});
  const Message got = server_.ask(Query{.name = name("a.test."), .edns = true, .options = option});
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_EQ(got.answer.size(), 1u);
  EXPECT_TRUE(got.opt->options.empty());  // 6.1.1: options are no echo
}

// 6.1.4: "Z: Set to zero by senders and ignored by receivers"; RFC 3225 3: "The DO bit of the query MUST be
// copied in the response."
TEST_F(Rfc6891, Section6_1_4FlagsOfTheOpt) {
  const Message with_z = exchange(with_additional({opt({0}, 0x00007fff)}));
  EXPECT_EQ(with_z.rcode, rcode::noerror);
  EXPECT_EQ(with_z.opt->zero_bits, 0);
  EXPECT_FALSE(with_z.opt->dnssec_ok);
  EXPECT_TRUE(server_.ask(Query{.name = name("a.test."), .edns = true, .dnssec_ok = true}).opt->dnssec_ok);
}

// 6.2.3: "Values lower than 512 MUST be treated as equal to 512." 6.2.5: the requestor's size bounds the
// response. RFC 9715 3: over UDP we never send more than 1,232 octets.
TEST_F(Rfc6891, Section6_2_3PayloadSizes) {
  const auto ask = [&](const char* asked, std::uint16_t size) {
    return server_.ask(Query{.name = name(asked), .edns = true, .udp_size = size});
  };
  EXPECT_FALSE(ask("a.test.", 0).tc());
  EXPECT_EQ(ask("a.test.", 100).answer.size(), 1u);
  EXPECT_TRUE(ask("fifty.test.", 512).tc());
  EXPECT_LE(ask("fifty.test.", 0).size, 512u);
  EXPECT_FALSE(ask("fifty.test.", 1232).tc());
  EXPECT_EQ(ask("fifty.test.", 1232).answer.size(), 50u);
  EXPECT_TRUE(ask("fifty.test.", 800).tc());
  EXPECT_TRUE(ask("hundred.test.", 4096).tc());
  EXPECT_LE(ask("hundred.test.", 65535).size, 1232u);
  // 7: a truncated response carries its OPT too.
  EXPECT_EQ(ask("hundred.test.", 1232).opt_count, 1u);
}

// 6.2.5: the size says what fits a datagram; over TCP it bounds nothing.
TEST_F(Rfc6891, Section6_2_5TheSizeIsNotForTcp) {
  const Message got =
      server_.ask(Query{.name = name("hundred.test."), .edns = true, .udp_size = 512}, metrics::Proto::tcp);
  EXPECT_FALSE(got.tc());
  EXPECT_EQ(got.answer.size(), 100u);
}

}  // namespace

}  // namespace understudy::test
