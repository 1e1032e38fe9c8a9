// RFC 5155, DNS security (DNSSEC) hashed authenticated denial of existence: section 7.2, what an
// authoritative server does. The zone is that of appendix A, its salt, iterations and opt-out too; the first
// questions are those of appendix B. Answers are minimal.
#include <gtest/gtest.h>

#include "support/signed_zone.h"

namespace understudy::test {

namespace {

constexpr const char* appendix_a = R"(
  example.       3600 SOA   ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600
  example.       3600 NS    ns1.example.
  example.       3600 NS    ns2.example.
  example.       3600 MX    1 xx.example.
  example.       3600 DNSKEY \# 8 0100030501020304
  2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. 3600 A 192.0.2.127
  a.example.     3600 NS    ns1.a.example.
  a.example.     3600 NS    ns2.a.example.
  a.example.     3600 DS    58470 5 1 3079f1593ebad6dc121e202a8b766a6a4837206c
  ns1.a.example. 3600 A     192.0.2.5
  ns2.a.example. 3600 A     192.0.2.6
  ai.example.    3600 A     192.0.2.9
  ai.example.    3600 HINFO KLH-10 ITS
  ai.example.    3600 AAAA  2001:db8::f00:baa9
  c.example.     3600 NS    ns1.c.example.
  c.example.     3600 NS    ns2.c.example.
  ns1.c.example. 3600 A     192.0.2.7
  ns2.c.example. 3600 A     192.0.2.8
  ns1.example.   3600 A     192.0.2.1
  ns2.example.   3600 A     192.0.2.2
  *.w.example.   3600 MX    1 ai.example.
  x.w.example.   3600 MX    1 xx.example.
  x.y.w.example. 3600 MX    1 xx.example.
  xx.example.    3600 A     192.0.2.10
  xx.example.    3600 HINFO KLH-10 TOPS-20
  xx.example.    3600 AAAA  2001:db8::f00:baaa
)";

const Nsec3Chain rfc_chain{12, {0xaa, 0xbb, 0xcc, 0xdd}, true};

Message ask_secure(TestMirror& server, std::string_view asked, std::string_view qtype) {
  return server.ask({.name = name(asked), .type = type_of(qtype), .edns = true, .dnssec_ok = true},
                    metrics::Proto::tcp);
}

class Rfc5155 : public ::testing::Test {
 protected:
  const ZoneText zone_ = signed_zone("example.", appendix_a, rfc_chain);
  TestMirror server_{{zone_}};

