// The verdict over two answers, and how it is told.
#include <gtest/gtest.h>

#include "audit/verdict.h"
#include "unit/audit/replies.h"

namespace understudy::test {
namespace {

using audit::Class;
using audit::Verdict;

const std::string soa = "example. 3600 SOA ns1.example. admin.example. 7 3600 600 86400 300";

struct Case {
  const char* what;
  const char *name, *type;
  Reply ours, theirs;
  Verdict verdict;
  Class difference = Class::flags;
  bool random_label = false;
  bool dnssec = false;
};

const Reply www{.answer = "www.example. 60 A 192.0.2.1"};
const Reply nxdomain{.rcode = 3, .authority = soa};
const Reply nodata{.authority = soa};
const Reply referral{.authority = "sub.example. 60 NS ns.sub.example.\nsub.example. 60 NS ns.other.",
                     .additional = "ns.sub.example. 60 A 192.0.2.5",
                     .aa = false};
const std::string rrsig_a =
    R"(www.example. 60 RRSIG \# 29 00010802 0000003c 60000000 50000000 1234 076578616d706c6500 AABB)";
const std::string rrsig_later =
    R"(www.example. 60 RRSIG \# 29 00010802 0000003c 61000000 51000000 1234 076578616d706c6500 CCDD)";
const std::string rrsig_other_key =
    R"(www.example. 60 RRSIG \# 29 00010802 0000003c 60000000 50000000 4321 076578616d706c6500 AABB)";

const std::string ds = R"(sub.example. 60 DS \# 8 0001 08 02 01234567)";
const std::string rrsig_ds =
    R"(sub.example. 60 RRSIG \# 29 002b0802 0000003c 60000000 50000000 1234 076578616d706c6500 AABB)";

std::vector<Case> cases() {
  const auto differ = Verdict::mismatch;
  const Reply child_data{.answer = "sub.example. 86400 NS ns.other.\nsub.example. 86400 NS ns.sub.example."};
  const Reply child_other{.answer = "sub.example. 86400 NS ns.else."};
  const Reply child_nodata{.authority = "sub.example. 60 SOA ns.sub.example. a. 1 2 3 4 5"};
  return {
      {"the same", "www.example.", "A", www, www, Verdict::match},
      {"both NXDOMAIN", "x.example.", "A", nxdomain, nxdomain, Verdict::match},
      {"serial of the negative SOA",
       "x.example.",
       "A",
       nxdomain,
       {.rcode = 3, .authority = "example. 3600 SOA ns1.example. admin.example. 8 3600 600 86400 300"},
       Verdict::match},
      {"another address",
       "www.example.",
       "A",
       www,
       {.answer = "www.example. 60 A 192.0.2.2"},
       differ,
       Class::rdata},
      {"one address more",
       "www.example.",
       "A",
       www,
       {.answer = "www.example. 60 A 192.0.2.1\nwww.example. 60 A 192.0.2.2"},
       differ,
       Class::rdata},
      {"another TTL",
       "www.example.",
       "A",
       www,
       {.answer = "www.example. 61 A 192.0.2.1"},
       differ,
       Class::ttl},
      {"rdata before ttl",
       "www.example.",
       "A",
       www,
       {.answer = "www.example. 61 A 192.0.2.2"},
       differ,
       Class::rdata},
      {"lacks it, NXDOMAIN", "www.example.", "A", www, nxdomain, differ, Class::missing},
      {"lacks it, NODATA", "www.example.", "A", www, nodata, differ, Class::missing},
      {"has more", "www.example.", "A", nodata, www, differ, Class::extra},
      {"NODATA and NXDOMAIN", "x.example.", "A", nodata, nxdomain, differ, Class::rcode},
      {"NXDOMAIN and NODATA", "x.example.", "A", nxdomain, nodata, differ, Class::rcode},
      {"negative TTL",
       "x.example.",
       "A",
       nxdomain,
       {.rcode = 3, .authority = "example. 3600 SOA ns1.example. admin.example. 7 3600 600 86400 301"},
       differ,
       Class::negative_ttl},
      {"no SOA", "x.example.", "A", nxdomain, {.rcode = 3}, differ, Class::negative_ttl},
      {"rcode before negative_ttl", "x.example.", "A", nxdomain, {}, differ, Class::rcode},
      {"AA",
       "www.example.",
       "A",
       www,
       {.answer = "www.example. 60 A 192.0.2.1", .aa = false},
       differ,
       Class::flags},
      {"authority and additional are courtesies",
       "www.example.",
       "A",
       www,
       {.answer = "www.example. 60 A 192.0.2.1",
        .authority = "example. 60 NS ns1.example.",
        .additional = "ns1.example. 60 A 192.0.2.53"},
       Verdict::match},

      {"lost wildcard",
       "r.w.example.",
       "A",
       {.answer = "r.w.example. 60 A 192.0.2.1"},
       nxdomain,
       differ,
       Class::wildcard,
       true},
      {"other wildcard",
       "r.w.example.",
       "A",
       {.answer = "r.w.example. 60 A 192.0.2.1"},
       {.answer = "r.w.example. 60 A 192.0.2.2"},
       differ,
       Class::wildcard,
       true},
      {"wildcard of theirs",
       "r.w.example.",
       "A",
       nxdomain,
       {.answer = "r.w.example. 60 A 192.0.2.1"},
       differ,
       Class::wildcard,
       true},
      {"TTL of a wildcard",
       "r.w.example.",
       "A",
       {.answer = "r.w.example. 60 A 192.0.2.1"},
       {.answer = "r.w.example. 61 A 192.0.2.1"},
       differ,
       Class::ttl,
       true},
      {"delegation before wildcard",
       "r.example.",
       "A",
       {.answer = "r.example. 60 A 192.0.2.1"},
       {.authority = "r.example. 60 NS ns.test.", .aa = false},
       differ,
       Class::delegation,
       true},

      {"the same referral", "sub.example.", "NS", referral, referral, Verdict::match},
      {"another name server",
       "sub.example.",
       "NS",
       referral,
       {.authority = "sub.example. 60 NS ns.sub.example.",
        .additional = "ns.sub.example. 60 A 192.0.2.5",
        .aa = false},
       differ,
       Class::delegation},
      {"other glue",
       "sub.example.",
       "NS",
       referral,
       {.authority = referral.authority, .additional = "ns.sub.example. 60 A 192.0.2.6", .aa = false},
       differ,
       Class::delegation},
      {"no glue",
       "sub.example.",
       "NS",
       referral,
       {.authority = referral.authority, .aa = false},
       differ,
       Class::delegation},
      {"addresses that are no glue",
       "sub.example.",
       "NS",
       referral,
       {.authority = referral.authority,
        .additional = "ns.sub.example. 60 A 192.0.2.5\nns.other. 60 A 192.0.2.7",
        .aa = false},
       Verdict::match},
      {"TTL of a referral",
       "sub.example.",
       "NS",
       referral,
       {.authority = "sub.example. 61 NS ns.sub.example.\nsub.example. 61 NS ns.other.",
        .additional = referral.additional,
        .aa = false},
       differ,
       Class::ttl},
      {"no cut there", "sub.example.", "NS", referral, nxdomain, differ, Class::delegation},
      {"a cut there only", "sub.example.", "A", nodata, referral, differ, Class::delegation},
      {"the child is served there, equal", "sub.example.", "NS", referral, child_data, Verdict::match},
      {"the child is served there, other", "sub.example.", "NS", referral, child_other, Verdict::unknown},
      {"the child answers", "sub.example.", "A", referral, child_nodata, Verdict::unknown},
      {"NODATA of a zone that we do not know of", "x.sub.example.", "A", nodata, child_nodata, differ,
       Class::delegation},

      {"CNAME to elsewhere",
       "c.example.",
       "CNAME",
       {.answer = "c.example. 60 CNAME a.example."},
       {.answer = "c.example. 60 CNAME b.example."},
       differ,
       Class::rdata},
      {"chain followed by one only",
       "c.example.",
       "A",
       {.answer = "c.example. 60 CNAME www.example.\nwww.example. 60 A 192.0.2.1"},
       {.answer = "c.example. 60 CNAME www.example."},
       Verdict::match},
      {"another end of the chain, which is asked on its own",
       "c.example.",
       "A",
       {.answer = "c.example. 60 CNAME www.example.\nwww.example. 60 A 192.0.2.1"},
       {.answer = "c.example. 60 CNAME www.example.\nwww.example. 60 A 192.0.2.2"},
       Verdict::match},
      {"an end of the chain that only they have",
       "c.example.",
       "A",
       {.rcode = 3, .answer = "c.example. 60 CNAME www.example.", .authority = soa},
       {.answer = "c.example. 60 CNAME www.example.\nwww.example. 60 A 192.0.2.2"},
       differ,
       Class::extra},
      {"flattened",
       "c.example.",
       "A",
       {.answer = "c.example. 60 CNAME a.test."},
       {.answer = "c.example. 60 A 192.0.2.2"},
       differ,
       Class::rdata},
      {"link missing",
       "c.example.",
       "A",
       {.answer = "c.example. 60 CNAME a.test."},
       nxdomain,
       differ,
       Class::missing},
      {"link extra",
       "c.example.",
       "A",
       nodata,
       {.answer = "c.example. 60 CNAME a.test."},
       differ,
       Class::extra},
      {"rest of a chain outside the zone",
       "c.example.",
       "A",
       {.answer = "c.example. 60 CNAME a.test."},
       {.answer = "c.example. 60 CNAME a.test.\na.test. 60 A 192.0.2.2"},
       Verdict::match},

      {"serial in flight",
       "example.",
       "SOA",
       {.answer = soa},
       {.answer = "example. 3600 SOA ns1.example. admin.example. 8 3600 600 86400 300"},
       Verdict::unknown},
      {"SOA with another MINIMUM",
       "example.",
       "SOA",
       {.answer = soa},
       {.answer = "example. 3600 SOA ns1.example. admin.example. 8 3600 600 86400 301"},
       differ,
       Class::rdata},
      {"SOA with another TTL",
       "example.",
       "SOA",
       {.answer = soa},
       {.answer = "example. 3601 SOA ns1.example. admin.example. 8 3600 600 86400 300"},
       differ,
       Class::ttl},

      {"SERVFAIL", "www.example.", "A", www, {.rcode = 2}, Verdict::unknown},
      {"REFUSED", "www.example.", "A", www, {.rcode = 5}, Verdict::unknown},
      {"our own SERVFAIL", "www.example.", "A", {.rcode = 2}, www, Verdict::unknown},
      {"truncated", "www.example.", "A", www, {.answer = www.answer, .tc = true}, Verdict::unknown},

      {"signature missing",
       "www.example.",
       "A",
       {.answer = www.answer + "\n" + rrsig_a},
       www,
       differ,
       Class::dnssec,
       false,
       true},
      {"signature of another key",
       "www.example.",
       "A",
       {.answer = www.answer + "\n" + rrsig_a},
       {.answer = www.answer + "\n" + rrsig_other_key},
       differ,
       Class::dnssec,
       false,
       true},
      {"signed again",
       "www.example.",
       "A",
       {.answer = www.answer + "\n" + rrsig_a},
       {.answer = www.answer + "\n" + rrsig_later},
       Verdict::match,
       Class::flags,
       false,
       true},
      {"ttl before dnssec",
       "www.example.",
       "A",
       {.answer = www.answer + "\n" + rrsig_a},
       {.answer = "www.example. 61 A 192.0.2.1"},
       differ,
       Class::ttl,
       false,
       true},
      {"unsigned DS in a referral",
       "sub.example.",
       "NS",
       {.authority = referral.authority + "\n" + ds, .additional = referral.additional, .aa = false},
       referral,
       Verdict::match,
       Class::flags,
       false,
       true},
      {"signed DS in a referral",
       "sub.example.",
       "NS",
       {.authority = referral.authority + "\n" + ds + "\n" + rrsig_ds,
        .additional = referral.additional,
        .aa = false},
       referral,
       differ,
       Class::delegation,
       false,
       true},
      {"no proof of denial",
       "x.example.",
       "A",
       {.rcode = 3, .authority = soa + "\n" + R"(a.example. 300 NSEC \# 9 00 0006 000000000003)"},
       nxdomain,
       differ,
       Class::dnssec,
       false,
       true},
  };
}

TEST(Verdict, Table) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.what);
    const audit::Judgement judgement =
        audit::judge(question(c.name, c.type, c.random_label), normal(c.name, c.type, c.ours),
                     normal(c.name, c.type, c.theirs), c.dnssec);
    EXPECT_EQ(to_string(judgement.verdict), to_string(c.verdict)) << judgement.why;
    if (c.verdict == Verdict::mismatch) {
      EXPECT_EQ(to_string(judgement.difference), to_string(c.difference));
    }
    EXPECT_EQ(judgement.why.empty(), c.verdict != Verdict::unknown);
  }
}

