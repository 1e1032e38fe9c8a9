// RFC 6604, xNAME RCODE and status bits clarification.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

class Rfc6604 : public ::testing::Test {
 protected:
  TestMirror server_{{zone("test.", R"(
    test. 60 SOA ns. h. 1 2 3 4 30
    test. 60 NS ns.
    to-nothing.test. 60 CNAME gone.test.
    two-links.test. 60 CNAME to-nothing.test.
    to-no-data.test. 60 CNAME text.test.
    text.test. 60 TXT hello
    outward.test. 60 CNAME www.example.com.
    downward.test. 60 CNAME host.cut.test.
    cut.test. 60 NS ns.cut.test.
    ns.cut.test. 60 A 192.0.2.1
    tree.test. 60 DNAME other.test.
  )")}};
  const char* soa_ = "test. 30 SOA ns. h. 1 2 3 4 30";
};

// 3: "When an xNAME chain is followed, all but the last query cycle necessarily had no error. The RCODE in
// the ultimate DNS response MUST BE set based on the final query cycle leading to that response."
TEST_F(Rfc6604, Section3TheLastCycleGivesTheRcode) {
  for (const char* asked : {"to-nothing.test.", "two-links.test.", "x.tree.test."}) {
    const Message got = server_.ask(asked, "A");
    EXPECT_EQ(got.rcode, rcode::nxdomain) << asked;
    EXPECT_FALSE(got.answer.empty()) << asked;
    EXPECT_EQ(shown(got.authority), shown(soa_)) << asked;
  }
  const Message no_data = server_.ask("to-no-data.test.", "A");
  EXPECT_EQ(no_data.rcode, rcode::noerror);
  EXPECT_EQ(shown(no_data.answer), shown("to-no-data.test. 60 CNAME text.test."));
  EXPECT_EQ(shown(no_data.authority), shown(soa_));
}

// 3: where the chain leaves what the server has, the last cycle is the one that found the alias: no error.
TEST_F(Rfc6604, Section3AChainThatLeavesIsNoError) {
  const Message got = server_.ask("outward.test.", "A");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_EQ(shown(got.answer), shown("outward.test. 60 CNAME www.example.com."));
  EXPECT_TRUE(got.authority.empty());
}

// 2.1: "[RFC1035] states that the AA bit is to be set based on ... the first owner name in the answer
// section."
TEST_F(Rfc6604, Section2_1AaIsTheFirstOwners) {
  for (const char* asked : {"to-nothing.test.", "to-no-data.test.", "outward.test.", "downward.test."}) {
    EXPECT_TRUE(server_.ask(asked, "A").aa()) << asked;
  }
  EXPECT_EQ(shown(server_.ask("downward.test.", "A").authority), shown("cut.test. 60 NS ns.cut.test."));
}

}  // namespace

}  // namespace understudy::test
