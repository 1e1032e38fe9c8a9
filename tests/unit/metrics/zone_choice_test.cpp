// Which zones have series of their own.
#include "metrics/zone_choice.h"

#include <gtest/gtest.h>

namespace understudy::metrics {
namespace {

TEST(ZoneChoice, WithoutPatternsTheFirstThousand) {
  const ZoneChoice choice;
  EXPECT_TRUE(choice.chooses("a.", 0));
  EXPECT_TRUE(choice.chooses("a.", 999));
  EXPECT_FALSE(choice.chooses("a.", 1000));
}

TEST(ZoneChoice, APatternIsANameWithStars) {
  struct Row {
    std::string_view pattern, zone;
    bool chosen;
  };
  for (const Row& row : std::vector<Row>{{"example.com", "example.com.", true},
                                         {"example.com.", "example.com.", true},
                                         {"Example.COM", "example.com.", true},
                                         {"example.com", "www.example.com.", false},
                                         {"example.com", "example.co.", false},
                                         {"*.example.com", "www.example.com.", true},
                                         {"*.example.com", "a.b.example.com.", true},
                                         {"*.example.com", "example.com.", false},
                                         {"*example.com", "example.com.", true},
                                         {"shop-*.de", "shop-7.de.", true},
                                         {"shop-*.de", "shop-7.deep.", false},
                                         {"a*b*c", "a1b2b3c.", true},
                                         {"a*b*c", "a1c2b.", false},
                                         {"prod.*", "prod.example.", true},
                                         {"*", ".", true},
                                         {".", ".", true},
                                         {".", "example.", false},
                                         {"**", "example.", true}}) {
    const ZoneChoice choice({std::string(row.pattern)});
    EXPECT_EQ(choice.chooses(row.zone, 5000), row.chosen) << row.pattern << " " << row.zone;
  }
  const ZoneChoice several({"a.", "b."});
  EXPECT_TRUE(several.chooses("b.", 5000)) << "what a pattern names is not bounded";
}

TEST(ZoneChoice, ManyStarsTakeNoTime) {
  std::string pattern, zone(250, 'a');
  for (int i = 0; i < 60; ++i) pattern += "*a";
  EXPECT_FALSE(ZoneChoice({pattern + "b."}).chooses(zone + ".", 0));
}

}  // namespace
}  // namespace understudy::metrics
