// RFC 2308, Negative caching.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

std::string apex_with(int soa_ttl, int minimum) {
  return "test. " + std::to_string(soa_ttl) + " SOA ns. h. 1 2 3 4 " + std::to_string(minimum) +
         "\ntest. 60 NS ns.\na.test. 60 A 192.0.2.1\n*.wild.test. 60 A 192.0.2.2\ndead.test. 60 CNAME "
         "gone.test.\n";
}

// 3: "Name servers authoritative for a zone MUST include the SOA record of the zone in the authority section
// of the response when reporting an NXDOMAIN or indicating that no data of the requested type exists. ... The
// TTL of this record is set from the minimum of the MINIMUM field of the SOA record and the TTL of the SOA
// itself".
TEST(Rfc2308, Section3TheSoaComesWithTheLesserTtl) {
  for (const auto& [soa_ttl, minimum, lesser] :
       {std::tuple{3600, 300, 300}, {300, 3600, 300}, {0, 300, 0}, {300, 0, 0}}) {
    TestMirror server{{zone("test.", apex_with(soa_ttl, minimum))}};
    const std::string soa =
        "test. " + std::to_string(lesser) + " SOA ns. h. 1 2 3 4 " + std::to_string(minimum);
    const Message no_name = server.ask("x.test.", "A");
    EXPECT_EQ(no_name.rcode, rcode::nxdomain);
    EXPECT_TRUE(no_name.aa());
    EXPECT_EQ(shown(no_name.authority), shown(soa));
    const Message no_data = server.ask("a.test.", "TXT");
    EXPECT_EQ(no_data.rcode, rcode::noerror);
    EXPECT_TRUE(no_data.aa());
    EXPECT_TRUE(no_data.answer.empty());
    EXPECT_EQ(shown(no_data.authority), shown(soa));
    // The SOA as an answer keeps its own TTL.
    EXPECT_EQ(server.ask("test.", "SOA").answer.at(0).ttl, static_cast<std::uint32_t>(soa_ttl));
  }
}

TEST(Rfc2308, Section2_2NoDataThroughAWildcard) {
  TestMirror server{{zone("test.", apex_with(300, 60))}};
  const Message got = server.ask("any.wild.test.", "TXT");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.answer.empty());
  EXPECT_EQ(shown(got.authority), shown("test. 60 SOA ns. h. 1 2 3 4 60"));
}

// 2.1, NXDOMAIN RESPONSE: TYPE 1 to 4 carry the CNAME in the answer and NXDOMAIN in the header; ours has the
// SOA alone in authority (type 2).
TEST(Rfc2308, Section2_1NameErrorAtTheEndOfAnAlias) {
  TestMirror server{{zone("test.", apex_with(300, 60))}};
  const Message got = server.ask("dead.test.", "A");
  EXPECT_EQ(got.rcode, rcode::nxdomain);
  EXPECT_EQ(shown(got.answer), shown("dead.test. 60 CNAME gone.test."));
  EXPECT_EQ(shown(got.authority), shown("test. 60 SOA ns. h. 1 2 3 4 60"));
}

// 2.2: NODATA is told from a referral by the SOA in it, or by the absence of NS.
TEST(Rfc2308, Section2_2NoNsBesideTheSoa) {
  TestMirror server{{zone("test.", apex_with(300, 60))}};
  for (const Rr& record : server.ask("a.test.", "TXT").authority) EXPECT_EQ(record.type, type::SOA);
}

}  // namespace

}  // namespace understudy::test
