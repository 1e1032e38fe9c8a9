// Zones that come and go at run time, in the mirror: remembered, unserved, forgotten. Times are made up.
#include <gtest/gtest.h>

#include "unit/backend/mirror_fixture.h"

namespace understudy::backend {
namespace {

class AddedZones : public MirrorFixture {
 protected:
  // A version of one node, whole; its generation.
  Generation publish(std::string_view apex, Version version) {
    std::vector<NewVersion> versions(1);
    NewVersion& next = versions.front();
    next.apex = name(apex);
    next.row = *writer().ensure_zone(next.apex);
    next.row.version = version;
    next.row.generation = *writer().begin(next.row.id);
    EXPECT_TRUE(writer().put(next.row.generation, {{{'x', 0}, {0, 0, 0, 0}}}));
    EXPECT_TRUE(writer().publish(versions));
    return next.row.generation;
  }
  // Which zones are unserved since when, as text.
  std::string unserved() {
    std::string text;
    for (const UnservedZone& zone : reader()->unserved())
      text += dns::to_string(zone.apex) + std::to_string(zone.since) + " ";
    return text;
  }
};

TEST_F(AddedZones, are_remembered_with_their_options_until_removed) {
  const AddedZone zone{name("Z.test."), 100, {{"source", "axfr://192.0.2.1"}, {"source", "file:/z"}}};
  const auto row = writer().add_zone(zone);
  ASSERT_TRUE(row);
  EXPECT_TRUE(writer().add_zone({name("."), 101, {}}));
  mirror_.reset();
  ASSERT_EQ(reader()->added().size(), 2u);
  EXPECT_EQ(dns::to_string(reader()->added()[0].apex), ".");
  EXPECT_EQ(reader()->added()[1].options, zone.options);
  EXPECT_EQ(reader()->added()[1].added, 100);
  EXPECT_EQ(reader()->zone(name("z.test."))->id, row->id);

  EXPECT_TRUE(writer().remove_zone(name("z.TEST."), 200));
  EXPECT_EQ(reader()->added().size(), 1u);
  EXPECT_EQ(unserved(), "z.test.200 ");
  EXPECT_EQ(writer().add_zone(zone)->id, row->id) << "it comes back to its own data";
  EXPECT_EQ(unserved(), "");
}

TEST_F(AddedZones, what_is_not_served_is_noted_once) {
  EXPECT_TRUE(writer().ensure_zones({name("a."), name("b."), name("c.")}));
  EXPECT_TRUE(writer().add_zone({name("d."), 5, {{"strange", "option"}}}));
  EXPECT_TRUE(writer().note_served({name("a."), name("B.")}, 10));
  EXPECT_EQ(unserved(), "c.10 ") << "d. is an added zone, though not understood";
  EXPECT_TRUE(writer().note_served({name("a.")}, 20));
  EXPECT_EQ(unserved(), "b.20 c.10 ");
  EXPECT_TRUE(writer().note_served({name("c.")}, 30));
  EXPECT_EQ(unserved(), "a.30 b.20 ");
}

TEST_F(AddedZones, what_is_unserved_for_long_is_forgotten_with_its_nodes) {
  const ZoneRow before = *writer().ensure_zone(name("old."));
  const Generation first = publish("old.", 1), second = publish("old.", 2);  // the first is kept whole
  publish("newer.", 1);
  EXPECT_TRUE(writer().remove_zone(name("old."), 1000));
  EXPECT_TRUE(writer().remove_zone(name("newer."), 1001));

  EXPECT_TRUE(writer().forget_unserved(999)->empty());
  EXPECT_TRUE(reader()->zone(name("old.")));
  const auto forgotten = writer().forget_unserved(1000);
  ASSERT_TRUE(forgotten);
  ASSERT_EQ(forgotten->size(), 1u);
  EXPECT_EQ(forgotten->front(), name("old."));
  EXPECT_FALSE(reader()->zone(name("old.")));
  EXPECT_FALSE(reader()->timers(before.id));
  EXPECT_TRUE(reader()->versions(before.id).empty());
  EXPECT_EQ(reader()->versions(reader()->zone(name("newer."))->id).size(), 1u);
  EXPECT_TRUE(reader()->zone(name("newer.")));
  EXPECT_EQ(unserved(), "newer.1001 ");

  FoundNode found;
  {
    const auto look = reader();
    EXPECT_TRUE(look->seek(second, {}, found)) << "in small steps, later";
  }
  while (*writer().collect()) {
  }
  EXPECT_FALSE(reader()->seek(first, {}, found));
  EXPECT_FALSE(reader()->seek(second, {}, found));
  EXPECT_TRUE(writer().forget_unserved(1000)->empty());
  EXPECT_NE(writer().ensure_zone(name("old."))->id, before.id) << "ids are never used again";
}

}  // namespace
}  // namespace understudy::backend
