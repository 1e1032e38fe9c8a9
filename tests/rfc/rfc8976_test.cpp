// RFC 8976, Message Digest for DNS Zones (ZONEMD). The zones are those of its appendix A.
#include <gtest/gtest.h>

#include <fstream>

#include "backend/overlay_walk.h"
#include "backend/zone_builder.h"
#include "support/test_mirror.h"
#include "sync/zone_file.h"
#include "sync/zonemd.h"

namespace understudy::test {
namespace {

using sync::Zonemd;

constexpr const char* simple = R"(
example.      86400  IN  SOA     ns1 admin 2018031900 1800 900 604800 86400
              86400  IN  NS      ns1
              86400  IN  NS      ns2
              86400  IN  ZONEMD  2018031900 1 1 (
   c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c )
ns1           3600   IN  A       203.0.113.63
ns2           3600   IN  AAAA    2001:db8::63
)";

constexpr const char* complex = R"(
example.      86400  IN  SOA     ns1 admin 2018031900 1800 900 604800 86400
              86400  IN  NS      ns1
              86400  IN  NS      ns2
              86400  IN  ZONEMD  2018031900 1 1 (
   a3b69bad980a3504e1cffcb0fd6397f93848071c93151f552ae2f6b1711d4bd2d8b39808226d7b9db71e34b72077f8fe )
ns1           3600   IN  A       203.0.113.63
NS2           3600   IN  AAAA    2001:db8::63
occluded.sub  7200   IN  TXT     "I'm occluded but must be digested"
sub           7200   IN  NS      ns1
duplicate     300    IN  TXT     "I must be digested just once"
duplicate     300    IN  TXT     "I must be digested just once"
foo.test.     555    IN  TXT     "out-of-zone data must be excluded"
UPPERCASE     3600   IN  TXT     "canonicalize uppercase owner names"
*             777    IN  PTR     dont-forget-about-wildcards
mail          3600   IN  MX      20 MAIL1
mail          3600   IN  MX      10 Mail2.Example.
sortme        3600   IN  AAAA    2001:db8::5:61
sortme        3600   IN  AAAA    2001:db8::3:62
sortme        3600   IN  AAAA    2001:db8::4:63
sortme        3600   IN  AAAA    2001:db8::1:65
sortme        3600   IN  AAAA    2001:db8::2:64
non-apex      900    IN  ZONEMD  2018031900 1 1 (
   616c6c6f776564206275742069676e6f7265642e20616c6c6f776564206275742069676e6f7265642e20616c6c6f7765 )
)";

constexpr const char* multiple = R"(
example.      86400  IN  SOA     ns1 admin 2018031900 1800 900 604800 86400
example.      86400  IN  NS      ns1.example.
example.      86400  IN  NS      ns2.example.
example.      86400  IN  ZONEMD  2018031900 1 1 (
   62e6cf51b02e54b9b5f967d547ce43136792901f9f88e637493daaf401c92c279dd10f0edb1c56f8080211f8480ee306 )
example.      86400  IN  ZONEMD  2018031900 1 2 (
   08cfa1115c7b948c4163a901270395ea226a930cd2cbcf2fa9a5e6eb85f37c8a
   4e114d884e66f176eab121cb02db7d652e0cc4827e7a3204f166b47e5613fd27 )
example.      86400  IN  ZONEMD  2018031900 1 240 e2d523f654b9422a96c5a8f44607bbee
example.      86400  IN  ZONEMD  2018031900 241 1 e1846540e33a9e4189792d18d5d131f605fc283e
ns1.example.  3600   IN  A       203.0.113.63
ns2.example.  86400  IN  TXT     "This example has multiple digests"
NS2.EXAMPLE.  3600   IN  AAAA    2001:db8::63
)";

