// RFC 4035, Protocol modifications for the DNS security extensions: section 3.1, what an authoritative server
// does. The zone is that of appendix A, and the first questions are those of appendix B; answers are minimal,
// so the NS RRsets and addresses beside the appendix's answers are not asked for.
#include <gtest/gtest.h>

#include "support/signed_zone.h"

namespace understudy::test {

namespace {

constexpr const char* appendix_a = R"(
  example.         3600 SOA   ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600
  example.         3600 NS    ns1.example.
  example.         3600 NS    ns2.example.
  example.         3600 MX    1 xx.example.
  example.         3600 DNSKEY \# 8 0100030501020304
  a.example.       3600 NS    ns1.a.example.
  a.example.       3600 NS    ns2.a.example.
  a.example.       3600 DS    57855 5 1 b6dcd485719adca18e5f3d48a2331627fdd3636b
  ns1.a.example.   3600 A     192.0.2.5
  ns2.a.example.   3600 A     192.0.2.6
  ai.example.      3600 A     192.0.2.9
  ai.example.      3600 HINFO KLH-10 ITS
  ai.example.      3600 AAAA  2001:db8::f00:baa9
  b.example.       3600 NS    ns1.b.example.
  b.example.       3600 NS    ns2.b.example.
  ns1.b.example.   3600 A     192.0.2.7
  ns2.b.example.   3600 A     192.0.2.8
  ns1.example.     3600 A     192.0.2.1
  ns2.example.     3600 A     192.0.2.2
  *.w.example.     3600 MX    1 ai.example.
  x.w.example.     3600 MX    1 xx.example.
  x.y.w.example.   3600 MX    1 xx.example.
  xx.example.      3600 A     192.0.2.10
  xx.example.      3600 HINFO KLH-10 TOPS-20
  xx.example.      3600 AAAA  2001:db8::f00:baaa
)";

Message ask_secure(TestMirror& server, std::string_view asked, std::string_view qtype) {
  return server.ask({.name = name(asked), .type = type_of(qtype), .edns = true, .dnssec_ok = true},
                    metrics::Proto::tcp);
}

class Rfc4035 : public ::testing::Test {
 protected:
  const ZoneText zone_ = signed_zone("example.", appendix_a);
  TestMirror server_{{zone_}};

  Message ask(std::string_view asked, std::string_view qtype) { return ask_secure(server_, asked, qtype); }
  std::vector<Rr> from_zone(std::string_view owner, std::string_view of_type) const {
    const auto found = signed_rrset(zone_, owner, of_type);
    EXPECT_FALSE(found.empty()) << owner << " " << of_type;
    return found;
  }
};

// B.1: Answer; 3.1.1: "the name server MUST also place its RRSIG RRs in the Answer section."
TEST_F(Rfc4035, B1Answer) {
  const Message got = ask("x.w.example.", "MX");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.answer), shown(from_zone("x.w.example.", "MX")));
  EXPECT_EQ(shown(got.authority), shown(std::vector<Rr>{}));
}

// B.2: Name Error: the NSEC that covers the name, and the one that covers the wildcard that could have stood
// for it.
TEST_F(Rfc4035, B2NameError) {
  const Message got = ask("ml.example.", "A");
  EXPECT_EQ(got.rcode, rcode::nxdomain);
  EXPECT_TRUE(got.answer.empty());
  EXPECT_EQ(shown(got.authority), shown(all_of({from_zone("example.", "SOA"), from_zone("b.example.", "NSEC"),
                                                from_zone("example.", "NSEC")})));
}

// B.3: No Data: the NSEC of the name itself.
TEST_F(Rfc4035, B3NoData) {
  const Message got = ask("ns1.example.", "MX");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.answer.empty());
  EXPECT_EQ(shown(got.authority),
            shown(all_of({from_zone("example.", "SOA"), from_zone("ns1.example.", "NSEC")})));
}

// B.4: Referral to a signed zone: the DS RRset and its RRSIG; the NS RRset at a cut has none.
TEST_F(Rfc4035, B4ReferralToSignedZone) {
  const Message got = ask("mc.a.example.", "MX");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_FALSE(got.aa());
  EXPECT_EQ(shown(got.authority),
            shown(all_of({from_zone("a.example.", "NS"), from_zone("a.example.", "DS")})));
  EXPECT_EQ(shown(got.additional), shown("ns1.a.example. 3600 A 192.0.2.5\nns2.a.example. 3600 A 192.0.2.6"));
}