// Of a zone with NSEC3, whose records nobody asks for by name: a validator takes no part of a denial that is
// not signed.
TEST(Verdict, ADenialIsSignedThroughout) {
  const std::string nsec3 = R"(aaaa.example. 300 NSEC3 \# 10 01 00 0000 00 01 aa 00 01 40)";
  const auto signature = [](const std::string& owner, const std::string& type) {
    return "\n" + owner + R"( 300 RRSIG \# 29 )" + type +
           "0802 0000012c 60000000 50000000 1234 076578616d706c6500 AABB";
  };
  const std::string soa_signature = signature("example.", "0006"),
                    nsec3_signature = signature("aaaa.example.", "0032");
  const auto verdict = [&](const std::string& theirs, bool dnssec = true) {
    const Reply whole{.rcode = 3, .authority = soa + soa_signature + "\n" + nsec3 + nsec3_signature};
    return audit::judge(question("x.example.", "A"), normal("x.example.", "A", whole),
                        normal("x.example.", "A", {.rcode = 3, .authority = theirs}), dnssec);
  };
  EXPECT_EQ(verdict(nsec3 + nsec3_signature + "\n" + soa + soa_signature).verdict, Verdict::match);
  EXPECT_EQ(verdict(soa + soa_signature + "\n" + nsec3).difference, Class::dnssec);
  EXPECT_EQ(verdict(soa + soa_signature + "\n" + nsec3).verdict, Verdict::mismatch);
  EXPECT_EQ(verdict(soa + "\n" + nsec3 + nsec3_signature).difference, Class::dnssec);
  const std::string anothers = signature("bbbb.example.", "0032");
  EXPECT_EQ(verdict(soa + soa_signature + "\n" + nsec3 + anothers).difference, Class::dnssec);
  EXPECT_EQ(verdict(soa + "\n" + nsec3, false).verdict, Verdict::match) << "nobody asked for them";
}