class Rfc8976 : public ::testing::Test {
 protected:
  sync::ZonemdResult verify(const std::string& text) {
    const std::string path = directory_.path() + "/zone";
    std::ofstream(path) << text;
    const dns::Name apex = *dns::Name::from_text("example.");
    backend::BuildOptions options;
    options.apex = apex;
    options.spool_directory = directory_.path();
    backend::ZoneBuilder builder(options);
    const auto read = sync::read_zone_file(path, apex, [&](const dns::RecordView& record) {
      return record.owner.is_at_or_below(apex) ? builder.add(record) : Result<>();
    });
    EXPECT_TRUE(read) << read.error().message;
    auto nodes = std::make_shared<std::vector<backend::StoredNode>>();
    EXPECT_TRUE(builder.finish([&](std::vector<backend::StoredNode> some) {
      std::move(some.begin(), some.end(), std::back_inserter(*nodes));
      return Result<>();
    }));
    const auto result = sync::verify_zonemd(apex, [&]() -> Result<std::unique_ptr<backend::NodeWalk>> {
      return backend::walk_overlay(nullptr, nodes);
    });
    EXPECT_TRUE(result);
    return *result;
  }
  static std::string with(std::string text, std::string_view what, std::string_view instead) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), instead);
  }

  TemporaryDirectory directory_;
};

// A.1, and any change of it: of data, of a TTL, of the SOA.
TEST_F(Rfc8976, SectionA1SimpleExample) {
  EXPECT_EQ(verify(simple).outcome, Zonemd::verified);
  EXPECT_EQ(verify(with(simple, "203.0.113.63", "203.0.113.64")).outcome, Zonemd::wrong);
  EXPECT_EQ(verify(with(simple, "3600   IN  A ", "3601   IN  A ")).outcome, Zonemd::wrong);
  EXPECT_EQ(verify(with(simple, "604800", "604801")).outcome, Zonemd::wrong);
}

// 3.3.1.1: "Occluded data ([RFC5936], Section 3.5) MUST be included." "If there are duplicate RRs with equal
// owner, class, type, and RDATA, only one instance is included ([RFC4034], Section 6.3) and the duplicates
// MUST be omitted." "The placeholder apex ZONEMD RR(s) MUST NOT be included."
TEST_F(Rfc8976, SectionA2ComplexExample) {
  EXPECT_EQ(verify(complex).outcome, Zonemd::verified);
  EXPECT_EQ(verify(with(complex, "I'm occluded", "I am occluded")).outcome, Zonemd::wrong);
  EXPECT_EQ(verify(with(complex, "7765 )", "7766 )")).outcome, Zonemd::wrong)
      << "the one that is not at the apex";
}

// A.3: each of the digests that are known is enough.
TEST_F(Rfc8976, SectionA3MultipleDigests) {
  EXPECT_EQ(verify(multiple).outcome, Zonemd::verified);
  EXPECT_EQ(verify(with(multiple, "62e6cf51", "62e6cf52")).outcome, Zonemd::verified) << "SHA-512 is right";
  EXPECT_EQ(verify(with(multiple, "08cfa111", "08cfa112")).outcome, Zonemd::verified) << "SHA-384 is right";
  EXPECT_EQ(verify(with(with(multiple, "62e6cf51", "62e6cf52"), "08cfa111", "08cfa112")).outcome,
            Zonemd::wrong);
}

// 4: the ZONEMD has to be of the SOA's serial, and the only one of its scheme and algorithm.
TEST_F(Rfc8976, Section4OfTheSerialAndTheOnlyOneOfItsKind) {
  const auto other = verify(with(simple, "ZONEMD  2018031900", "ZONEMD  2018031899"));
  EXPECT_EQ(other.outcome, Zonemd::wrong);
  EXPECT_NE(other.message.find("2018031899"), std::string::npos);
  const std::string twice =
      std::string(simple) + "example. 86400 IN ZONEMD 2018031900 1 1 " + std::string(96, 'a');
  EXPECT_EQ(verify(twice).outcome, Zonemd::unsupported);
}

TEST_F(Rfc8976, Section4WhatIsNotThereOrNotKnownIsNotWrong) {
  EXPECT_EQ(verify("example. 60 IN SOA ns h 1 2 3 4 5\nexample. 60 IN NS ns\n").outcome, Zonemd::absent);
  EXPECT_EQ(verify(with(simple, "2018031900 1 1 (", "2018031900 1 240 (")).outcome, Zonemd::unsupported);
  EXPECT_EQ(verify(with(simple, "2018031900 1 1 (", "2018031900 241 1 (")).outcome, Zonemd::unsupported);
}

}  // namespace
}  // namespace understudy::test
