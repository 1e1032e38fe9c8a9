// RFC 4592, The role of wildcards. The zone is that of its section 2.2.1, and so are the questions.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

constexpr const char* example_zone = R"(
  example.                 3600 SOA ns.example.com. host.example. 1 2 3 4 60
  example.                 3600 NS  ns.example.com.
  example.                 3600 NS  ns.example.net.
  *.example.               3600 TXT "this is a wildcard"
  *.example.               3600 MX  10 host1.example.
  sub.*.example.           3600 TXT "this is not a wildcard"
  host1.example.           3600 A   192.0.2.1
  _ssh._tcp.host1.example. 3600 SRV 0 0 22 host1.example.
  _ssh._tcp.host2.example. 3600 SRV 0 0 22 host2.example.
  subdel.example.          3600 NS  ns.example.com.
  subdel.example.          3600 NS  ns.example.net.
)";

class Rfc4592 : public ::testing::Test {
 protected:
  TestMirror server_{{zone("example.", example_zone)}};

  void expect_no_data(const char* asked, const char* type) {
    const Message got = server_.ask(asked, type);
    EXPECT_EQ(got.rcode, rcode::noerror) << asked;
    EXPECT_TRUE(got.aa()) << asked;
    EXPECT_TRUE(got.answer.empty()) << asked;
    EXPECT_EQ(shown(got.authority), shown("example. 60 SOA ns.example.com. host.example. 1 2 3 4 60"))
        << asked;
  }
};

// QNAME=host3.example. QTYPE=MX, QCLASS=IN: the answer will be a host3.example. IN MX ...
TEST_F(Rfc4592, Section2_2_1SynthesisesMx) {
  EXPECT_EQ(shown(server_.ask("host3.example.", "MX").answer),
            shown("host3.example. 3600 MX 10 host1.example."));
}

// QNAME=host3.example. QTYPE=A: the answer will reflect no error, but no data because there is no A RR set
// at
// '*.example.'
TEST_F(Rfc4592, Section2_2_1NoDataAtTheWildcard) { expect_no_data("host3.example.", "A"); }

// QNAME=foo.bar.example. QTYPE=TXT: the answer will be foo.bar.example. IN TXT ... because bar.example.
// does not exist, but the wildcard does.
TEST_F(Rfc4592, Section2_2_1StandsForSeveralLabels) {
  EXPECT_EQ(shown(server_.ask("foo.bar.example.", "TXT").answer),
            shown("foo.bar.example. 3600 TXT \"this is a wildcard\""));
}

// QNAME=host1.example., QTYPE=MX: because host1.example. exists
TEST_F(Rfc4592, Section2_2_1NotForAnExistingName) { expect_no_data("host1.example.", "MX"); }

// QNAME=sub.*.example., QTYPE=MX: because sub.*.example. exists
TEST_F(Rfc4592, Section2_2_1NotForAnExistingNameBelowAnAsterisk) { expect_no_data("sub.*.example.", "MX"); }

// QNAME=_telnet._tcp.host1.example., QTYPE=SRV: because _tcp.host1.example. exists (without data)
TEST_F(Rfc4592, Section2_2_1NotBelowAnEmptyNonTerminal) {
  const Message got = server_.ask("_telnet._tcp.host1.example.", "SRV");
  EXPECT_EQ(got.rcode, rcode::nxdomain);
  EXPECT_TRUE(got.answer.empty());
}

// QNAME=host.subdel.example., QTYPE=A: because subdel.example. exists (and is a zone cut)
TEST_F(Rfc4592, Section2_2_1NotBelowACut) {
  const Message got = server_.ask("host.subdel.example.", "A");
  EXPECT_FALSE(got.aa());
  EXPECT_EQ(shown(got.authority),
            shown("subdel.example. 3600 NS ns.example.com.\nsubdel.example. 3600 NS ns.example.net."));
}

// QNAME=ghost.*.example., QTYPE=MX: because *.example. exists: the closest encloser is the asterisk's own
// name.
TEST_F(Rfc4592, Section2_2_1NotBelowTheAsterisk) {
  EXPECT_EQ(server_.ask("ghost.*.example.", "MX").rcode, rcode::nxdomain);
}

// 2.2.2: host2.example. exists since a name below it does.
TEST_F(Rfc4592, Section2_2_2EmptyNonTerminalsExist) {
  expect_no_data("_tcp.host1.example.", "A");
  expect_no_data("host2.example.", "MX");
}

// 2.1.1 and 4: asked by its own name, a wildcard is a name like any other.
TEST_F(Rfc4592, Section2_1_1TheAsteriskItself) {
  EXPECT_EQ(shown(server_.ask("*.example.", "TXT").answer),
            shown("*.example. 3600 TXT \"this is a wildcard\""));
}

// 2.1.3: an asterisk inside a label, or with company, is no wildcard.
TEST(Rfc4592Other, Section2_1_3OtherAsterisks) {
  TestMirror server{{zone("test.",
                          "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.\n**.test. 60 A 192.0.2.1\n"
                          "*a.test. 60 A 192.0.2.2\nx.*.y.test. 60 A 192.0.2.3")}};
  EXPECT_EQ(server.ask("q.test.", "A").rcode, rcode::nxdomain);
  // *.y.test. is an empty non-terminal and a wildcard: names it stands for exist without data (2.2.2
  // with 3.3.1).
  const Message got = server.ask("q.y.test.", "A");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.answer.empty());
}

// 3.4: a CNAME RRset at a wildcard: the synthesised alias is followed.
TEST(Rfc4592Other, Section4_3AliasAtAWildcard) {
  TestMirror server{{zone("test.",
                          "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.\n*.test. 60 CNAME t.test.\n"
                          "t.test. 60 A 192.0.2.1")}};
  EXPECT_EQ(shown(server.ask("q.test.", "A").answer),
            shown("q.test. 60 CNAME t.test.\nt.test. 60 A 192.0.2.1"));
}

// 3.3.1: The source of synthesis ... the wildcard domain name immediately descending from the closest
// encloser; a wildcard further up is never taken.
TEST(Rfc4592Other, Section3_3_1OnlyTheClosestEncloser) {
  TestMirror server{{zone("test.",
                          "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.\n*.test. 60 A 192.0.2.1\n"
                          "b.a.test. 60 A 192.0.2.2")}};
  EXPECT_EQ(server.ask("x.a.test.", "A").rcode, rcode::nxdomain);
  EXPECT_EQ(server.ask("x.b.a.test.", "A").rcode, rcode::nxdomain);
  EXPECT_EQ(server.ask("x.c.test.", "A").answer.size(), 1u);
}

}  // namespace

}  // namespace understudy::test