// B.5: Referral to an unsigned zone; 3.1.4: "If no DS RRset is present at the delegation point, the name
// server MUST return both the NSEC RR that proves that the DS RRset is not present and the NSEC RR's
// associated RRSIG RR(s)".
TEST_F(Rfc4035, B5ReferralToUnsignedZone) {
  const Message got = ask("mc.b.example.", "MX");
  EXPECT_FALSE(got.aa());
  EXPECT_EQ(shown(got.authority),
            shown(all_of({from_zone("b.example.", "NS"), from_zone("b.example.", "NSEC")})));
  EXPECT_EQ(got.additional.size(), 2u);
}

// B.6: Wildcard expansion: the signature of the wildcard, and the NSEC which proves that no closer match is
// there.
TEST_F(Rfc4035, B6WildcardExpansion) {
  const Message got = ask("a.z.w.example.", "MX");
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.answer), shown(as_owned_by(from_zone("*.w.example.", "MX"), "a.z.w.example.")));
  EXPECT_EQ(shown(got.authority), shown(from_zone("x.y.w.example.", "NSEC")));
}

// B.7: Wildcard no data: that no closer match is there, and that the wildcard lacks the type.
TEST_F(Rfc4035, B7WildcardNoData) {
  const Message got = ask("a.z.w.example.", "AAAA");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.answer.empty());
  EXPECT_EQ(shown(got.authority),
            shown(all_of({from_zone("example.", "SOA"), from_zone("x.y.w.example.", "NSEC"),
                          from_zone("*.w.example.", "NSEC")})));
}

// B.8: DS child zone no data: asked at the apex of a zone whose parent is not here, the child denies it.
TEST_F(Rfc4035, B8DsOfTheApex) {
  const Message got = ask("example.", "DS");
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(shown(got.authority),
            shown(all_of({from_zone("example.", "SOA"), from_zone("example.", "NSEC")})));
}

// 3.1.4.1: the parent answers for DS at a cut, and denies it with the cut's NSEC.
TEST_F(Rfc4035, Section3_1_4_1DsAtACut) {
  const Message there = ask("a.example.", "DS");
  EXPECT_TRUE(there.aa());
  EXPECT_EQ(shown(there.answer), shown(from_zone("a.example.", "DS")));
  const Message missing = ask("b.example.", "DS");
  EXPECT_TRUE(missing.aa());
  EXPECT_EQ(missing.rcode, rcode::noerror);
  EXPECT_EQ(shown(missing.authority),
            shown(all_of({from_zone("example.", "SOA"), from_zone("b.example.", "NSEC")})));
}

// 3.1: "If the DO bit is not set, the name server MUST NOT include RRSIG, DNSKEY, or NSEC RRs unless
// explicitly requested" (as 3.2.1 says of the other side, and RFC 3225 3 of this one).
TEST_F(Rfc4035, Section3_1NothingUnlessAskedFor) {
  for (const char* asked :
       {"x.w.example.", "ml.example.", "ns1.example.", "mc.a.example.", "mc.b.example.", "a.z.w.example."}) {
    for (const char* qtype : {"MX", "AAAA"}) {
      const Message got = server_.ask_tcp(asked, qtype);
      for (const auto* section : {&got.answer, &got.authority, &got.additional}) {
        for (const Rr& record : *section) {
          EXPECT_NE(record.type, type::RRSIG) << asked;
          EXPECT_NE(record.type, type::NSEC) << asked;
        }
      }
    }
  }
  EXPECT_EQ(shown(server_.ask_tcp("ai.example.", "NSEC").answer),
            shown(std::vector<Rr>{from_zone("ai.example.", "NSEC").front()}));
}

// 3.1.6: "The AD bit ... an authoritative name server MUST NOT set" it but for validated data of its own;
// "The CD bit
// ... MUST be copied from the query".
TEST_F(Rfc4035, Section3_1_6AdAndCd) {
  for (const std::uint16_t asked : std::initializer_list<std::uint16_t>{0, 0x0010, 0x0020, 0x0030}) {
    const Message got =
        server_.ask({.name = name("ai.example."), .flags = asked, .edns = true, .dnssec_ok = true});
    EXPECT_EQ(got.flags & 0x0020, 0) << asked;
    EXPECT_EQ(got.flags & 0x0010, asked & 0x0010) << asked;
  }
}

