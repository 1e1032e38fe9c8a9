// What is kept of a response.
#include <gtest/gtest.h>

#include "audit/normal_answer.h"
#include "unit/audit/replies.h"

namespace understudy::test {
namespace {

using audit::NormalAnswer;
using End = NormalAnswer::End;

const std::string soa = "example. 3600 SOA ns1.example. admin.example. 7 3600 600 86400 300";

TEST(NormalAnswer, OrderCaseAndDuplicatesAreGone) {
  const NormalAnswer a = normal("mail.example.", "MX",
                                {.answer = "mail.example. 60 MX 10 a.example.\n"
                                           "mail.example. 60 MX 20 b.example.\n"
                                           "mail.example. 30 MX 30 c.example."});
  const NormalAnswer b = normal("MAIL.example.", "MX",
                                {.answer = "Mail.Example. 30 MX 30 C.example.\n"
                                           "Mail.Example. 30 MX 20 b.EXAMPLE.\n"
                                           "Mail.Example. 30 MX 10 a.example.\n"
                                           "Mail.Example. 30 MX 10 A.example."});
  ASSERT_EQ(a.end, End::data);
  EXPECT_EQ(a.data.ttl, 30u);  // the lowest, RFC 2181 5.2
  EXPECT_EQ(a.data.rdata.size(), 3u);
  EXPECT_EQ(a.data.rdata, b.data.rdata);
  EXPECT_TRUE(a.data.owner == b.data.owner);
}

TEST(NormalAnswer, CompressionIsGone) {
  // The same answer, its owner and the end of its target as pointers to the question (offset 12).
  Bytes compressed = header(7, 0x8400, 1, 1, 0, 0);
  append_name(compressed, name("www.example."));
  append16(compressed, type::MX);
  append16(compressed, 1);
  const Bytes record = {0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 9, 0, 10, 4, 'm', 'a', 'i', 'l', 0xc0, 16};
  compressed.insert(compressed.end(), record.begin(), record.end());
  const NormalAnswer a =
      audit::normalise(product_name("example."), question("www.example.", "MX"), compressed);
  const NormalAnswer b = normal("www.example.", "MX", {.answer = "www.example. 60 MX 10 mail.example."});
  ASSERT_EQ(a.end, End::data) << a.why;
  EXPECT_EQ(a.data.rdata, b.data.rdata);
}

TEST(NormalAnswer, ATtlWithTheHighestBitIsZero) {
  // RFC 2181 8.
  EXPECT_EQ(normal("www.example.", "A", {.answer = "www.example. 2147483648 A 192.0.2.1"}).data.ttl, 0u);
  EXPECT_EQ(normal("www.example.", "A", {.answer = "www.example. 2147483647 A 192.0.2.1"}).data.ttl,
            2147483647u);
}

TEST(NormalAnswer, TextStringsAreData) {
  // RFC 1035 3.3.14: where the strings of a TXT record are cut is part of it.
  const NormalAnswer whole = normal("t.example.", "TXT", {.answer = R"(t.example. 60 TXT \# 5 0461626364)"});
  const NormalAnswer cut = normal("t.example.", "TXT", {.answer = R"(t.example. 60 TXT \# 6 026162026364)"});
  EXPECT_NE(whole.data.rdata, cut.data.rdata);
}

TEST(NormalAnswer, KindsOfEnds) {
  EXPECT_EQ(normal("x.example.", "A", {.authority = soa}).end, End::nodata);
  EXPECT_EQ(normal("x.example.", "A", {.rcode = 3, .authority = soa}).end, End::name_error);
  EXPECT_EQ(
      normal("x.sub.example.", "A", {.authority = "sub.example. 60 NS ns.sub.example.", .aa = false}).end,
      End::referral);
  // NS of the apex beside an empty answer is a courtesy, not a referral.
  EXPECT_EQ(normal("x.example.", "A", {.authority = "example. 60 NS ns1.example."}).end, End::nodata);
  EXPECT_EQ(normal("x.example.", "A", {.answer = "x.example. 60 CNAME y.example."}).end, End::unfinished);
  EXPECT_EQ(normal("x.example.", "A", {.answer = "x.example. 60 CNAME y.test."}).end, End::unfinished);
  const NormalAnswer chain = normal("x.example.", "A",
                                    {.answer = "x.example. 60 CNAME y.example.\n"
                                               "y.example. 60 A 192.0.2.1"});
  EXPECT_EQ(chain.end, End::data);
  EXPECT_EQ(chain.links.size(), 1u);
  // An upward referral: the address does not serve the zone.
  EXPECT_EQ(normal("x.example.", "A", {.authority = ". 60 NS a.root.", .aa = false}).end, End::unknown);
}

TEST(NormalAnswer, NegativeTtlIsTheLowerOfBoth) {
  const NormalAnswer a = normal("x.example.", "A", {.rcode = 3, .authority = soa});
  ASSERT_TRUE(a.negative);
  EXPECT_EQ(a.negative->ttl, 300u);  // MINIMUM, RFC 2308 5
  const NormalAnswer b = normal(
      "x.example.", "A", {.authority = "example. 120 SOA ns1.example. a.example. 7 3600 600 86400 300"});
  EXPECT_EQ(b.negative.value().ttl, 120u);
}

TEST(NormalAnswer, CompactDenialIsNxdomain) {
  // RFC 9824: NOERROR, and the NSEC at the name asked has RRSIG, NSEC and NXNAME (128) in its bitmap. Window
  // 0, 17 octets: bits 46 and 47 in octet 5, bit 128 is the first of octet 16.
  const std::string nsec = R"(x.example. 300 NSEC \# 32 0100017807)"
                           R"(6578616d706c6500 0011 00000000000300000000000000000000 80)";
  const NormalAnswer compact = normal("x.example.", "A", {.authority = soa + "\n" + nsec});
  EXPECT_EQ(compact.end, End::name_error) << compact.why;
  EXPECT_TRUE(compact.denial_proof);
  // The same without NXNAME is NODATA.
  const std::string plain = R"(x.example. 300 NSEC \# 21 0100017807)"
                            R"(6578616d706c6500 0006 000000000003)";
  EXPECT_EQ(normal("x.example.", "A", {.authority = soa + "\n" + plain}).end, End::nodata);
}

TEST(NormalAnswer, TheCnameOfADnameIsNoLinkOfItsOwn) {
  const std::string dname = "d.example. 60 DNAME e.example.";
  const NormalAnswer with =
      normal("x.d.example.", "A",
             {.answer = dname + "\nx.d.example. 0 CNAME x.e.example.\nx.e.example. 60 A 192.0.2.9"});
  ASSERT_EQ(with.end, End::data) << with.why;
  ASSERT_EQ(with.links.size(), 1u);
  EXPECT_EQ(with.links[0].type, dns::RRType::DNAME);
}

TEST(NormalAnswer, EndlessChainsEnd) {
  const NormalAnswer loop = normal("x.example.", "A", {.answer = "x.example. 60 CNAME x.example."});
  EXPECT_EQ(loop.end, End::unfinished);
  EXPECT_LE(loop.links.size(), limits::chain_links + 1);
}

TEST(NormalAnswer, HostileOctetsAreUnknown) {
  const Bytes whole =
      response("www.example.", "SOA",
               {.answer = "www.example. 60 SOA a.example. b.example. 1 2 3 4 5", .authority = soa});
  const auto apex = product_name("example.");
  const auto asked = question("www.example.", "SOA");
  ASSERT_EQ(audit::normalise(apex, asked, whole).end, End::data);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(audit::normalise(apex, asked, cut).end, End::unknown) << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_EQ(audit::normalise(apex, asked, longer).end, End::unknown);
  // Every octet turned over, one at a time: never a crash (the sanitizers watch), whatever comes out.
  for (std::size_t at = 0; at < whole.size(); ++at) {
    Bytes broken = whole;
    broken[at] = static_cast<std::uint8_t>(~broken[at]);
    (void)audit::normalise(apex, asked, broken);
  }
  EXPECT_EQ(normal("www.example.", "A", {.answer = R"(www.example. 60 A \# 3 C00002)"}).end, End::unknown);
  EXPECT_EQ(normal("www.example.", "A", {.answer = "www.example. 60 A 192.0.2.1", .tc = true}).end,
            End::unknown);
  EXPECT_EQ(normal("www.example.", "A", {.rcode = 3, .answer = "www.example. 60 A 192.0.2.1"}).end,
            End::unknown);
}

TEST(NormalAnswer, OtherRcodesAreUnknown) {
  for (const unsigned code : {1u, 2u, 4u, 5u, 9u}) {
    const NormalAnswer answer = normal("x.example.", "A", {.rcode = code});
    EXPECT_EQ(answer.end, End::unknown);
    EXPECT_FALSE(answer.why.empty());
  }
}

// RFC 6672 2.2: the name that the DNAME leads to is over 255 octets.
TEST(NormalAnswer, ADnameThatLeadsTooFarIsAnAnswerThatSaysNothingOfItsEnd) {
  const std::string label(63, 'a');
  const std::string owner = label + "." + label + "." + label + ".d.example.";
  const std::string dname = "d.example. 60 DNAME " + label + "." + label + ".t.\n";
  const auto answer = normal(owner, "A", {.rcode = 6, .answer = dname});
  EXPECT_EQ(answer.end, audit::NormalAnswer::End::unfinished) << answer.why;
  EXPECT_EQ(answer.links.size(), 1u);
  EXPECT_EQ(normal(owner, "A", {.rcode = 6}).end, audit::NormalAnswer::End::unknown);
}

}  // namespace
}  // namespace understudy::test
