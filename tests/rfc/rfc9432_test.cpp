// RFC 9432, DNS Catalog Zones. What changes hands between servers is in tests/interop/catalog.py. What stands
// in quotation marks is the wording of the working group's draft, which the RFC smoothed here and there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "backend/overlay_walk.h"
#include "support/test_mirror.h"
#include "sync/catalog.h"
#include "sync/catalog_writer.h"
#include "sync/membership.h"
#include "sync/reasons.h"
#include "sync/zone_file.h"
#include "sync/zone_key.h"

namespace understudy::test {
namespace {

using sync::Catalog;
using sync::CatalogSettings;
using sync::Members;
using sync::Membership;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

dns::Name dname(std::string_view text) { return *dns::Name::from_text(text); }
std::string key(std::string_view text) { return sync::key_of(dname(text)); }

constexpr const char* head = "@ 0 SOA invalid. invalid. 1 3600 600 86400 0\n@ 0 NS invalid.\n";
constexpr const char* version = "version 0 TXT \"2\"\n";

// What `fill` puts into the zone, as it is stored, read as a catalog.
Result<Catalog> read_built(std::string_view apex,
                           const std::function<Result<>(backend::ZoneBuilder&)>& fill) {
  const TemporaryDirectory directory;
  backend::ZoneBuilder builder({dname(apex), directory.path()});
  if (const Result<> filled = fill(builder); !filled) return filled.error();
  auto nodes = std::make_shared<std::vector<backend::StoredNode>>();
  const auto built = builder.finish([&](std::vector<backend::StoredNode> more) {
    nodes->insert(nodes->end(), more.begin(), more.end());
    return Result<>();
  });
  if (!built) return built.error();
  const auto walk = backend::walk_overlay(nullptr, nodes);
  return sync::read_catalog(dname(apex), *walk);
}
// A zone of these lines.
Result<Catalog> read(const std::string& lines, std::string_view apex = "catz.") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/zone";
  std::ofstream(path) << head << lines;
  return read_built(apex, [&](backend::ZoneBuilder& builder) {
    return sync::read_zone_file(path, dname(apex), [&](const dns::RecordView& r) { return builder.add(r); });
  });
}
Catalog good(const std::string& lines, std::string_view apex = "catz.") {
  auto catalog = read(version + lines, apex);
  EXPECT_TRUE(catalog) << catalog.error().message;
  return catalog ? *catalog : Catalog();
}
std::string broken(const std::string& lines) {
  const auto catalog = read(lines);
  if (catalog) return "not broken";
  EXPECT_EQ(catalog.error().reason, sync::reason::catalog_broken);
  return catalog.error().message;
}
// zone=label of each.
std::vector<std::string> members(const Catalog& catalog) {
  std::vector<std::string> all;
  for (const auto& [of, member] : catalog.members)
    all.push_back(dns::to_string(member.zone) + "=" + member.label);
  return all;
}

CatalogSettings catalog_settings(std::string_view zone, const std::vector<std::string>& groups = {}) {
  CatalogSettings settings;
  settings.zone = dname(zone);
  settings.allow = {*sync::NamePattern::parse("*")};
  for (const std::string& group : groups) settings.groups.emplace_back(group, sync::ZoneSettings());
  return settings;
}

// A consumer of a.catz. and b.catz.: what they say, and what follows.
class Consumer : public testing::Test {
 protected:
  Membership settle() {
    Membership next = sync::resolve(
        {{&a_, a_content_ ? &*a_content_ : nullptr}, {&b_, b_content_ ? &*b_content_ : nullptr}}, members_,
        [this](const dns::Name& zone) -> std::string_view {
          return zone == taken_ ? "the configuration has it" : "";
        });
    members_ = next.members;
    return next;
  }
  void a(const std::string& lines) { a_content_ = good(lines, "a.catz."); }
  void b(const std::string& lines) { b_content_ = good(lines, "b.catz."); }
  // catalog/label of a member; empty: it is none.
  std::string owner(std::string_view zone) {
    const auto found = members_.find(key(zone));
    if (found == members_.end()) return "";
    return dns::to_string(found->second.catalog) + "/" + found->second.label;
  }

