// [[catalog]] and [[template]].
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config.h"

namespace understudy::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> problems_of(const std::string& text) { return parse_config(text, "f").problems; }

constexpr const char* golden =
    "[[template]]\nname = \"golden\"\nsource = \"axfr://192.0.2.9\"\nrefresh-min = \"7m\"\n";
constexpr const char* catalog = "[[catalog]]\nname = \"Cat.Example\"\nsource = \"axfr://192.0.2.1\"\n";
constexpr const char* allow = "allow = [\"*.test\", \"one.example\"]\n";

TEST(CatalogConfig, EverythingReachesItsPlace) {
  const LoadedConfig loaded = parse_config(std::string(catalog) + allow + R"(
template = "plain"
groups = ["a=b=golden"]
guard = 0.5
guard-ignore-below = 7
allow-query = "192.0.2.7"
allow-transfer = ["192.0.2.8"]
refresh-min = "9m"
[[template]]
name = "plain"
source = ["axfr://192.0.2.2", "axfr://192.0.2.3"]
gate = { shrink = 0.1 }
)" + golden,
                                           "f");
  ASSERT_THAT(loaded.problems, IsEmpty());
  ASSERT_THAT(loaded.config.zones, SizeIs(1));
  const sync::ZoneSettings& zone = loaded.config.zones.front();
  EXPECT_EQ(dns::to_string(zone.apex), "cat.example.");
  EXPECT_TRUE(sync::is_catalog(zone));
  EXPECT_EQ(zone.gate.catalog->share, 0.5);
  EXPECT_EQ(zone.gate.catalog->ignore_below, 7u);
  EXPECT_EQ(zone.gate.shrink, 1) << "a list of zones is judged by its members";
  EXPECT_THAT(*zone.allow_query, SizeIs(2)) << "who may transfer it asks for its SOA first";
  EXPECT_EQ(zone.timers.refresh_min, Seconds(540));
  ASSERT_THAT(loaded.config.catalogs, SizeIs(1));
  const sync::CatalogSettings& settings = loaded.config.catalogs.front();
  EXPECT_EQ(settings.zone, zone.apex);
  EXPECT_THAT(settings.allow, SizeIs(2));
  EXPECT_THAT(settings.member.sources, SizeIs(2));
  EXPECT_EQ(settings.member.gate.shrink, 0.1);
  EXPECT_FALSE(settings.member.allow_query) << "members are for everybody";
  ASSERT_THAT(settings.groups, SizeIs(1));
  EXPECT_EQ(settings.groups.front().first, "a=b");
  EXPECT_EQ(settings.groups.front().second.timers.refresh_min, Seconds(420));
}

TEST(CatalogConfig, WithoutATemplateMembersComeFromTheCatalogsSources) {
  const LoadedConfig loaded = parse_config(std::string(catalog) + allow + "[gate]\nshrink = 0.2\n", "f");
  ASSERT_THAT(loaded.problems, IsEmpty());
  const sync::ZoneSettings& member = loaded.config.catalogs.front().member;
  ASSERT_THAT(member.sources, SizeIs(1));
  EXPECT_EQ(sync::to_string(member.sources.front()), "axfr://192.0.2.1:53");
  EXPECT_EQ(member.gate.shrink, 0.2);
  EXPECT_FALSE(member.gate.catalog);
  EXPECT_EQ(loaded.config.zones.front().gate.catalog->share, 0.3);
}

TEST(CatalogConfig, OneThatIsPublished) {
  const LoadedConfig loaded = parse_config(
      "[[catalog]]\nname = \"ours\"\npublish = \"*\"\npublish-groups = [\"*.a=x\"]\nnotify = \"192.0.2.1\"\n",
      "f");
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.config.catalogs, IsEmpty());
  const sync::ZoneSettings& zone = loaded.config.zones.front();
  ASSERT_TRUE(sync::publishes_catalog(zone));
  EXPECT_TRUE(zone.raise_serial);
  EXPECT_TRUE(zone.allow_query->empty()) << "nobody may ask";
  EXPECT_THAT(zone.notify, SizeIs(1));
}

TEST(CatalogConfig, TellsWhatIsWrong) {
  EXPECT_THAT(problems_of(catalog),
              ElementsAre(HasSubstr("f:1: Cat.Example. says not which zones it may bring")));
  EXPECT_THAT(problems_of("[[catalog]]\nname = \"c\"\n"), ElementsAre(HasSubstr("give either source")));
  EXPECT_THAT(problems_of(std::string(catalog) + allow + "publish = \"*\"\n"),
              ElementsAre(HasSubstr("give either source")));
  EXPECT_THAT(problems_of("[[catalog]]\nname = \"c\"\npublish = \"*\"\nallow = \"*\"\n"),
              ElementsAre(HasSubstr("belong to a catalog with a source")));
  EXPECT_THAT(problems_of("[[catalog]]\nsource = \"axfr://192.0.2.1\"\n"),
              ElementsAre(HasSubstr("without a name")));
  EXPECT_THAT(problems_of(std::string(catalog) + allow + "template = \"none\"\n"),
              ElementsAre(HasSubstr("no [[template]] with the name \"none\"")));
  EXPECT_THAT(problems_of(std::string(catalog) + allow + "groups = \"gold\"\n"),
              ElementsAre(HasSubstr("gold=TEMPLATE")));
  EXPECT_THAT(problems_of(std::string(catalog) + allow + catalog + allow),
              ElementsAre(HasSubstr("configured twice")));
  EXPECT_THAT(problems_of(std::string(catalog) + allow +
                          "[[zone]]\nname = \"cat.example\"\nsource = \"axfr://192.0.2.1\"\n"),
              ElementsAre(HasSubstr("configured twice")));
  EXPECT_THAT(problems_of(std::string(golden) + golden), ElementsAre(HasSubstr("is given twice")));
  EXPECT_THAT(problems_of("[[template]]\nname = \"t\"\n"), ElementsAre(HasSubstr("has no source")));
  EXPECT_THAT(problems_of("[[template]]\nname = \"t\"\nsource = \"axfr://192.0.2.1?key=k\"\n"),
              ElementsAre(HasSubstr("the key k. is not configured")));
  EXPECT_THAT(problems_of("[[catalog]]\nname = \"c\"\nsource = \"nonsense\"\n"),
              ElementsAre(HasSubstr("nonsense")));
  EXPECT_THAT(problems_of(std::string(catalog) + allow + "compare-with = []\n"),
              ElementsAre(HasSubstr("compare-with")));
}

}  // namespace
}  // namespace understudy::app
