// RFC 9460, Service binding and parameter specification via the DNS (SVCB and HTTPS resource records): what
// an authoritative server does.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

class Rfc9460 : public ::testing::Test {
 protected:
  TestMirror server_{{zone("example.", R"(
    example.        60 SOA ns.example. h. 1 2 3 4 5
    example.        60 NS ns.example.
    ns.example.     60 A 192.0.2.53
    example.        60 HTTPS 0 pool.example.
    pool.example.   60 HTTPS 1 .
    pool.example.   60 A 192.0.2.1
    pool.example.   60 AAAA 2001:db8::1
    svc.example.    60 SVCB 1 . 00030002 1f90
    svc.example.    60 SVCB 2 backup.example.
    svc.example.    60 SVCB 3 out.elsewhere.
    svc.example.    60 A 192.0.2.2
    backup.example. 60 A 192.0.2.3
    none.example.   60 HTTPS 0 .
    none.example.   60 A 192.0.2.4
    alone.example.  60 HTTPS 1 missing.example.
    *.wild.example. 60 HTTPS 1 .
    *.wild.example. 60 A 192.0.2.5
    twice.example.  60 HTTPS 1 pool.example. 00030002 01bb
    twice.example.  60 HTTPS 2 pool.example.
    mail.example.   60 MX 10 pool.example.
    mail.example.   60 MX 20 out.elsewhere.
    _x._tcp.example. 60 SRV 1 2 3 backup.example.
    off._tcp.example. 60 SRV 0 0 0 .
  )")}};
};

// 4.1: "When replying to an SVCB query, authoritative DNS servers SHOULD return A, AAAA, and SVCB RRs in the
// Additional section for any TargetNames that are in the zone."
TEST_F(Rfc9460, Section4_1AliasMode) {
  const Message got = server_.ask("example.", "HTTPS");
  EXPECT_EQ(shown(got.answer), shown("example. 60 HTTPS 0 pool.example."));
  EXPECT_EQ(shown(got.additional), shown(R"(
    pool.example. 60 HTTPS 1 .
    pool.example. 60 A 192.0.2.1
    pool.example. 60 AAAA 2001:db8::1)"));
}

// 2.5.2: in ServiceMode "." is the owner name of the record.
TEST_F(Rfc9460, Section4_1ServiceMode) {
  const Message got = server_.ask("svc.example.", "SVCB");
  EXPECT_EQ(got.answer.size(), 3u);
  EXPECT_EQ(shown(got.additional), shown("svc.example. 60 A 192.0.2.2\nbackup.example. 60 A 192.0.2.3"));
}

// 2.5.1: in AliasMode "." says that the service is not there.
TEST_F(Rfc9460, Section2_5_1NoService) {
  EXPECT_TRUE(server_.ask("none.example.", "HTTPS").additional.empty());
}

TEST_F(Rfc9460, Section4_1OnlyWhatTheZoneHas) {
  EXPECT_TRUE(server_.ask("alone.example.", "HTTPS").additional.empty());
  // RFC 2181 5: an RRset is told once.
  EXPECT_EQ(server_.ask("twice.example.", "HTTPS").additional.size(), 2u);
  // Of a wildcard's answer the owner is the name that it stands for; addresses at it are the wildcard's.
  EXPECT_EQ(server_.ask("a.wild.example.", "HTTPS").answer.size(), 1u);
}

// They are a service of the server's (RFC 2181 9): where they do not fit they are left out, and TC is not
// set.
TEST_F(Rfc9460, Section4_1NeverTruncates) {
  std::string lines = "example. 60 SOA ns. h. 1 2 3 4 5\nexample. 60 NS ns.\nexample. 60 HTTPS 1 .\n";
  for (int i = 0; i < 60; ++i) lines += "example. 60 A 192.0.2." + std::to_string(i) + "\n";
  TestMirror server{{zone("example.", lines)}};
  const Message got = server.ask("example.", "HTTPS");
  EXPECT_FALSE(got.tc());
  EXPECT_EQ(got.answer.size(), 1u);
  EXPECT_TRUE(got.additional.empty());
}

// RFC 1035 3.3.9 and 3.3.11, RFC 2782: addresses of MX, NS and SRV targets, unless answers are minimal.
TEST_F(Rfc9460, AddressesOfOtherTargets) {
  for (const auto& [asked, qtype] :
       {std::pair{"mail.example.", "MX"}, {"_x._tcp.example.", "SRV"}, {"example.", "NS"}})
    EXPECT_TRUE(server_.ask(asked, qtype).additional.empty()) << asked;
  server::PipelineOptions options;
  options.minimal_answers = false;
  TestMirror server({zone("example.", R"(
    example.        60 SOA ns.example. h. 1 2 3 4 5
    example.        60 NS ns.example.
    example.        60 NS ns.other.
    ns.example.     60 A 192.0.2.53
    pool.example.   60 A 192.0.2.1
    pool.example.   60 AAAA 2001:db8::1
    mail.example.   60 MX 10 pool.example.
    mail.example.   60 MX 20 out.elsewhere.
    alias.example.  60 CNAME mail.example.
    _x._tcp.example. 60 SRV 1 2 3 pool.example.
    off._tcp.example. 60 SRV 0 0 0 .
  )")},
                    options);
  const char* pool = "pool.example. 60 A 192.0.2.1\npool.example. 60 AAAA 2001:db8::1";
  EXPECT_EQ(shown(server.ask("mail.example.", "MX").additional), shown(pool));
  EXPECT_EQ(shown(server.ask("alias.example.", "MX").additional), shown(pool));
  EXPECT_EQ(shown(server.ask("_x._tcp.example.", "SRV").additional), shown(pool));
  EXPECT_EQ(shown(server.ask("example.", "NS").additional), shown("ns.example. 60 A 192.0.2.53"));
  EXPECT_TRUE(server.ask("off._tcp.example.", "SRV").additional.empty());
}

}  // namespace

}  // namespace understudy::test
