// RFC 1034, Domain names: concepts and facilities. The zone and the questions are those of its section 6,
// told without the additional data that later practice (minimal responses) leaves out.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

class Rfc1034 : public ::testing::Test {
 protected:
  // Section 6.1: the root zone of C.ISI.EDU.
  TestMirror server_{{zone(".", R"(
    . 86400 SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870611 1800 300 604800 86400
    . 86400 NS A.ISI.EDU.
    . 86400 NS C.ISI.EDU.
    . 86400 NS SRI-NIC.ARPA.
    MIL. 86400 NS SRI-NIC.ARPA.
    MIL. 86400 NS A.ISI.EDU.
    EDU. 86400 NS SRI-NIC.ARPA.
    EDU. 86400 NS C.ISI.EDU.
    SRI-NIC.ARPA. 86400 A 26.0.0.73
    SRI-NIC.ARPA. 86400 A 10.0.0.51
    SRI-NIC.ARPA. 86400 MX 0 SRI-NIC.ARPA.
    SRI-NIC.ARPA. 86400 HINFO DEC-2060 TOPS20
    ACC.ARPA. 86400 A 26.6.0.65
    ACC.ARPA. 86400 HINFO PDP-11/70 UNIX
    ACC.ARPA. 86400 MX 10 ACC.ARPA.
    USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU.
    ALIAS.ARPA. 86400 CNAME ACC.ARPA.
    73.0.0.26.IN-ADDR.ARPA. 86400 PTR SRI-NIC.ARPA.
    A.ISI.EDU. 172800 A 26.3.0.103
    C.ISI.EDU. 172800 A 10.0.0.52
  )")}};
  const char* root_soa_ = ". 86400 SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870611 1800 300 604800 86400";
};

TEST_F(Rfc1034, Section6_2_1AnswersAnAddressQueryWithAllAddresses) {
  const Message got = server_.ask("SRI-NIC.ARPA.", "A");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.answer), shown("SRI-NIC.ARPA. 86400 A 26.0.0.73\nSRI-NIC.ARPA. 86400 A 10.0.0.51"));
}

TEST_F(Rfc1034, Section6_2_3AnswersMx) {
  const Message got = server_.ask("SRI-NIC.ARPA.", "MX");
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.answer), shown("SRI-NIC.ARPA. 86400 MX 0 SRI-NIC.ARPA."));
}

// "The only difference between the response and the query is the AA and RESPONSE bits in the header": the
// name exists, the type does not. (The SOA is RFC 2308's.)
TEST_F(Rfc1034, Section6_2_4TypeThatIsNotThere) {
  const Message got = server_.ask("SRI-NIC.ARPA.", "NS");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.aa());
  EXPECT_TRUE(got.answer.empty());
  EXPECT_EQ(shown(got.authority), shown(root_soa_));
}

// "The response states that the name does not exist. This condition is signalled in the response code (RCODE)
// section of the header. The SOA RR in the authority section..."
TEST_F(Rfc1034, Section6_2_5NameThatIsNotThere) {
  const Message got = server_.ask("SIR-NIC.ARPA.", "A");
  EXPECT_EQ(got.rcode, rcode::nxdomain);
  EXPECT_TRUE(got.aa());
  EXPECT_TRUE(got.answer.empty());
  EXPECT_EQ(shown(got.authority), shown(root_soa_));
}

// "This response has an empty answer section, but is not authoritative, so it is a referral."
TEST_F(Rfc1034, Section6_2_6RefersToTheServersOfTheZoneBelow) {
  const Message got = server_.ask("BRL.MIL.", "A");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_FALSE(got.aa());
  EXPECT_TRUE(got.answer.empty());
  EXPECT_EQ(shown(got.authority), shown("MIL. 86400 NS SRI-NIC.ARPA.\nMIL. 86400 NS A.ISI.EDU."));
}