  Message ask(std::string_view asked, std::string_view qtype) { return ask_secure(server_, asked, qtype); }
  std::vector<Rr> from_zone(std::string_view owner, std::string_view of_type) const {
    return signed_rrset(zone_, owner, of_type);
  }
  // The NSEC3 with that hash, as the RFC names them.
  std::vector<Rr> nsec3(const std::string& hash) const {
    std::vector<Rr> out;
    for (const Rr& record : zone_.records) {
      if (same(record.owner, name(hash + ".example.")) && record.type != type::A &&
          (record.type != type::RRSIG || record.rdata[1] == type::NSEC3))
        out.push_back(record);
    }
    EXPECT_EQ(out.size(), 2u) << hash;
    return out;
  }
  std::string denied_with(std::initializer_list<const char*> hashes) const {
    std::vector<Rr> out = from_zone("example.", "SOA");
    for (const char* hash : hashes) {
      for (const Rr& record : nsec3(hash)) out.push_back(record);
    }
    return shown(out);
  }
};

// Appendix A: the hashes of the zone's names, which say that ours are computed right.
TEST(Rfc5155Hash, AppendixA) {
  const std::pair<const char*, const char*> hashes[] = {
      {"example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},
      {"a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl"},
      {"ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi"},
      {"ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
      {"ns2.example.", "q04jkcevqvmu85r014c7dkba38o0ji5r"},
      {"w.example.", "k8udemvp1j2f7eg6jebps17vp3n8i58h"},
      {"*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"},
      {"x.w.example.", "b4um86eghhds6nea196smvmlo4ors995"},
      {"y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc"},
      {"x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s"},
      {"xx.example.", "t644ebqk9bibcna874givr6joj62mlhv"},
      {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.", "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"}};
  for (const auto& [owner, hash] : hashes) EXPECT_EQ(nsec3_hash(name(owner), rfc_chain), hash) << owner;
}

// B.1: Name Error (7.2.2): the closest encloser x.w.example, the next closer name c.x.w.example, and its
// wildcard.
TEST_F(Rfc5155, B1NameError) {
  const Message got = ask("a.c.x.w.example.", "A");
  EXPECT_EQ(got.rcode, rcode::nxdomain);
  EXPECT_EQ(shown(got.authority),
            denied_with({"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "b4um86eghhds6nea196smvmlo4ors995",
                         "35mthgpgcu1qg68fab165klnsnk3dpvl"}));
}

// B.2: No Data Error (7.2.3).
TEST_F(Rfc5155, B2NoData) {
  const Message got = ask("ns1.example.", "MX");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_EQ(shown(got.authority), denied_with({"2t7b4g4vsa5smi47k61mv5bv1a22bojr"}));
}

// B.2.1: No Data Error, empty non-terminal.
TEST_F(Rfc5155, B2_1EmptyNonTerminal) {
  const Message got = ask("y.w.example.", "A");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_EQ(shown(got.authority), denied_with({"ji6neoaepv8b5o6k4ev33abha8ht9fgc"}));
}

// B.3: Referral to an opt-out unsigned zone (7.2.7): the closest provable encloser, and what covers the cut.
TEST_F(Rfc5155, B3ReferralToOptedOutZone) {
  const Message got = ask("mc.c.example.", "MX");
  EXPECT_FALSE(got.aa());
  EXPECT_EQ(shown(got.authority),
            shown(all_of({from_zone("c.example.", "NS"), nsec3("35mthgpgcu1qg68fab165klnsnk3dpvl"),
                          nsec3("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom")})));
  EXPECT_EQ(got.additional.size(), 2u);
}

// B.4: Wildcard expansion (7.2.6): what covers the next closer name z.w.example.
TEST_F(Rfc5155, B4WildcardExpansion) {
  const Message got = ask("a.z.w.example.", "MX");
  EXPECT_EQ(shown(got.answer), shown(as_owned_by(from_zone("*.w.example.", "MX"), "a.z.w.example.")));
  EXPECT_EQ(shown(got.authority), shown(nsec3("q04jkcevqvmu85r014c7dkba38o0ji5r")));
}

// B.5: Wildcard No Data Error (7.2.5).
TEST_F(Rfc5155, B5WildcardNoData) {
  const Message got = ask("a.z.w.example.", "AAAA");
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_EQ(shown(got.authority),
            denied_with({"k8udemvp1j2f7eg6jebps17vp3n8i58h", "q04jkcevqvmu85r014c7dkba38o0ji5r",
                         "r53bq7cc2uvmubfu5ocmm6pers9tk9en"}));
}

// B.6: DS child zone No Data Error.
TEST_F(Rfc5155, B6DsOfTheApex) {
  EXPECT_EQ(shown(ask("example.", "DS").authority), denied_with({"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"}));
}

// 7.2.4: "If there is no matching NSEC3 ... then the server MUST return a closest provable encloser proof for
// QNAME": DS at a cut that is opted out.
TEST_F(Rfc5155, Section7_2_4DsAtAnOptedOutCut) {
  const Message got = ask("c.example.", "DS");
  EXPECT_TRUE(got.aa());
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_EQ(shown(got.authority),
            denied_with({"35mthgpgcu1qg68fab165klnsnk3dpvl", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"}));
}

// 7.2.7 where there is a DS: no NSEC3 at all.
TEST_F(Rfc5155, Section7_2_7ReferralToASignedZone) {
  EXPECT_EQ(shown(ask("mc.a.example.", "MX").authority),
            shown(all_of({from_zone("a.example.", "NS"), from_zone("a.example.", "DS")})));
}

// 7.2.8: "... the owner names of NSEC3 RRs ... a query ... must be answered as if" they "do not exist", while
// a name of the zone that is spelt as one has its own data.
TEST_F(Rfc5155, Section7_2_8OwnersOfNsec3AreNoNames) {
  for (const char* qtype : {"NSEC3", "A", "ANY"}) {
    const Message got = ask("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.", qtype);
    EXPECT_EQ(got.rcode, rcode::nxdomain) << qtype;
    EXPECT_TRUE(got.answer.empty());
  }
  const char* spelt = "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.";
  EXPECT_EQ(shown(ask(spelt, "A").answer), shown(from_zone(spelt, "A")));
  EXPECT_EQ(shown(ask(spelt, "NSEC3").authority), denied_with({"kohar7mbb8dc2ce8a9qvl8hon4k53uhi"}));
}

TEST_F(Rfc5155, NothingOfItWithoutDo) {
  for (const char* asked : {"a.c.x.w.example.", "ns1.example.", "mc.c.example.", "a.z.w.example."}) {
    for (const Rr& record : server_.ask_tcp(asked, "MX").authority) {
      EXPECT_NE(record.type, type::NSEC3) << asked;
      EXPECT_NE(record.type, type::RRSIG) << asked;
    }
  }
}

constexpr const char* small_zone = R"(
  example.          60 SOA ns.elsewhere. h. 1 2 3 4 60
  example.          60 NS  ns.elsewhere.
  a.example.        60 TXT a
  UP.Example.       60 TXT up
  b.c.d.example.    60 TXT b
  x.optout.example. 60 NS  ns.elsewhere.
  *.w.example.      60 CNAME *.v.example.
  *.v.example.      60 TXT v
)";

// Every name that could come first or last: hashes go round, and an empty salt and no iterations are RFC
// 9276's.
TEST(Rfc5155Chain, CoversAllNames) {
  for (const Nsec3Chain& chain :
       {Nsec3Chain{}, Nsec3Chain{1, {0}, false}, Nsec3Chain{500, Bytes(255, 7), true}}) {
    const ZoneText zone = signed_zone("example.", small_zone, chain);
    TestMirror server{{zone}};
    for (int i = 0; i < 60; ++i) {
      const std::string asked = "n" + std::to_string(i) + ".example.";
      const Message got = ask_secure(server, asked, "A");
      EXPECT_EQ(got.rcode, rcode::nxdomain);
      // One NSEC3 may cover or match for several of the three.
      std::vector<Rr> expected =
          all_of({signed_rrset(zone, "example.", "SOA"), nsec3_of(zone, "example.", chain)});
      for (const std::string& covered : {asked, std::string("*.example.")}) {
        for (const Rr& record : nsec3_before(zone, covered, chain)) {
          if (std::find(expected.begin(), expected.end(), record) == expected.end())
            expected.push_back(record);
        }
      }
      EXPECT_EQ(shown(got.authority), shown(expected)) << asked;
    }
  }
}

// 7.2.1: the closest *provable* encloser, where the closest one is above cuts that are all opted out.
TEST(Rfc5155Chain, ClosestProvableEncloser) {
  const Nsec3Chain chain{2, {1}, true};
  const ZoneText zone = signed_zone("example.", small_zone, chain);
  ASSERT_TRUE(nsec3_of(zone, "optout.example.", chain).empty());
  TestMirror server{{zone}};
  const auto proof = [&](std::string_view asked, std::string_view qtype) {
    std::vector<Rr> out;
    for (const Rr& record : ask_secure(server, asked, qtype).authority) {
      if (record.type == type::NSEC3) out.push_back(record);
    }
    return shown(out);
  };
  const auto only_nsec3 = [](std::vector<Rr> records) {
    std::erase_if(records, [](const Rr& record) { return record.type != type::NSEC3; });
    std::sort(records.begin(), records.end());
    records.erase(std::unique(records.begin(), records.end()), records.end());
    return shown(records);
  };
  const std::string encloser =
      only_nsec3(all_of({nsec3_of(zone, "example.", chain), nsec3_before(zone, "optout.example.", chain)}));
  EXPECT_EQ(proof("optout.example.", "A"), encloser);
  EXPECT_EQ(proof("x.optout.example.", "DS"), encloser);
  EXPECT_EQ(proof("q.x.optout.example.", "A"), encloser);
  EXPECT_EQ(proof("y.optout.example.", "A"), only_nsec3(all_of({nsec3_of(zone, "example.", chain),
                                                                nsec3_before(zone, "optout.example.", chain),
                                                                nsec3_before(zone, "*.example.", chain)})));
}

TEST(Rfc5155Chain, AWildcardAfterAnother) {
  const Nsec3Chain chain{0, {}, false};
  const ZoneText zone = signed_zone("example.", small_zone, chain);
  TestMirror server{{zone}};
  const Message got = ask_secure(server, "q.w.example.", "TXT");
  EXPECT_EQ(got.answer.size(), 4u);  // two RRsets, each signed
  EXPECT_EQ(shown(got.authority), shown(nsec3_before(zone, "q.w.example.", chain)));
}

// 10.4: while a salt rolls two chains live side by side; the one that NSEC3PARAM names is used, whichever it
// is.
TEST(Rfc5155Chain, TwoChainsSideBySide) {
  const Nsec3Chain one{1, {0xaa}, false}, two{3, {0xbb, 0xcc}, true};
  for (const auto& [used, other] : {std::pair{one, two}, {two, one}}) {
    ZoneText zone = signed_zone("example.", small_zone, used);
    ZoneText plain = zone;
    std::erase_if(plain.records,
                  [](const Rr& record) { return record.type == type::NSEC3 || record.type == type::RRSIG; });
    for (Rr& record : nsec3_chain(plain, other)) zone.records.push_back(record);
    TestMirror server{{zone}};
    for (int i = 0; i < 60; ++i) {
      const std::string asked = "n" + std::to_string(i) + ".a.example.";
      std::vector<Rr> expected = signed_rrset(zone, "example.", "SOA");
      for (const auto& part : {nsec3_of(zone, "a.example.", used), nsec3_before(zone, asked, used),
                               nsec3_before(zone, "*.a.example.", used)}) {
        for (const Rr& record : part) {
          if (std::find(expected.begin(), expected.end(), record) == expected.end())
            expected.push_back(record);
        }
      }
      EXPECT_EQ(shown(ask_secure(server, asked, "A").authority), shown(expected)) << asked;
    }
  }
}

// From NSEC to NSEC3 and back both kinds are there; names before all others have the NSEC3s between them and
// the apex.
TEST(Rfc5155Chain, BesideNsec) {
  const Nsec3Chain chain{0, {1, 2}, false};
  ZoneText zone = signed_zone("example.", small_zone);
  const std::vector<Rr> proofs = nsec3_chain(test::zone("example.", small_zone), chain);
  zone.records.insert(zone.records.end(), proofs.begin(), proofs.end());
  TestMirror server{{zone}};
  const Message got = ask_secure(server, "!.example.", "A");
  EXPECT_EQ(shown(got.authority),
            shown(all_of({signed_rrset(zone, "example.", "SOA"), signed_rrset(zone, "example.", "NSEC")})));
}

// RFC 9276 3.2 and its EDE: with too many iterations nothing is hashed; who does not ask for proofs is
// answered.
TEST(Rfc5155Chain, TooManyIterations) {
  TestMirror server{{signed_zone("example.", small_zone, Nsec3Chain{501, {}, false})}};
  for (const char* asked : {"missing.example.", "a.example.", "q.v.example.", "x.optout.example."}) {
    const char* const qtype = std::string_view(asked) == "q.v.example." ? "TXT" : "A";
    const Message got = ask_secure(server, asked, qtype);
    EXPECT_EQ(got.rcode, rcode::servfail) << asked;
    EXPECT_EQ(option_of(got, 15), (Bytes{0, 27})) << asked;
    EXPECT_TRUE(got.answer.empty() && got.authority.empty() && got.additional.empty());
    EXPECT_NE(server.ask_tcp(asked, qtype).rcode, rcode::servfail) << asked;
  }
  EXPECT_EQ(ask_secure(server, "a.example.", "TXT").rcode, rcode::noerror);
}

// RFC 5155 4.1.2: "NSEC3PARAM RRs with a Flags field value other than zero MUST be ignored": a chain that is being made
// or taken away, beside the NSECs that prove until then.
TEST(Rfc5155Chain, Section4_1_2AChainUnderWayIsNotUsed) {
  ZoneText zone = signed_zone("example.", small_zone);
  const std::vector<Rr> nsec3s = nsec3_chain(zone, Nsec3Chain{});
  const std::vector<Rr> proof = signed_rrset(zone, "example.", "NSEC");
  zone.records.insert(zone.records.end(), nsec3s.begin(), nsec3s.end());
  zone.records.push_back({name("example."), type::NSEC3PARAM, 0, {1, 0x80, 0, 0, 0}});
  TestMirror server{{zone}};
  const Message got = ask_secure(server, "0.example.", "A");
  EXPECT_EQ(got.rcode, rcode::nxdomain);
  EXPECT_EQ(shown(got.authority), shown(all_of({signed_rrset(zone, "example.", "SOA"), proof})));
}

// A chain that is broken: what is left is told, the search ends.
TEST(Rfc5155Chain, Broken) {
  ZoneText zone = signed_zone("example.", small_zone, Nsec3Chain{});
  std::erase_if(zone.records, [](const Rr& record) { return record.type == type::NSEC3; });
  TestMirror server{{zone}};
  const Message got = ask_secure(server, "missing.example.", "A");
  EXPECT_EQ(got.rcode, rcode::nxdomain);
  EXPECT_EQ(shown(got.authority), shown(signed_rrset(zone, "example.", "SOA")));
}

// A transfer out has them, wherever they are stored; tests/interop/ shows the rest of their way.
TEST(Rfc5155Chain, InTheRootZoneToo) {
  const Nsec3Chain chain{0, {}, false};
  const ZoneText zone =
      signed_zone(".", ". 60 SOA ns. h. 1 2 3 4 60\n. 60 NS ns.elsewhere.\na. 60 TXT a", chain);
  TestMirror server{{zone}};
  const Message got = ask_secure(server, "missing.", "A");
  EXPECT_EQ(got.rcode, rcode::nxdomain);
  std::vector<Rr> expected = signed_rrset(zone, ".", "SOA");
  for (const auto& part :
       {nsec3_of(zone, ".", chain), nsec3_before(zone, "missing.", chain), nsec3_before(zone, "*.", chain)}) {
    for (const Rr& record : part) {
      if (std::find(expected.begin(), expected.end(), record) == expected.end()) expected.push_back(record);
    }
  }
  EXPECT_EQ(shown(got.authority), shown(expected));
  EXPECT_EQ(ask_secure(server, ".", "MX").authority.size(), 4u);
}

}  // namespace

}  // namespace understudy::test
