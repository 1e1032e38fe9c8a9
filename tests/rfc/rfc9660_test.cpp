// RFC 9660, The DNS zone version (ZONEVERSION) option.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

constexpr std::uint16_t zone_version_code = 19;  // 7.1
constexpr const char* lines = R"(
  example.com. 60 SOA ns. h. 2023041300 2 3 4 5
  example.com. 60 NS ns.
  a.example.com. 60 A 192.0.2.1
  alias.example.com. 60 CNAME out.example.net.
  inside.example.com. 60 CNAME www.child.example.com.
  sub.example.com. 60 NS ns.elsewhere.
)";

class Rfc9660 : public ::testing::Test {
 protected:
  TestMirror server_{{zone("example.com.", lines),
                      zone("child.example.com.",
                           "child.example.com. 60 SOA ns. h. 7 2 3 4 5\nchild.example.com. 60 NS "
                           "ns.\nwww.child.example.com. 60 A 192.0.2.2"),
                      zone(".", ". 60 SOA ns. h. 4294967295 2 3 4 5\n. 60 NS ns.")}};

  Message ask(std::string_view asked, const Bytes& data = {}) {
    return server_.ask(Query{.name = name(asked), .edns = true, .options = option(zone_version_code, data)});
  }
  std::optional<Bytes> version(std::string_view asked) { return option_of(ask(asked), zone_version_code); }
};

// 2: LABELCOUNT, "the number of labels for the name of the zone that VERSION value refers to", TYPE,
// VERSION; 7.2: type 0 is SOA-SERIAL, in 4 octets.
TEST_F(Rfc9660, Section2LabelsTypeAndSerial) {
  EXPECT_EQ(version("a.example.com."), from_hex("0200"
                                                "78952914"));
  EXPECT_EQ(version("www.child.example.com."), from_hex("0300"
                                                        "00000007"));
  EXPECT_EQ(version("org."), from_hex("0000"
                                      "ffffffff"));
}

// 3.2: of the zone that encloses the original QNAME, whatever the answer is: data, denial, alias, referral.
TEST_F(Rfc9660, Section3_2OfTheZoneThatEnclosesTheQname) {
  for (const char* asked : {"a.example.com.", "missing.example.com.", "alias.example.com.",
                            "inside.example.com.", "x.sub.example.com.", "example.com."}) {
    EXPECT_EQ(version(asked), from_hex("020078952914")) << asked;
  }
}

// 3.2: "Otherwise, a server MUST NOT include a ZONEVERSION option in the response."
TEST_F(Rfc9660, Section3_2NotUnlessAskedNorOfOthersZones) {
  EXPECT_FALSE(
      option_of(server_.ask(Query{.name = name("a.example.com."), .edns = true}), zone_version_code));
  TestMirror other({zone("example.com.", lines)});
  const Message refused =
      other.ask(Query{.name = name("example.net."), .edns = true, .options = option(zone_version_code)});
  EXPECT_EQ(refused.rcode, rcode::refused);
  EXPECT_FALSE(option_of(refused, zone_version_code));
}

// 3.1: in a query the option is empty.
TEST_F(Rfc9660, Section3_1DataInAQueryIsAFormatError) {
  EXPECT_EQ(ask("a.example.com.", {0}).rcode, rcode::formerr);
  EXPECT_EQ(ask("a.example.com.", from_hex("020000000001")).rcode, rcode::formerr);
}

}  // namespace

}  // namespace understudy::test