// 4.3.2 step 3a: "copy the CNAME RR into the answer section of the response, change QNAME to the canonical
// name in the CNAME RR, and go back to step 1."
TEST_F(Rfc1034, Section4_3_2FollowsAnAlias) {
  const Message got = server_.ask("ALIAS.ARPA.", "A");
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.answer), shown("ALIAS.ARPA. 86400 CNAME ACC.ARPA.\nACC.ARPA. 86400 A 26.6.0.65"));
}

// Section 6.2.7's alias leads below a cut, and here the zone below is not held: step 3b after step 3a.
TEST_F(Rfc1034, Section4_3_2AliasThatLeadsBelowACutEndsInAReferral) {
  const Message got = server_.ask("USC-ISIC.ARPA.", "A");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.aa());  // RFC 1035 4.1.1: "the AA bit corresponds to the name which matches the query name"
  EXPECT_EQ(shown(got.answer), shown("USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU."));
  EXPECT_EQ(shown(got.authority), shown("EDU. 86400 NS SRI-NIC.ARPA.\nEDU. 86400 NS C.ISI.EDU."));
}

// A question for the alias itself is answered with the alias alone (6.2.8; 3.6.2).
TEST_F(Rfc1034, Section6_2_8AnswersWithTheAliasItself) {
  const Message got = server_.ask("USC-ISIC.ARPA.", "CNAME");
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.answer), shown("USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU."));
  EXPECT_TRUE(got.authority.empty());
}

// 4.2.1: "the RRs that describe cuts around the bottom of the zone ... are not part of the authoritative
// data".
TEST_F(Rfc1034, Section4_2_1AsksForNsOfACutAreReferred) {
  const Message got = server_.ask("EDU.", "NS");
  EXPECT_FALSE(got.aa());
  EXPECT_TRUE(got.answer.empty());
  EXPECT_EQ(shown(got.authority), shown("EDU. 86400 NS SRI-NIC.ARPA.\nEDU. 86400 NS C.ISI.EDU."));
}

// 4.2.1: glue is held below a cut, but is not an answer.
TEST_F(Rfc1034, Section4_2_1GlueIsNotAnswered) {
  const Message got = server_.ask("C.ISI.EDU.", "A");
  EXPECT_FALSE(got.aa());
  EXPECT_TRUE(got.answer.empty());
  EXPECT_EQ(shown(got.authority), shown("EDU. 86400 NS SRI-NIC.ARPA.\nEDU. 86400 NS C.ISI.EDU."));
}

// 3.1: a name between others exists without data of its own ("domain space nodes"; RFC 8020 2 says it
// outright).
TEST_F(Rfc1034, Section3_1NodesBetweenExist) {
  const Message got = server_.ask("0.26.IN-ADDR.ARPA.", "PTR");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.answer.empty());
}

// 4.3.2 step 2: "Search the available zones for the zone which is the nearest ancestor to QNAME."
TEST(Rfc1034Zones, Section4_3_2TheNearestAncestorAnswers) {
  TestMirror server{{zone("test.",
                          "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.\nsub.test. 60 NS ns.\n"
                          "deep.sub.test. 60 TXT parent"),
                     zone("sub.test.",
                          "sub.test. 60 SOA ns. h. 1 2 3 4 5\nsub.test. 60 NS ns.\n"
                          "deep.sub.test. 60 TXT child")}};
  const Message got = server.ask("deep.sub.test.", "TXT");
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.answer), shown("deep.sub.test. 60 TXT child"));
  EXPECT_TRUE(server.ask("sub.test.", "NS").aa());
}

// 4.3.2 has no zone to begin with where none is an ancestor; RFC 1035 4.1.1: REFUSED.
TEST(Rfc1034Zones, Section4_3_2NoZoneIsAnAncestor) {
  TestMirror server{{zone("test.", "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.")}};
  for (const char* outside : {"other.", ".", "testx.", "xtest.", "www.example.com."}) {
    const Message got = server.ask(outside, "A");
    EXPECT_EQ(got.rcode, rcode::refused) << outside;
    EXPECT_FALSE(got.aa()) << outside;
    EXPECT_TRUE(got.answer.empty() && got.authority.empty()) << outside;
  }
}

}  // namespace

}  // namespace understudy::test
