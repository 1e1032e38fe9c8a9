// RFC 8482, Providing minimal-sized responses to DNS queries that have QTYPE=ANY.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

class Rfc8482 : public ::testing::Test {
 protected:
  TestMirror server_{{zone("test.", R"(
    test. 60 SOA ns. h. 1 2 3 4 5
    test. 60 NS ns.
    a.test. 60 A 192.0.2.1
    a.test. 60 A 192.0.2.2
    a.test. 60 TXT hello
    a.test. 60 MX 10 mx.test.
    alias.test. 60 CNAME a.test.
    *.w.test. 60 TXT wild
    *.w.test. 60 A 192.0.2.3
    sub.test. 60 NS ns.sub.test.
    ns.sub.test. 60 A 192.0.2.4
    b.ent.test. 60 A 192.0.2.5
  )")}};
};

// 4.1: A DNS responder ... MAY select one or a subset of the available RRsets at the QNAME: one, and whole.
TEST_F(Rfc8482, Section4_1OneRrset) {
  const Message got = server_.ask("a.test.", "ANY");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.aa());
  ASSERT_FALSE(got.answer.empty());
  const std::uint16_t chosen = got.answer.at(0).type;
  for (const Rr& record : got.answer) {
    EXPECT_EQ(record.type, chosen);
    EXPECT_EQ(record.owner, name("a.test."));
  }
  EXPECT_EQ(got.answer.size(), chosen == type::A ? 2u : 1u);
}

TEST_F(Rfc8482, Section4_1AtAWildcard) {
  const Message got = server_.ask("x.w.test.", "ANY");
  ASSERT_EQ(got.answer.size(), 1u);
  EXPECT_EQ(got.answer[0].owner, name("x.w.test."));
}

// 4.3: the CNAME RR ... if the QNAME is an alias: the alias is the answer and is not followed (RFC
// 1034 4.3.2 3a: QTYPE matches CNAME).
TEST_F(Rfc8482, Section4_3AliasesAreNotFollowed) {
  EXPECT_EQ(shown(server_.ask("alias.test.", "ANY").answer), shown("alias.test. 60 CNAME a.test."));
}

// 4: nothing changes for names that are not there, that have no data or that lie below a cut.
TEST_F(Rfc8482, Section4NamesWithoutData) {
  EXPECT_EQ(server_.ask("x.test.", "ANY").rcode, rcode::nxdomain);
  const Message empty = server_.ask("ent.test.", "ANY");
  EXPECT_EQ(empty.rcode, rcode::noerror);
  EXPECT_TRUE(empty.answer.empty());
  EXPECT_EQ(empty.authority.size(), 1u);
  const Message below = server_.ask("sub.test.", "ANY");
  EXPECT_FALSE(below.aa());
  EXPECT_EQ(shown(below.authority), shown("sub.test. 60 NS ns.sub.test."));
}

}  // namespace

}  // namespace understudy::test
