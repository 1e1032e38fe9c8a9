// RFC 3597, Handling of unknown DNS resource record types.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

class Rfc3597 : public ::testing::Test {
 protected:
  TestMirror server_{{zone("test.", R"(
    test. 60 SOA ns.test. h.test. 1 2 3 4 5
    test. 60 NS ns.test.
    a.test. 60 TYPE62347 \# 6 c00c0161c000
    a.test. 60 TYPE62347 \# 6 c00c0141c000
    empty.test. 60 TYPE731 \# 0
    big.test. 60 TYPE65280 \# 6 047465737400
    srv.test. 60 SRV 1 2 3 target.srv.test.
    *.w.test. 60 TYPE62347 \# 1 00
  )")}};
};

// 3: Recursive servers and resolvers ... RRs of unknown type ... as unstructured binary data, storing and
// transmitting it without change: octets that would be a compression pointer are data, and case is data
// (section 6).
TEST_F(Rfc3597, Section3UnknownDataIsKeptOctetByOctet) {
  const Message got = server_.ask("a.test.", "TYPE62347");
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.answer),
            shown("a.test. 60 TYPE62347 \\# 6 c00c0161c000\na.test. 60 TYPE62347 \\# 6 c00c0141c000"));
}

TEST_F(Rfc3597, Section3EmptyData) {
  const Message got = server_.ask("empty.test.", "TYPE731");
  ASSERT_EQ(got.answer.size(), 1u);
  EXPECT_TRUE(got.answer[0].rdata.empty());
}

// A QTYPE that nobody knows is no error: the name exists or it does not.
TEST_F(Rfc3597, Section3UnknownQuestionTypes) {
  EXPECT_EQ(server_.ask("a.test.", "TYPE1234").rcode, rcode::noerror);
  EXPECT_TRUE(server_.ask("a.test.", "TYPE1234").answer.empty());
  EXPECT_EQ(server_.ask("x.test.", "TYPE1234").rcode, rcode::nxdomain);
  EXPECT_EQ(shown(server_.ask("q.w.test.", "TYPE62347").answer), shown("q.w.test. 60 TYPE62347 \\# 1 00"));
}

// 4: Sending servers MUST NOT use compression ... the RDATA of ... RR types not listed in RFC 1035; of SRV
// RFC 2782 says the same. The decoder of these tests throws where such a name is compressed.
TEST_F(Rfc3597, Section4NoCompressionInNewerTypes) {
  EXPECT_EQ(shown(server_.ask("srv.test.", "SRV").answer), shown("srv.test. 60 SRV 1 2 3 target.srv.test."));
}

// 4: names in the data of unknown types are not names: octets that spell the zone's apex stay.
TEST_F(Rfc3597, Section4NothingIsRecognisedInUnknownData) {
  EXPECT_EQ(shown(server_.ask("big.test.", "TYPE65280").answer),
            shown("big.test. 60 TYPE65280 \\# 6 047465737400"));
}

}  // namespace

}  // namespace understudy::test
