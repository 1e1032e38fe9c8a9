// RFC 9471, DNS glue requirements in referral responses.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

constexpr const char* apex = "test. 86400 SOA ns. h. 1 2 3 4 5\ntest. 86400 NS ns.\n";

// `count` servers below the cut, each with an IPv4 and an IPv6 address.
std::string servers_of(const char* cut, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    const std::string host = "a-server-with-a-long-name-" + std::to_string(i) + "." + cut;
    out += std::string(cut) + " 86400 NS " + host + "\n";
    out += host + " 86400 A 192.0.2." + std::to_string(i) + "\n";
    out += host + " 86400 AAAA 2001:db8::" + std::to_string(i + 1) + "\n";
  }
  return out;
}

// 3.1: "When a name server generates a referral response, it MUST include all available glue records for
// in-domain name servers in the additional section or MUST set TC=1 if constrained by message size."
TEST(Rfc9471, Section3_1AllInDomainGlueOrTc) {
  for (const int count : {1, 2, 4, 8, 13, 20, 100}) {
    TestMirror server{{zone("test.", apex + servers_of("foo.test.", count))}};
    const auto glue = static_cast<std::size_t>(2 * count);
    for (const std::uint16_t size : std::initializer_list<std::uint16_t>{512, 700, 900, 1232}) {
      const Message got = server.ask(Query{.name = name("www.foo.test."), .edns = true, .udp_size = size});
      EXPECT_FALSE(got.aa());
      EXPECT_LE(got.size, size);
      EXPECT_TRUE(got.tc() || got.additional.size() == glue) << count << " servers in " << size << " octets";
    }
    const Message whole = server.ask_tcp("www.foo.test.", "A");
    EXPECT_FALSE(whole.tc());
    EXPECT_EQ(whole.authority.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(whole.additional.size(), glue);
  }
}

TEST(Rfc9471, Section3_1GlueIsWhole) {
  TestMirror server{{zone("test.", std::string(apex) + R"(
    foo.test. 86400 NS ns1.foo.test.
    foo.test. 86400 NS ns2.foo.test.
    ns1.foo.test. 86400 A 192.0.2.1
    ns1.foo.test. 86400 A 192.0.2.2
    ns2.foo.test. 86400 AAAA 2001:db8::2:2
    other.foo.test. 86400 A 192.0.2.77
  )")}};
  const Message got = server.ask("www.foo.test.", "A");
  EXPECT_EQ(shown(got.authority),
            shown("foo.test. 86400 NS ns1.foo.test.\nfoo.test. 86400 NS ns2.foo.test."));
  EXPECT_EQ(shown(got.additional), shown(R"(
    ns1.foo.test. 86400 A 192.0.2.1
    ns1.foo.test. 86400 A 192.0.2.2
    ns2.foo.test. 86400 AAAA 2001:db8::2:2)"));
}

// 2.1: a name server whose name is the cut itself is in-domain too.
TEST(Rfc9471, Section2_1TheCutAsItsOwnServer) {
  TestMirror server{
      {zone("test.", std::string(apex) + "foo.test. 60 NS foo.test.\nfoo.test. 60 A 192.0.2.9")}};
  const Message got = server.ask("www.foo.test.", "A");
  EXPECT_EQ(shown(got.additional), shown("foo.test. 60 A 192.0.2.9"));
  EXPECT_TRUE(server.ask("foo.test.", "A").answer.empty());
}

// 3.2: sibling glue may be left out without TC; what comes must be the zone's.
TEST(Rfc9471, Section3_2SiblingGlueNeverCausesTc) {
  std::string lines = std::string(apex) + "foo.test. 60 NS ns.bar.test.\nbar.test. 60 NS ns.bar.test.\n";
  for (int i = 0; i < 60; ++i) lines += "ns.bar.test. 60 A 192.0.2." + std::to_string(i) + "\n";
  TestMirror server{{zone("test.", lines)}};
  EXPECT_FALSE(server.ask("www.foo.test.", "A").tc());
  EXPECT_TRUE(server.ask("www.bar.test.", "A").tc());
}

}  // namespace

}  // namespace understudy::test
