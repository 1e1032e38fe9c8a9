// RFC 6672, DNAME redirection in the DNS.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

// A zone whose DNAME is at `owner`, and the first target that a question for `asked` is led to ( where it
// is not).
std::string led_to(const char* apex, const char* owner, const char* target, const char* asked) {
  const std::string name_of_apex = apex;
  TestMirror server{{zone(apex, name_of_apex + " 60 SOA ns. h. 1 2 3 4 5\n" + name_of_apex + " 60 NS ns.\n" +
                                    owner + " 60 DNAME " + target)}};
  for (const Rr& record : server.ask_tcp(asked, "A").answer) {
    if (record.type == type::CNAME && same(record.owner, name(asked))) return text_of(names_in(record).at(0));
  }
  return "";
}

// 2.2, table 1.
TEST(Rfc6672, Section2_2TheTableOfSubstitutions) {
  EXPECT_EQ(led_to("com.", "example.com.", "example.net.", "com."), "");
  EXPECT_EQ(led_to("com.", "example.com.", "example.net.", "example.com."), "");
  EXPECT_EQ(led_to("com.", "example.com.", "example.net.", "a.example.com."), "a.example.net.");
  EXPECT_EQ(led_to("com.", "example.com.", "example.net.", "a.b.example.com."), "a.b.example.net.");
  EXPECT_EQ(led_to("com.", "b.example.com.", "example.net.", "ab.example.com."), "");
  EXPECT_EQ(led_to("com.", "example.com.", "example.net.", "foo.example.com."), "foo.example.net.");
  EXPECT_EQ(led_to("com.", "x.example.com.", "example.net.", "a.x.example.com."), "a.example.net.");
  EXPECT_EQ(led_to("com.", "example.com.", "y.example.net.", "a.example.com."), "a.y.example.net.");
  EXPECT_EQ(led_to("com.", "example.com.", "example.com.", "cyc.example.com."), "cyc.example.com.");
  EXPECT_EQ(led_to("com.", "example.com.", "c.example.com.", "cyc.example.com."), "cyc.c.example.com.");
  EXPECT_EQ(led_to("x.", "x.", ".", "shortloop.x.x."), "shortloop.x.");
  EXPECT_EQ(led_to("x.", "x.", ".", "shortloop.x."), "shortloop.");
}

class Rfc6672Zone : public ::testing::Test {
 protected:
  TestMirror server_{{zone("test.", R"(
    test. 60 SOA ns. h. 1 2 3 4 30
    test. 60 NS ns.
    old.test. 90 DNAME new.test.
    old.test. 60 TXT owner
    hidden.old.test. 60 A 192.0.2.66
    a.new.test. 45 A 192.0.2.1
    cut.new.test. 60 NS ns.cut.new.test.
    ns.cut.new.test. 60 A 192.0.2.2
    *.wild.test. 60 CNAME b.old.test.
    b.new.test. 60 TXT wild
  )")}};
};

// 3.1: the server ... synthesize a CNAME RR ... TTL ... equal to the TTL of the corresponding DNAME; 3.2
// 3C: the DNAME is copied, the CNAME synthesised, and the search goes on with the new name.
TEST_F(Rfc6672Zone, Section3_2SynthesisesAndGoesOn) {
  const Message got = server_.ask("a.old.test.", "A");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.answer), shown(R"(
    old.test. 90 DNAME new.test.
    a.old.test. 90 CNAME a.new.test.
    a.new.test. 45 A 192.0.2.1)"));
  EXPECT_EQ(got.answer.at(0).type, type::DNAME);  // 3.1: what it is made from comes before it
}

// 2.3: The owner name of a DNAME is not redirected itself; it may have other data.
TEST_F(Rfc6672Zone, Section2_3TheOwnerItselfIsNotRedirected) {
  EXPECT_EQ(shown(server_.ask("old.test.", "TXT").answer), shown("old.test. 60 TXT owner"));
  EXPECT_EQ(shown(server_.ask("old.test.", "DNAME").answer), shown("old.test. 90 DNAME new.test."));
  const Message no_data = server_.ask("old.test.", "A");
  EXPECT_EQ(no_data.rcode, rcode::noerror);
  EXPECT_TRUE(no_data.answer.empty());
}

// 2.4: Resource records MUST NOT exist at any subdomain of the owner of a DNAME RR; where they do, they are
// hidden.
TEST_F(Rfc6672Zone, Section2_4WhatIsBelowIsHidden) {
  const Message got = server_.ask("hidden.old.test.", "A");
  EXPECT_EQ(got.rcode, rcode::nxdomain);  // of hidden.new.test.
  EXPECT_EQ(shown(got.answer),
            shown("old.test. 90 DNAME new.test.\nhidden.old.test. 90 CNAME hidden.new.test."));
}

TEST_F(Rfc6672Zone, Section3_2LeadsIntoAReferral) {
  const Message got = server_.ask("x.cut.old.test.", "A");
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.authority), shown("cut.new.test. 60 NS ns.cut.new.test."));
  EXPECT_EQ(shown(got.additional), shown("ns.cut.new.test. 60 A 192.0.2.2"));
}

