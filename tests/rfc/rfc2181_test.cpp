// RFC 2181, Clarifications to the DNS specification.
#include <gtest/gtest.h>

#include <set>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

constexpr const char* apex = "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.\n";

// 5: "It is meaningless for two records to ever have label, class, type and data all equal - servers should
// suppress such duplicates if encountered."
TEST(Rfc2181, Section5SuppressesDuplicates) {
  TestMirror server{{zone("test.", std::string(apex) + "a.test. 60 A 192.0.2.1\nA.test. 60 A 192.0.2.1\n"
                                                       "a.test. 60 A 192.0.2.2")}};
  EXPECT_EQ(shown(server.ask("a.test.", "A").answer),
            shown("a.test. 60 A 192.0.2.1\na.test. 60 A 192.0.2.2"));
}

// 5.1: "an RRSet ... must be sent whole": all of it or TC.
TEST(Rfc2181, Section5_1SendsRrsetsWhole) {
  TestMirror server{{zone("test.", std::string(apex) + "a.test. 60 A 192.0.2.1\na.test. 60 A 192.0.2.2")}};
  EXPECT_EQ(server.ask("a.test.", "A").answer.size(), 2u);
}

// 5.2: "the TTLs of all RRs in an RRSet must be the same ... treat the RRs ... as if all TTLs in the RRSet
// had been set to the value of the lowest TTL in the RRSet."
TEST(Rfc2181, Section5_2TheLowestTtlIsForAll) {
  TestMirror server{{zone("test.", std::string(apex) + "a.test. 300 A 192.0.2.1\na.test. 20 A 192.0.2.2\n"
                                                       "a.test. 900 TXT other")}};
  EXPECT_EQ(shown(server.ask("a.test.", "A").answer),
            shown("a.test. 20 A 192.0.2.1\na.test. 20 A 192.0.2.2"));
  EXPECT_EQ(shown(server.ask("a.test.", "TXT").answer), shown("a.test. 900 TXT other"));
}

// 6.1: "The NS records at a zone cut are the property of the child"; the parent is not authoritative for
// them, nor for the addresses below the cut.
TEST(Rfc2181, Section6_1TheParentHasNoAuthorityBelowACut) {
  TestMirror server{
      {zone("test.", std::string(apex) + "sub.test. 60 NS ns.sub.test.\nns.sub.test. 60 A 192.0.2.9")}};
  for (const char* below : {"sub.test.", "ns.sub.test.", "x.sub.test."}) {
    const Message got = server.ask(below, "A");
    EXPECT_FALSE(got.aa()) << below;
    EXPECT_TRUE(got.answer.empty()) << below;
    EXPECT_EQ(shown(got.authority), shown("sub.test. 60 NS ns.sub.test.")) << below;
  }
}

// 9: "Where TC is set, the partial RRSet that would not completely fit may be left in the response." "...The
// TC bit should be set in responses only when an RRSet is required as a part of the response, but could not
// be included in its entirety." We leave none of it, so what is there is whole.
TEST(Rfc2181, Section9TruncatesAtWholeRrsets) {
  std::string lines = std::string(apex) + "alias.test. 60 CNAME many.test.\n";
  for (int i = 0; i < 60; ++i) lines += "many.test. 60 A 192.0.2." + std::to_string(i) + "\n";
  TestMirror server{{zone("test.", lines)}};
  const Message got = server.ask("alias.test.", "A");
  EXPECT_TRUE(got.tc());
  std::size_t addresses = 0;
  for (const Rr& record : got.answer) addresses += record.type == type::A ? 1 : 0;
  EXPECT_TRUE(addresses == 0 || addresses == 60) << addresses;
}

// 9: "The TC bit should not be set merely because some extra information could have been included".
TEST(Rfc2181, Section9NoTcForWhatIsNotRequired) {
  std::string lines = std::string(apex) + "sub.test. 60 NS ns1.test.\n";
  for (int i = 0; i < 60; ++i) lines += "ns1.test. 60 A 192.0.2." + std::to_string(i) + "\n";
  TestMirror server{{zone("test.", lines)}};
  const Message got = server.ask("x.sub.test.", "A");
  EXPECT_FALSE(got.tc());
  EXPECT_EQ(shown(got.authority), shown("sub.test. 60 NS ns1.test."));
}

// 10.1: "An alias name (label of a CNAME record) may, if DNSSEC is in use, have SIG, NXT, and KEY RRs, but
// may have no other data": questions for other types are led to the canonical name.
TEST(Rfc2181, Section10_1EveryOtherTypeIsLedOn) {
  TestMirror server{{zone("test.", std::string(apex) + "a.test. 60 CNAME b.test.\nb.test. 60 TXT hello")}};
  EXPECT_EQ(shown(server.ask("a.test.", "TXT").answer),
            shown("a.test. 60 CNAME b.test.\nb.test. 60 TXT hello"));
  EXPECT_EQ(shown(server.ask("a.test.", "MX").answer), shown("a.test. 60 CNAME b.test."));
}

// 11: "any binary string whatever can be used as the label of any resource record."
TEST(Rfc2181, Section11LabelsAreBinary) {
  ZoneText text = zone("test.", apex);
  const std::vector<std::string> labels{std::string("\0", 1),
                                        std::string("\0\0", 2),
                                        "\x01",
                                        std::string("\x01\x01"),
                                        "a.b",
                                        " ",
                                        "\xff\xfe",
                                        "\\"};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text.records.push_back({{labels[i], "test"}, type::A, 60, {192, 0, 2, static_cast<std::uint8_t>(i)}});
  }
  TestMirror server{{text}};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const Message got = server.ask(Query{.name = {labels[i], "test"}});
    ASSERT_EQ(got.answer.size(), 1u) << text_of({labels[i], "test"});
    EXPECT_EQ(got.answer[0].rdata.at(3), i);
  }
  EXPECT_EQ(server.ask("a.b.test.", "A").rcode, rcode::nxdomain);  // two labels, not the one with a dot in it
}

}  // namespace

}  // namespace understudy::test
