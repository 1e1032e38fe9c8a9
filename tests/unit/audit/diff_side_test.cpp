// How the sides of a diff are written, and a zone file as one of them.
#include "audit/diff_side.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/test_mirror.h"

namespace understudy::audit {
namespace {

dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

TEST(DiffSide, IsReadAndWrittenAlike) {
  for (const std::string text : {"mirror:", "mirror:@7", "file:a b.zone", "axfr://192.0.2.1:53",
                                 "axfr://[2001:db8::1]:5300", "dns://192.0.2.1:53"}) {
    const auto side = parse_side(text);
    ASSERT_TRUE(side) << text << ": " << side.error().message;
    EXPECT_EQ(to_string(*side), text);
  }
  EXPECT_EQ(to_string(*parse_side("dns://2001:db8::1")), "dns://[2001:db8::1]:53");
}

TEST(DiffSide, RefusesWhatIsNone) {
  for (const std::string text :
       {"", "mirror", "mirror:7", "mirror:@", "mirror:@0", "mirror:@-1", "mirror:@7x",
        "mirror:@99999999999999999999", "dns://", "dns://name.example", "file:", "zone.txt"}) {
    const auto side = parse_side(text);
    ASSERT_FALSE(side) << text;
    EXPECT_NE(side.error().message.find("mirror:"), text.starts_with("dns") ? 0 : std::string::npos)
        << side.error().message;
  }
}

class ZoneFile : public ::testing::Test {
 protected:
  sync::SourceSpec file(std::string_view text) {
    std::ofstream(path()) << text;
    return sync::FileSource{path()};
  }
  std::string path() const { return directory_.path() + "/zone"; }
  std::string spool() const { return directory_.path(); }

 private:
  test::TemporaryDirectory directory_;
};

TEST_F(ZoneFile, IsGatheredInCanonicalOrderWithoutWhatLiesOutside) {
  const auto zone = GatheredZone::from(file("z. 60 SOA ns.z. h.z. 1 2 3 4 5\nb.z. 60 A 192.0.2.2\nother. 60 "
                                            "A 192.0.2.9\na.z. 60 A 192.0.2.1\n"),
                                       name("z."), spool());
  ASSERT_TRUE(zone) << zone.error().message;
  EXPECT_EQ((*zone)->out_of_zone(), 1u);
  EXPECT_EQ((*zone)->first_out_of_zone(), "other. A");
  std::string owners;
  backend::WalkedNode node;
  while (*(*zone)->walk().next(node)) owners += dns::to_string(node.owner) + " ";
  EXPECT_EQ(owners, "z. a.z. b.z. ");
}

TEST_F(ZoneFile, OfAnotherZoneIsRefused) {
  const auto zone = GatheredZone::from(file("y. 60 SOA ns.y. h.y. 1 2 3 4 5\n"), name("z."), spool());
  ASSERT_FALSE(zone);
  EXPECT_NE(zone.error().message.find("no SOA record of z. (it has y. SOA)"), std::string::npos)
      << zone.error().message;
  EXPECT_FALSE(GatheredZone::from(sync::FileSource{path() + ".none"}, name("z."), spool()));
}

TEST_F(ZoneFile, NamesItsZoneByItsSoa) {
  file("$ORIGIN Z.\n$TTL 60\nwww A 192.0.2.1\n@ SOA ns h 1 2 3 4 5\nbroken line\n");
  EXPECT_EQ(dns::to_string(*zone_of_file(path())), "Z.");
  file("www.z. 60 A 192.0.2.1\n");
  const auto none = zone_of_file(path());
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("--zone"), std::string::npos) << none.error().message;
}

}  // namespace
}  // namespace understudy::audit
