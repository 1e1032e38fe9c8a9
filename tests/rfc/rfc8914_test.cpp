// RFC 8914, Extended DNS errors.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

constexpr std::uint16_t error_code = 15;  // 5.1

ZoneText served(std::string_view apex, backend::Service service) {
  const std::string at(apex);
  ZoneText text = zone(apex, at + " 60 SOA ns. h. 1 2 3 4 5\n" + at + " 60 NS ns.");
  text.service = service;
  return text;
}

class Rfc8914 : public ::testing::Test {
 protected:
  TestMirror server_{
      {served("serving.", backend::Service::serving), served("empty.", backend::Service::no_data),
       served("expired.", backend::Service::expired), served("stale.", backend::Service::stale)}};

  // The INFO-CODE; nothing where there is no option. 2: it has at least two octets.
  static std::optional<unsigned> info_code(const Message& message) {
    const auto data = option_of(message, error_code);
    if (!data) return std::nullopt;
    return static_cast<unsigned>(data->at(0) << 8 | data->at(1));
  }
  Message ask(std::string_view asked, std::uint16_t qtype = type::SOA, std::uint16_t qclass = 1) {
    return server_.ask(Query{.name = name(asked), .type = qtype, .qclass = qclass, .edns = true});
  }
  void expect(const Message& got, unsigned rcode, std::optional<unsigned> code) {
    EXPECT_EQ(got.rcode, rcode);
    EXPECT_EQ(info_code(got), code);
  }
};

// 4.15: Not Ready: "The server is unable to answer the query, as it was not fully functional when the query
// was received": the zone was not transferred yet.
TEST_F(Rfc8914, Section4_15NotReady) { expect(ask("empty."), rcode::servfail, 14); }

// 4.19: Prohibited: "An authoritative server ... receives a query from an unauthorized client".
TEST_F(Rfc8914, Section4_19Prohibited) { expect(ask("serving.", type::AXFR), rcode::refused, 18); }

// 4.21: Not Authoritative: "An authoritative server that receives a query with the RD bit clear, or when it
// is not configured for recursion for a domain for which it is not authoritative, SHOULD include this EDE
// code in the REFUSED response."
TEST_F(Rfc8914, Section4_21NotAuthoritative) { expect(ask("elsewhere."), rcode::refused, 20); }

// 4.22: Not Supported: "The requested operation or query is not supported."
TEST_F(Rfc8914, Section4_22NotSupported) { expect(ask("serving.", type::SOA, 3), rcode::refused, 21); }

// 4.25: Invalid Data: "An authoritative server cannot answer with data for a zone it is otherwise configured
// to support. Examples of this include its most recent zone being too old or having expired."
TEST_F(Rfc8914, Section4_25InvalidData) { expect(ask("expired."), rcode::servfail, 24); }

// 4.4: Stale Answer, beside the answer that is stale.
TEST_F(Rfc8914, Section4_4StaleAnswer) {
  const Message got = ask("stale.");
  expect(got, rcode::noerror, 3);
  EXPECT_EQ(got.answer.size(), 1u);
}

TEST_F(Rfc8914, NothingBesideAGoodAnswer) { expect(ask("serving."), rcode::noerror, std::nullopt); }

// 2: the option stands in an OPT, and that only where the query had one (RFC 6891 6.1.1).
TEST_F(Rfc8914, Section2NoOptionWithoutEdns) {
  const Message got = server_.ask("empty.", "SOA");
  EXPECT_EQ(got.rcode, rcode::servfail);
  EXPECT_FALSE(got.opt.has_value());
}

// 3: "sending the EDE ... should not cause truncation" of what is asked for: it is reserved before the
// answer.
TEST_F(Rfc8914, Section3WithinTheSize) {
  Query query{.name = name("stale."), .type = type::SOA, .edns = true, .udp_size = 512};
  EXPECT_LE(server_.ask(query).size, 512u);
  EXPECT_EQ(info_code(server_.ask(query)), 3u);
}

}  // namespace

}  // namespace understudy::test