TEST_F(Rfc6672Zone, Section3_2AfterAWildcardsAlias) {
  EXPECT_EQ(shown(server_.ask("q.wild.test.", "TXT").answer), shown(R"(
    q.wild.test. 60 CNAME b.old.test.
    old.test. 90 DNAME new.test.
    b.old.test. 90 CNAME b.new.test.
    b.new.test. 60 TXT wild)"));
}

// 2.2: the domain name can get too long ... the server ... RCODE YXDOMAIN [6]; 3.2 3C has the DNAME in the
// answer.
TEST(Rfc6672, Section2_2OverflowIsYxdomain) {
  const Labels deep{std::string(63, 'd'), std::string(63, 'd'), std::string(63, 'd'), "test"};
  ZoneText text = zone("test.", "test. 60 SOA ns. h. 1 2 3 4 30\ntest. 60 NS ns.");
  Bytes target;
  append_name(target, deep);
  text.records.push_back({{"x", "test"}, type::DNAME, 60, target});
  TestMirror server{{text}};
  // 198 octets of target and 57 of prefix are 255 in all, one more is too many.
  const Message fits = server.ask(Query{.name = {std::string(56, 'p'), "x", "test"}}, metrics::Proto::tcp);
  EXPECT_EQ(fits.rcode, rcode::nxdomain);
  EXPECT_EQ(fits.answer.size(), 2u);
  const Message over = server.ask(Query{.name = {std::string(57, 'p'), "x", "test"}}, metrics::Proto::tcp);
  EXPECT_EQ(over.rcode, rcode::yxdomain);
  ASSERT_EQ(over.answer.size(), 1u);
  EXPECT_EQ(over.answer[0].type, type::DNAME);
}

// 2.2: DNAMEs ... may ... loop; RFC 1034 5.2.2 wants loops to end. Each link is told once (RFC 2181 5).
TEST(Rfc6672, Section2_2LoopsEnd) {
  TestMirror server{
      {zone("x.", "x. 60 SOA ns. h. 1 2 3 4 5\nx. 60 NS ns.\na.x. 60 DNAME b.x.\nb.x. 60 DNAME a.x.")}};
  const Message got = server.ask("q.a.x.", "A");
  EXPECT_EQ(shown(got.answer),
            shown("a.x. 60 DNAME b.x.\nq.a.x. 60 CNAME q.b.x.\nb.x. 60 DNAME a.x.\nq.b.x. 60 CNAME q.a.x."));
}

// 2.4 and 3.2: a DNAME at the apex leads all of the zone away but the apex itself.
TEST(Rfc6672, Section2_3ADnameAtTheApex) {
  TestMirror server{
      {zone("x.", "x. 60 SOA ns. h. 1 2 3 4 5\nx. 60 NS ns.\nx. 60 DNAME y.\nwww.x. 60 A 192.0.2.1")}};
  EXPECT_EQ(shown(server.ask("www.x.", "A").answer), shown("x. 60 DNAME y.\nwww.x. 60 CNAME www.y."));
  EXPECT_EQ(shown(server.ask("x.", "NS").answer), shown("x. 60 NS ns."));
}

}  // namespace

}  // namespace understudy::test