TEST(Verdict, AnAbsentTypeLooksForWhatOnlyTheyHave) {
  auto asked = question("www.example.", "AAAA");
  const auto verdict = [&asked](const Reply& theirs) {
    return audit::judge(asked, normal("www.example.", "AAAA", nodata), normal("www.example.", "AAAA", theirs),
                        false);
  };
  const Reply data{.answer = "www.example. 60 AAAA 2001:db8::1"};
  asked.absent_type = true;
  EXPECT_EQ(verdict({}).verdict, Verdict::match);  // without an SOA: told once, where a name is made up
  EXPECT_EQ(verdict(data).difference, Class::extra);
  EXPECT_EQ(verdict(nxdomain).difference, Class::rcode);  // RFC 4074 4.2
  asked.absent_type = false;
  EXPECT_EQ(verdict(nxdomain).difference, Class::rcode);
}

TEST(Verdict, SilenceIsUnknown) {
  const auto asked = question("www.example.", "A");
  const auto judgement =
      audit::judge(asked, normal("www.example.", "A", www), audit::no_answer("timeout"), false);
  EXPECT_EQ(judgement.verdict, Verdict::unknown);
  EXPECT_EQ(judgement.why, "timeout");
}

TEST(Verdict, SidesForPeople) {
  const auto asked = question("c.example.", "A");
  const audit::Side side = audit::describe(
      asked,
      normal("c.example.", "A", {.answer = "c.example. 60 CNAME www.example.\nwww.example. 30 A 192.0.2.1"}));
  EXPECT_EQ(side.rcode, "NOERROR");
  EXPECT_EQ(side.flags, "aa");
  EXPECT_EQ(side.ttl, 60u);
  EXPECT_EQ(side.rdata,
            (std::vector<std::string>{"c.example. CNAME www.example.", "www.example. A 192.0.2.1"}));
}

}  // namespace
}  // namespace understudy::test