// 3.1.1: "When placing a signed RRset in the Answer section ... If space does not permit inclusion of both
// the RRset and its RRSIG, the name server MUST set the TC bit" (and so for the proofs, 3.1.3).
TEST_F(Rfc4035, Section3_1_1TruncatesRatherThanLeavesOut) {
  for (const char* asked : {"x.w.example.", "ml.example.", "a.z.w.example.", "mc.b.example."}) {
    const std::size_t whole = ask(asked, "MX").size;
    bool truncated = false;
    for (std::size_t size = 512; size <= 1232; size += 8) {
      const Message got = server_.ask({.name = name(asked),
                                       .type = type::MX,
                                       .edns = true,
                                       .udp_size = static_cast<std::uint16_t>(size),
                                       .dnssec_ok = true});
      EXPECT_LE(got.size, size);
      EXPECT_TRUE(got.tc() || got.size == whole) << asked << " " << size;
      truncated = truncated || got.tc();
    }
    EXPECT_EQ(truncated, whole > 512);
  }
}

// 2.3 and 3.1.3: empty non-terminals have no NSEC: the NSEC before proves that they exist (its next name is
// below) and that they have no type. Occluded names are in no chain: the NSEC of the cut is what covers
// behind them.
class Rfc4035Chain : public ::testing::Test {
 protected:
  const ZoneText zone_ = signed_zone("example.", R"(
    example.            3600 SOA ns1.example. bugs.example. 1 3600 300 3600000 300
    example.            3600 NS  ns1.example.
    b.example.          3600 TXT b
    cut.example.        3600 NS  z.cut.example.
    z.cut.example.      3600 A   192.0.2.1
    z.z.z.cut.example.  3600 A   192.0.2.2
    dname.example.      3600 DNAME target.example.
    x.dname.example.    3600 A   192.0.2.3
    c.d.ent.example.    3600 TXT c
    UP.Case.example.    3600 TXT up
    *.w.example.        3600 CNAME *.v.example.
    *.v.example.        3600 CNAME b.example.
    a.*.u.example.      3600 TXT a
    target.example.     3600 TXT target
  )");
  TestMirror server_{{zone_}};
  Message ask(std::string_view asked, std::string_view qtype) { return ask_secure(server_, asked, qtype); }
  std::vector<Rr> from_zone(std::string_view owner, std::string_view of_type) const {
    return signed_rrset(zone_, owner, of_type);
  }
  void expect_proof(std::string_view asked, unsigned code, std::initializer_list<std::vector<Rr>> proof) {
    const Message got = ask(asked, "A");
    EXPECT_EQ(got.rcode, code) << asked;
    std::vector<Rr> expected = with_ttl(from_zone("example.", "SOA"), 300);
    for (const auto& part : proof) expected.insert(expected.end(), part.begin(), part.end());
    EXPECT_EQ(shown(got.authority), shown(expected)) << asked;
  }
  std::vector<Rr> nsec(std::string_view owner) const { return from_zone(owner, "NSEC"); }
};

TEST_F(Rfc4035Chain, EmptyNonTerminals) {
  expect_proof("ent.example.", rcode::noerror, {nsec("dname.example.")});
  expect_proof("d.ent.example.", rcode::noerror, {nsec("dname.example.")});
  expect_proof("case.example.", rcode::noerror, {nsec("b.example.")});
  // A wildcard that is an empty non-terminal stands for names, with no data (RFC 4592 2.2.2).
  expect_proof("q.u.example.", rcode::noerror, {nsec("a.*.u.example."), nsec("target.example.")});
}

TEST_F(Rfc4035Chain, BehindEmptyNonTerminalsAndOccludedNames) {
  expect_proof("cuu.example.", rcode::nxdomain, {nsec("cut.example."), nsec("example.")});
  expect_proof("dnamf.example.", rcode::nxdomain, {nsec("dname.example."), nsec("example.")});
  expect_proof("a.ent.example.", rcode::nxdomain, {nsec("dname.example.")});
  expect_proof("zz.d.ent.example.", rcode::nxdomain, {nsec("c.d.ent.example."), nsec("dname.example.")});
  expect_proof("A.Up.cASE.example.", rcode::nxdomain, {nsec("up.case.example.")});
}

