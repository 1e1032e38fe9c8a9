// Zones that were added at run time, as a start finds them in the mirror.
#include "app/zone_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/app/command.h"

namespace understudy::app {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

std::vector<sync::ZoneSettings> found(const std::vector<backend::AddedZone>& added) {
  const Folder folder;
  backend::MirrorOptions options;
  options.directory = folder.file("");
  options.map_octets = 1u << 30;
  const auto mirror = backend::open_mirror(options);
  EXPECT_TRUE(mirror && (*mirror)->writer().add_zones(added, {}));
  return added_zones(**mirror, {}, {}).value();
}

TEST(AddedZones, AreWhatTheyWere) {
  const auto zones =
      found({{name("a."), 1, {{"source", "axfr://192.0.2.1"}, {"allow-transfer", "192.0.2.7"}}}});
  ASSERT_THAT(zones, SizeIs(1));
  EXPECT_TRUE(zones[0].added);
  EXPECT_THAT(zones[0].sources, SizeIs(1));
  EXPECT_THAT(zones[0].unusable, IsEmpty());
}

// A later program's options, say. The zone is neither lost nor guessed at.
TEST(AddedZones, WithoutSourcesWhereTheyAreNotUnderstood) {
  const auto zones =
      found({{name("a."),
              1,
              {{"source", "axfr://192.0.2.1"}, {"allow-transfer", "192.0.2.8"}, {"of-the-future", "1"}}},
             {name("b."), 1, {{"source", "axfr://192.0.2.1"}}}});
  ASSERT_THAT(zones, SizeIs(2));
  EXPECT_EQ(zones[0].apex, name("a."));
  EXPECT_TRUE(zones[0].added);
  EXPECT_THAT(zones[0].sources, IsEmpty());
  EXPECT_THAT(zones[0].unusable, HasSubstr("of-the-future"));
  EXPECT_THAT(zones[0].unusable, HasSubstr("understudy remove a."));
  EXPECT_THAT(zones[0].allow_transfer, SizeIs(1));
  EXPECT_FALSE(zones[0].allow_query);
  EXPECT_THAT(zones[1].sources, SizeIs(1));
}

// Who may ask it is not understood: nobody, rather than everybody.
TEST(AddedZones, AnAccessListThatIsNotUnderstoodLetsNobodyIn) {
  const auto zones = found({{name("a."), 1, {{"source", "axfr://192.0.2.1"}, {"allow-query", "moon:sea"}}}});
  ASSERT_THAT(zones, SizeIs(1));
  ASSERT_TRUE(zones[0].allow_query);
  EXPECT_THAT(*zones[0].allow_query, IsEmpty());
}

}  // namespace
}  // namespace understudy::app