  CatalogSettings a_ = catalog_settings("a.catz.", {"gold", "silver"}), b_ = catalog_settings("b.catz.");
  std::optional<Catalog> a_content_, b_content_;
  Members members_;
  dns::Name taken_ = dname("taken.example.");
};

// "The names of member zones are represented on the RDATA side (instead of as a part of owner names) of a PTR
// record".
TEST(CatalogZone, Section4_2MembersArePtrRecordsBelowZones) {
  EXPECT_THAT(
      members(good("u1.zones 0 PTR example.com.\nU2.ZONES 0 PTR Example.NET.\nother 0 PTR no.example.\n")),
      ElementsAre("example.com.=u1", "example.net.=u2"));
  EXPECT_THAT(members(good("")), IsEmpty()) << "no member is a catalog as well";
}

// "This PTR record MUST be the only record in the PTR RRset with the same name. The presence of more than one
// record in the RRset indicates a broken catalog zone that MUST NOT be processed".
TEST(CatalogZone, Section4_2OnePtrAtANode) {
  EXPECT_THAT(broken(std::string(version) + "u1.zones 0 PTR a.example.\nu1.zones 0 PTR b.example.\n"),
              HasSubstr("u1.zones.catz. has 2 PTR records"));
}

// "When different <unique-N> labels hold the same PTR value (i.e., point to the same member zone), the
// catalog zone is broken".
TEST(CatalogZone, Section4_2OneNodeForAZone) {
  EXPECT_THAT(broken(std::string(version) + "u1.zones 0 PTR a.example.\nu2.zones 0 PTR A.example.\n"),
              HasSubstr("u1 and u2 both stand for the zone a.example."));
}

// "Catalog consumers SHOULD ignore records they do not understand", and types that a property does not have.
TEST(CatalogZone, Section4_3WhatIsNotUnderstoodIsIgnored) {
  EXPECT_THAT(members(good("u1.zones 0 PTR a.example.\nu1.zones 0 TXT \"x\"\nu2.zones 0 TXT \"y\"\n"
                           "version 0 A 192.0.2.1\nstrange 0 TXT \"z\"\nx.y.u1.zones 0 PTR deep.example.\n"
                           "coo.u1.zones 0 TXT \"text\"\ngroup.u2.zones 0 TXT \"of no member\"\n")),
              ElementsAre("a.example.=u1"));
}

// "Catalog consumers MUST NOT apply catalog zone processing to: zones without the version property; zones
// with a version property with more than one RR in the RRset; zones with a version property without an
// expected value".
TEST(CatalogZone, Section4_3_1TheVersionIsTwo) {
  EXPECT_THAT(broken("u1.zones 0 PTR a.example.\n"), HasSubstr("it says no version"));
  EXPECT_THAT(broken("version 0 A 192.0.2.1\n"), HasSubstr("it says no version"));
  EXPECT_THAT(broken("version 0 TXT \"2\"\nversion 0 TXT \"3\"\n"), HasSubstr("it says 2 versions"));
  EXPECT_THAT(broken("version 0 TXT \"1\"\n"), HasSubstr("its version is 1, and only 2"));
  EXPECT_THAT(broken("version 0 TXT \"2\" \"\"\n"), HasSubstr("not one text"));
  EXPECT_THAT(broken("version 0 TXT \"\\027[2J\"\n"), HasSubstr("\\027[2J")) << "what is foreign is escaped";
}

// "The PTR RRset MUST consist of a single PTR record. More than one record in the RRset denotes a broken
// catalog zone".
TEST(CatalogZone, Section4_4_1OneNewOwner) {
  const Catalog catalog = good("u1.zones 0 PTR a.example.\ncoo.u1.zones 0 PTR NEW.catz.\n");
  EXPECT_EQ(catalog.find(key("a.example."))->coo, dname("new.catz."));
  EXPECT_THAT(broken(std::string(version) +
                     "u1.zones 0 PTR a.example.\ncoo.u1.zones 0 PTR x.\ncoo.u1.zones 0 PTR y.\n"),
              HasSubstr("coo.u1.zones.catz. has 2 PTR records"));
}

// "it does not migrate the member zone immediately. The migration has to wait for an update of $NEWCATZ in
// which the member zone is present."
TEST_F(Consumer, Section4_4_1OwnershipChangesWhenBothSaySo) {
  a("u.zones 0 PTR z.example.\n");
  settle();
  a("u.zones 0 PTR z.example.\ncoo.u.zones 0 PTR b.catz.\n");
  settle();
  EXPECT_EQ(owner("z.example."), "a.catz./u") << "the new one does not have it yet";
  b("u.zones 0 PTR z.example.\n");
  const Membership moved = settle();
  EXPECT_EQ(owner("z.example."), "b.catz./u");
  EXPECT_THAT(moved.reset, IsEmpty()) << "the same label: its data go with it";
  EXPECT_THAT(moved.refused, IsEmpty());
  a("");
  settle();
  EXPECT_EQ(owner("z.example."), "b.catz./u") << "the old one may let go of it now";
}

// "The consumer MUST verify, before the actual migration, that the coo property pointing to $NEWCATZ is still
// present in $OLDCATZ."
TEST_F(Consumer, Section4_4_1AnOfferThatWasTakenBack) {
  a("u.zones 0 PTR z.example.\ncoo.u.zones 0 PTR b.catz.\n");
  settle();
  a("u.zones 0 PTR z.example.\n");
  b("u.zones 0 PTR z.example.\n");
  const Membership kept = settle();
  EXPECT_EQ(owner("z.example."), "a.catz./u");
  ASSERT_EQ(kept.refused.size(), 1u);
  EXPECT_EQ(kept.refused.front().reason, sync::reason::catalog_clash);
}

// "Unless the member node label (i.e., <unique-N>) for the member is the same in $NEWCATZ, all its associated
// state MUST be reset".
TEST_F(Consumer, Section4_4_1AnotherLabelResets) {
  a("u.zones 0 PTR z.example.\ncoo.u.zones 0 PTR b.catz.\n");
  settle();
  b("v.zones 0 PTR z.example.\n");
  EXPECT_THAT(settle().reset, ElementsAre(key("z.example.")));
  EXPECT_EQ(owner("z.example."), "b.catz./v");
}

// Two that offer a zone to one another: it stays where it is, and nothing goes round in circles.
TEST_F(Consumer, Section4_4_1OffersInACircle) {
  a("u.zones 0 PTR z.example.\ncoo.u.zones 0 PTR b.catz.\n");
  b("u.zones 0 PTR z.example.\ncoo.u.zones 0 PTR a.catz.\n");
  settle();
  EXPECT_EQ(owner("z.example."), "a.catz./u");
  settle();
  EXPECT_EQ(owner("z.example."), "a.catz./u");
}

// "The consumer MUST ignore group property values it does not understand."
TEST_F(Consumer, Section4_4_2TheFirstGroupThatIsKnown) {
  a("u.zones 0 PTR z.example.\ngroup.u.zones 0 TXT \"copper\"\ngroup.u.zones 0 TXT \"silver\"\n"
    "v.zones 0 PTR y.example.\ngroup.v.zones 0 TXT \"copper\"\n"
    "w.zones 0 PTR x.example.\ngroup.w.zones 0 TXT \"gold\" \"silver\"\n");
  settle();
  EXPECT_EQ(members_.at(key("z.example.")).group, "silver");
  EXPECT_EQ(members_.at(key("y.example.")).group, "");
  EXPECT_EQ(members_.at(key("x.example.")).group, "") << "no value that anybody may understand";
}

// "<your-property>.ext.<unique-N>.zones.$CATZ": custom properties stand below ext.
TEST(CatalogZone, Section4_5CustomPropertiesAreLeftAlone) {
  EXPECT_THAT(members(good("u1.zones 0 PTR a.example.\ncoo.ext.u1.zones 0 PTR x.\ncoo.ext.u1.zones 0 PTR y.\n"
                           "version.ext 0 TXT \"7\"\nu9.zones.ext 0 PTR b.example.\n")),
              ElementsAre("a.example.=u1"));
}

// "When a previously correct catalog zone becomes a broken catalog zone ... Member zones previously
// configured by this catalog MUST NOT be removed or reconfigured in any way."
TEST_F(Consumer, Section5_1ABrokenCatalogChangesNothing) {
  a("u.zones 0 PTR z.example.\n");
  settle();
  a_content_.reset();
  b("v.zones 0 PTR z.example.\n");
  settle();
  EXPECT_EQ(owner("z.example."), "a.catz./u");
}

// "If there is a clash between an existing zone's name (either from an existing member zone or an otherwise
// configured zone) and an incoming member zone's name ..., the new instance of the zone MUST be ignored".
TEST_F(Consumer, Section5_2TheFirstKeepsTheZone) {
  b("v.zones 0 PTR z.example.\n");
  settle();
  a("u.zones 0 PTR z.example.\nt.zones 0 PTR taken.example.\n");
  const Membership next = settle();
  EXPECT_EQ(owner("z.example."), "b.catz./v") << "though a.catz. stands first in the configuration";
  EXPECT_EQ(owner("taken.example."), "");
  ASSERT_EQ(next.refused.size(), 2u);
  EXPECT_THAT(next.refused[0].message, HasSubstr("the configuration has it"));
  EXPECT_THAT(next.refused[1].message, HasSubstr("member of the catalog b.catz. already"));
}

// "Only when the zone was configured from a specific catalog zone, and the zone is removed as a member from
// that specific catalog zone, the zone and associated state ... MUST be removed."
TEST_F(Consumer, Section5_3OnlyItsOwnCatalogRemovesAZone) {
  a("u.zones 0 PTR z.example.\n");
  b("u.zones 0 PTR z.example.\n");
  settle();
  b("");
  settle();
  EXPECT_EQ(owner("z.example."), "a.catz./u");
  a("");
  settle();
  EXPECT_EQ(owner("z.example."), "");
}

// "When via a single update or transfer, the member node's label value (<unique-N>) changes, catalog
// consumers MUST process this as a member zone removal including all the zone's associated state, immediately
// followed by processing the member as a newly to be configured zone in the same catalog."
TEST_F(Consumer, Section5_4AnotherLabelIsAnotherZone) {
  a("u.zones 0 PTR z.example.\nv.zones 0 PTR y.example.\n");
  settle();
  a("w.zones 0 PTR z.example.\nv.zones 0 PTR y.example.\n");
  EXPECT_THAT(settle().reset, ElementsAre(key("z.example.")));
  EXPECT_EQ(owner("z.example."), "a.catz./w");
  EXPECT_THAT(settle().reset, IsEmpty()) << "once";
}

// Without coo: "first removing the member zone from $OLDCATZ and second adding the member zone to $NEWCATZ".
TEST_F(Consumer, Section5_5GivenUpByOneAndTakenByTheOther) {
  a("u.zones 0 PTR z.example.\n");
  b("u.zones 0 PTR z.example.\n");
  settle();
  a("");
  EXPECT_THAT(settle().reset, ElementsAre(key("z.example.")))
      << "what the old owner had is not the new one's";
  EXPECT_EQ(owner("z.example."), "b.catz./u");
}

// "if the catalog is generated by some script and this script ... generates an empty catalog, millions of
// member zones may get deleted": how much is lost is what the gate asks.
TEST(CatalogZone, Section6WhatAVersionTakesAway) {
  const Catalog before = good(
      "a.zones 0 PTR a.example.\nb.zones 0 PTR b.example.\nc.zones 0 PTR c.example.\n"
      "d.zones 0 PTR d.example.\ncoo.d.zones 0 PTR other.catz.\n");
  const auto losses = sync::losses_between(
      before, good("a.zones 0 PTR a.example.\nx.zones 0 PTR b.example.\ny.zones 0 PTR e.example.\n"));
  EXPECT_EQ(losses.before, 4u);
  EXPECT_EQ(losses.gone, 1u) << "c; d was to go to another catalog";
  EXPECT_EQ(losses.reset, 1u) << "b would begin anew";
  EXPECT_EQ(losses.first, dname("b.example."));
}

// "It is RECOMMENDED to limit the systems able to query these zones."
TEST(CatalogZone, Section7IsNotForEverybody) {
  ZoneText catalog = zone("catz.",
                          "catz. 0 SOA invalid. invalid. 1 3600 600 86400 0\ncatz. 0 NS invalid.\n"
                          "version.catz. 0 TXT \"2\"\n");
  catalog.policy.allow_query = {*net::AccessRule::parse("192.0.2.1")};
  TestMirror mirror({catalog});
  EXPECT_EQ(mirror.ask("version.catz.", "TXT").rcode, 5u);
  mirror.come_from("192.0.2.1");
  EXPECT_EQ(mirror.ask("version.catz.", "TXT").rcode, 0u);
}

// Who may be a member is the consumer's to say, since "administrative control over what zones are served from
// the configured name servers shifts completely from the server operator (consumer) to the owner (producer)".
TEST_F(Consumer, Section7OnlyWhatIsAllowed) {
  a_.allow = {*sync::NamePattern::parse("*.example."), *sync::NamePattern::parse("one.test.")};
  a("a.zones 0 PTR z.example.\nb.zones 0 PTR one.test.\nc.zones 0 PTR example.\nd.zones 0 PTR x.one.test.\n");
  const Membership next = settle();
  EXPECT_EQ(owner("z.example."), "a.catz./a");
  EXPECT_EQ(owner("one.test."), "a.catz./b");
  ASSERT_EQ(next.refused.size(), 2u);
  EXPECT_EQ(next.refused[0].zone, dname("example.")) << "*.example. is below it only";
  EXPECT_EQ(next.refused[0].reason, sync::reason::catalog_not_allowed);
}

// A catalog of ours holds to the same sentences: what we write, the reader above takes.
TEST(CatalogZone, Section4OursIsOneToo) {
  class Into final : public sync::RecordTarget {
   public:
    explicit Into(backend::ZoneBuilder& builder) : builder_(builder) {}
    Result<> record(const dns::RecordView& r) override { return builder_.add(r); }

   private:
    backend::ZoneBuilder& builder_;
  };
  sync::PublishedCatalog published;
  published.zones = {*sync::NamePattern::parse("*.example.")};
  published.groups = {{*sync::NamePattern::parse("b.example."), "gold"}};
  const auto zones = sync::listed_in(
      published, {{dname("a.example."), 26}, {dname("b.example."), 3}, {dname("c.test."), 4}});
  ASSERT_EQ(zones.size(), 2u);
  const auto catalog = read_built("catz.", [&](backend::ZoneBuilder& builder) {
    Into into(builder);
    return sync::write_catalog(dname("catz."), 7, zones, into);
  });
  ASSERT_TRUE(catalog) << catalog.error().message;
  EXPECT_THAT(members(*catalog), ElementsAre("a.example.=1a", "b.example.=3"));
  EXPECT_THAT(catalog->find(key("b.example."))->groups, ElementsAre("gold"));
}

}  // namespace
}  // namespace understudy::test