// Any number of occluded names lies between the cut, which has the NSEC, and what is denied.
TEST(Rfc4035Cut, BehindManyOccludedNames) {
  std::string lines = "test. 60 SOA ns. h. 1 2 3 4 60\ntest. 60 NS ns.\ncut.test. 60 NS ns.cut.test.\n";
  for (int i = 0; i < 40; ++i) lines += "ns" + std::to_string(i) + ".cut.test. 60 A 192.0.2.1\n";
  const ZoneText zone = signed_zone("test.", lines);
  TestMirror server{{zone}};
  const Message got = server.ask(Query{.name = name("d.test."), .edns = true, .dnssec_ok = true});
  EXPECT_EQ(got.rcode, rcode::nxdomain);
  EXPECT_EQ(shown(got.authority), shown(all_of({signed_rrset(zone, "test.", "SOA"), signed_rrset(zone, "cut.test.", "NSEC"),
                                                signed_rrset(zone, "test.", "NSEC")})));
}

// RFC 4035 3.1.3.3 holds for each wildcard on the way.
TEST_F(Rfc4035Chain, AWildcardAfterAnother) {
  const Message got = ask("q.w.example.", "TXT");
  EXPECT_EQ(shown(got.answer),
            shown(all_of({as_owned_by(from_zone("*.w.example.", "CNAME"), "q.w.example."),
                          from_zone("*.v.example.", "CNAME"), from_zone("b.example.", "TXT")})));
  EXPECT_EQ(shown(got.authority), shown(nsec("*.w.example.")));
  const Message denied = ask("q.w.example.", "A");
  EXPECT_EQ(denied.rcode, rcode::noerror);
  EXPECT_EQ(
      shown(denied.authority),
      shown(all_of({with_ttl(from_zone("example.", "SOA"), 300), nsec("b.example."), nsec("*.w.example.")})));
}

// RFC 6672 5.3.1: the DNAME's signature is there, the synthesised CNAME has none.
TEST_F(Rfc4035Chain, DnameIsSignedItsCnameIsNot) {
  const Message got = ask("q.dname.example.", "TXT");
  EXPECT_EQ(got.rcode, rcode::nxdomain);
  EXPECT_EQ(shown(got.answer), shown(all_of({from_zone("dname.example.", "DNAME"),
                                             rrs("q.dname.example. 3600 CNAME q.target.example.")})));
  EXPECT_EQ(shown(got.authority),
            shown(all_of({with_ttl(from_zone("example.", "SOA"), 300), nsec("target.example.")})));
}

// A chain that is partly broken: the rest is proven as ever, nothing that proves nothing is searched for
// without end.
TEST(Rfc4035Broken, ServesWhatCanBeProven) {
  std::string lines = "example. 60 SOA ns1.example. h.example. 1 2 3 4 5\nexample. 60 NS ns1.elsewhere.\n";
  for (int i = 100; i < 300; ++i) lines += "n" + std::to_string(i) + ".example. 60 TXT x\n";
  lines += "cut.example. 60 NS ns.elsewhere.\n";
  ZoneText broken = signed_zone("example.", lines);
  const auto is_lost = [&](const Rr& record) {
    const bool nsec = record.type == type::NSEC ||
                      (record.type == type::RRSIG && record.rdata[0] == 0 && record.rdata[1] == type::NSEC);
    return nsec && record.owner.front() != "n100" && !same(record.owner, broken.apex) &&
           !same(record.owner, name("n299.example."));
  };
  const ZoneText whole = broken;
  std::erase_if(broken.records, is_lost);
  TestMirror server{{broken}};
  const auto soa = signed_rrset(whole, "example.", "SOA");
  const auto authority = [&](std::string_view asked) { return ask_secure(server, asked, "A").authority; };
  const auto expected = [&](std::initializer_list<std::string_view> owners) {
    std::vector<Rr> out = with_ttl(soa, 5);
    for (const auto owner : owners) {
      for (Rr& record : signed_rrset(whole, owner, "NSEC")) out.push_back(record);
    }
    return shown(out);
  };
  EXPECT_EQ(shown(authority("n299.example.")), expected({"n299.example."}));
  EXPECT_EQ(shown(authority("n200.example.")), expected({}));
  EXPECT_EQ(shown(authority("z.example.")), expected({"n299.example.", "example."}));
  EXPECT_EQ(shown(authority("n250a.example.")), expected({"example."}));
  // A step back that finds one in time.
  EXPECT_EQ(shown(authority("n103a.example.")), expected({"n100.example.", "example."}));
  EXPECT_EQ(shown(authority("x.cut.example.")), shown("cut.example. 60 NS ns.elsewhere."));
}

}  // namespace

}  // namespace understudy::test
