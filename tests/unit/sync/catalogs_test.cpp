// Catalogs that are obeyed while Sync runs, with zone files as sources: what members come, go and begin anew,
// and what a start finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/reasons.h"
#include "unit/sync/catalogs_fixture.h"

namespace understudy::sync {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(CatalogsTest, MembersComeGoAndComeBackToTheirData) {
  obey("cat.", "cat");
  open();
  wait_served(all_);
  wait_version("a.test.", 1);
  EXPECT_EQ(member("a.test."), (backend::MemberZone{name("a.test."), name("cat."), "la", ""}));
  const backend::ZoneId id = row("a.test.").id;
  list("cat", {"b", "c", "d", "e"});
  wait_served({"b.test.", "c.test.", "d.test.", "e.test."});
  ASSERT_EQ(sync_->unserved().size(), 1u);
  EXPECT_EQ(sync_->unserved().front().apex, name("a.test."));
  list("cat", {"a", "b", "c", "d", "e"});
  wait_served({"a.test.", "b.test.", "c.test.", "d.test.", "e.test."});
  EXPECT_EQ(row("a.test.").id, id);
  EXPECT_EQ(row("a.test.").version, 1u) << "served from the mirror at once";
}

// NSD#427: members were transferred again at each start.
TEST_F(CatalogsTest, AStartNeedsNoCatalogAndNoSource) {
  obey("cat.", "cat");
  open();
  wait_served(all_);
  for (const std::string& apex : all_) wait_version(apex, 1);
  std::filesystem::remove(directory_ + "/member");
  std::filesystem::remove(directory_ + "/cat");
  open();
  EXPECT_EQ(served(), all_) << "before anything was read";
  EXPECT_EQ(row("a.test.").version, 1u);
  EXPECT_FALSE(refresh("cat."));
  EXPECT_EQ(served(), all_);
  EXPECT_EQ(sync_->status(name("cat."))->catalog->members, 4u);
}

TEST_F(CatalogsTest, AnotherLabelForgetsWhatThereWas) {
  obey("cat.", "cat");
  open();
  wait_served(all_);
  wait_version("a.test.", 1);
  wait_version("b.test.", 1);
  const backend::ZoneId a = row("a.test.").id, b = row("b.test.").id;
  write("member", "@ SOA ns host 9 3600 600 86400 300\n@ NS ns\nns A 192.0.2.9\n");
  wait_version("a.test.", 2);
  wait_version("b.test.", 2);
  list("cat", {"a=other", "b", "c", "d"});
  run_until([&] {
    const auto now = sync_->status(name("a.test."));
    return now && now->member->label == "other";
  });
  wait_version("a.test.", 1);
  EXPECT_NE(row("a.test.").id, a);
  EXPECT_EQ(row("b.test.").id, b);
  EXPECT_EQ(row("b.test.").version, 2u);
  open();
  EXPECT_EQ(member("a.test.")->label, "other") << "and once only";
  EXPECT_EQ(row("a.test.").version, 1u);
}

TEST_F(CatalogsTest, ACatalogThatLosesMuchIsHeldAndObeyedWhenAccepted) {
  obey("cat.", "cat");
  open();
  wait_served(all_);
  list("cat", {"a"});
  const Words held = refresh("cat.");
  ASSERT_TRUE(held);
  EXPECT_THAT(*held,
              HasSubstr("3 of its 4 members are gone, b.test. among them: 75.0%, and guard allows 30.0%"));
  EXPECT_EQ(sync_->status(name("cat."))->held->reason, reason::catalog_shrink);
  EXPECT_EQ(served(), all_);
  open();
  EXPECT_EQ(served(), all_) << "after a start too";
  ASSERT_TRUE(wait<Words>([&](Sync::Done done) { sync_->accept(name("cat."), 2, std::move(done)); }));
  wait_served({"a.test."});
}

TEST_F(CatalogsTest, AFewMayAlwaysGo) {
  list("cat", {"a", "b"});
  obey("cat.", "cat");
  open();
  wait_served({"a.test.", "b.test."});
  list("cat", {});
  wait_served({});
}

TEST_F(CatalogsTest, OtherLabelsForAllAreHeldToo) {
  obey("cat.", "cat");
  open();
  wait_served(all_);
  list("cat", {"a=1", "b=2", "c=3", "d=4"});
  const Words held = refresh("cat.");
  ASSERT_TRUE(held);
  EXPECT_THAT(*held, HasSubstr("4 have other labels"));
  EXPECT_EQ(member("a.test.")->label, "la");
}

TEST_F(CatalogsTest, ABrokenCatalogIsHeldAndCannotBeAccepted) {
  obey("cat.", "cat");
  open();
  wait_served(all_);
  list("cat", {"a", "b", "c", "d"}, "version TXT \"3\"\n");
  ASSERT_TRUE(refresh("cat."));
  EXPECT_EQ(sync_->status(name("cat."))->held->reason, reason::catalog_broken);
  const Words accepted =
      wait<Words>([&](Sync::Done done) { sync_->accept(name("cat."), 2, std::move(done)); });
  ASSERT_FALSE(accepted);
  EXPECT_THAT(accepted.error().message, HasSubstr("cannot be obeyed: it says 2 versions"));
  EXPECT_EQ(served(), all_);
  list("cat", {"b", "c", "d"});
  wait_served({"b.test.", "c.test.", "d.test."});
}

// A zone that was mirrored before anybody called it a catalog passed no gate.
TEST_F(CatalogsTest, AZoneThatIsNoCatalogIsToldAndHasNoMembers) {
  zones_ = {zone("cat.", "member")};
  open();
  wait_version("cat.", 1);
  zones_.clear();
  obey("cat.", "member");
  open();
  run_until([&] { return sync_->status(name("cat."))->catalog->failure.has_value(); });
  EXPECT_EQ(sync_->status(name("cat."))->catalog->failure->reason, reason::catalog_broken);
  EXPECT_THAT(served(), IsEmpty());
}

TEST_F(CatalogsTest, OwnershipChangesWithoutLosingData) {
  list("new", {"x", "y", "z"});
  obey("cat.", "cat");
  obey("new.", "new");
  open();
  wait_served({"a.test.", "b.test.", "c.test.", "d.test.", "x.test.", "y.test.", "z.test."});
  wait_version("a.test.", 1);
  const backend::ZoneId id = row("a.test.").id;
  list("cat", {"a", "b", "c", "d"}, "coo.la.zones PTR new.\n");
  ASSERT_TRUE(refresh("cat."));
  list("new", {"a", "x", "y", "z"});
  run_until([&] { return member("a.test.")->catalog == name("new."); });
  EXPECT_EQ(row("a.test.").id, id);
  EXPECT_EQ(row("a.test.").version, 1u);
  list("cat", {"b", "c", "d"});
  ASSERT_TRUE(refresh("cat."));
  open();
  EXPECT_EQ(member("a.test.")->catalog, name("new."));
}

TEST_F(CatalogsTest, TheSecondCatalogIsRefusedAndTheFirstKeepsTheZone) {
  list("new", {"a"});
  obey("cat.", "cat");
  open();
  wait_served(all_);
  obey("new.", "new");
  std::rotate(catalogs_.begin(), catalogs_.begin() + 1, catalogs_.end());
  open();
  run_until([&] { return sync_->status(name("new."))->catalog->refused == 1; });
  EXPECT_EQ(member("a.test.")->catalog, name("cat.")) << "though the other stands first now";
  EXPECT_THAT(sync_->status(name("new."))->catalog->first_refused.front().message,
              HasSubstr("a member of the catalog cat. already"));
}

// The configuration goes before what was added, and that before catalogs.
TEST_F(CatalogsTest, TheConfigurationWins) {
  obey("cat.", "cat");
  zones_.push_back(zone("a.test.", "member"));
  open();
  wait_served(all_);
  EXPECT_FALSE(member("a.test."));
  run_until([&] { return sync_->status(name("cat."))->catalog->refused == 1; });
  EXPECT_THAT(sync_->status(name("cat."))->catalog->first_refused.front().message,
              HasSubstr("the configuration has it"));
  zones_.pop_back();
  ASSERT_TRUE((wait<Result<ReloadOutcome>>(
      [&](Sync::ReloadDone done) { sync_->reload(zones_, catalogs_, {}, std::move(done)); })));
  run_until([&] {
    const auto now = sync_->status(name("a.test."));
    return now && now->member;
  });
}

// A zone that changes hands is served all the time: what queries are answered from has it at every step.
TEST_F(CatalogsTest, AZoneChangesHandsWithoutAGap) {
  obey("cat.", "cat");
  zones_.push_back(zone("a.test.", "member"));
  open();
  wait_served(all_);
  wait_version("a.test.", 1);
  run_until([&] { return sync_->status(name("cat."))->catalog->refused == 1; });
  const auto reload = [&] {
    std::optional<Result<ReloadOutcome>> outcome;
    sync_->reload(zones_, catalogs_, {}, [&](Result<ReloadOutcome> came) { outcome = std::move(came); });
    backend::ZoneTables::Pin pin(*tables_);
    // Longer than the reload: until the catalogs were read after it.
    const auto settled = [&] { return sync_->status(name("cat."))->catalog->refused == zones_.size() - 1; };
    while (!outcome || !settled()) {
      context_->run_one();
      const auto* const entry = pin.acquire().find(name("a.test."));
      EXPECT_TRUE(entry != nullptr && entry->service() == backend::Service::serving);
      pin.release();
    }
    EXPECT_TRUE(*outcome);
  };
  zones_.pop_back();
  reload();
  EXPECT_EQ(member("a.test."), (backend::MemberZone{name("a.test."), name("cat."), "la", ""}));
  zones_.push_back(zone("a.test.", "member"));
  reload();
  EXPECT_FALSE(member("a.test."));
  EXPECT_EQ(row("a.test.").version, 1u);
  // And the mirror knows whose it is: a start needs no catalog.
  zones_.pop_back();
  reload();
  std::filesystem::remove(directory_ + "/cat");
  open();
  EXPECT_EQ(served(), all_);
  EXPECT_EQ(member("a.test.")->label, "la");
}

// What an operator added stays theirs, be it that nobody understands any more what with.
TEST_F(CatalogsTest, AnAddedZoneThatIsNotUnderstoodIsServedAndNoMember) {
  obey("cat.", "cat");
  zones_.push_back(zone("a.test.", "member"));
  open();
  wait_served(all_);
  wait_version("a.test.", 1);
  zones_.back().added = true;
  zones_.back().sources.clear();
  zones_.back().unusable = "nobody understands it";
  open();
  EXPECT_EQ(served().front(), "a.test.");
  run_until([&] { return sync_->status(name("cat."))->catalog->refused == 1; });
  EXPECT_FALSE(member("a.test."));
  EXPECT_EQ(row("a.test.").version, 1u);
  EXPECT_EQ(sync_->status(name("a.test."))->last_refusal->message, "nobody understands it");
  const Words asked = refresh("a.test.");
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().message, "nobody understands it");
  backend::ZoneTables::Pin pin(*tables_);
  EXPECT_EQ(pin.acquire().find(name("a.test."))->service(), backend::Service::serving);
  pin.release();
}

// A reload that comes while a catalog changes members waits for its turn.
TEST_F(CatalogsTest, AReloadWaitsForItsTurn) {
  obey("cat.", "cat");
  open();
  std::size_t asked = 0, done = 0;
  struct Turn {
    bool asking = true, taken = false;
  };
  // Reloads where that has to wait, and does nothing where it need not.
  const auto reload_if_busy = [&] {
    const auto turn = std::make_shared<Turn>();
    sync_->in_turn([&, turn] {
      turn->taken = true;
      if (turn->asking) return;
      sync_->reload(zones_, catalogs_, {}, [&](const Result<ReloadOutcome>& outcome) {
        ++done;
        EXPECT_TRUE(outcome) << outcome.error().message;
      });
    });
    turn->asking = false;
    asked += !turn->taken;
  };
  const std::vector<std::string> fewer = {"b.test.", "c.test.", "d.test."};
  for (const std::vector<std::string>& zones : {all_, fewer, all_}) {
    zones == fewer ? list("cat", {"b", "c", "d"}) : list("cat", {"a", "b", "c", "d"});
    while (served() != zones) {
      if (asked == done) reload_if_busy();
      context_->run_one();
    }
  }
  run_until([&] { return done == asked; });
  EXPECT_GE(done, 3u);
}

TEST_F(CatalogsTest, AnOperatorTakesAMemberAndGivesItBack) {
  obey("cat.", "cat");
  open();
  wait_served(all_);
  wait_version("a.test.", 1);
  const backend::ZoneId id = row("a.test.").id;
  const Words kept = wait<Words>([&](Sync::Done done) { sync_->remove(name("a.test."), std::move(done)); });
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().reason, reason::zone_of_catalog);
  const ZoneSettings own = zone("a.test.", "member");
  ASSERT_TRUE(wait<Words>([&](Sync::Done done) {
    sync_->add(own, {{"source", to_string(own.sources.front())}}, std::move(done));
  }));
  EXPECT_TRUE(sync_->status(name("a.test."))->added);
  EXPECT_EQ(row("a.test.").id, id);
  list("cat", {"b", "c", "d"});
  ASSERT_TRUE(refresh("cat."));
  EXPECT_EQ(served(), all_) << "it is the operator's now";
  list("cat", {"a", "b", "c", "d"});
  ASSERT_TRUE(refresh("cat."));
  run_until([&] { return sync_->status(name("cat."))->catalog->refused == 1; });
  ASSERT_TRUE(wait<Words>([&](Sync::Done done) { sync_->remove(name("a.test."), std::move(done)); }));
  run_until([&] {
    const auto now = sync_->status(name("a.test."));
    return now && now->member;
  });
  EXPECT_EQ(row("a.test.").id, id);
}

TEST_F(CatalogsTest, ACatalogThatLeavesTheConfigurationTakesItsMembersAlong) {
  obey("cat.", "cat");
  open();
  wait_served(all_);
  ASSERT_TRUE((wait<Result<ReloadOutcome>>(
      [&](Sync::ReloadDone done) { sync_->reload({}, {}, {}, std::move(done)); })));
  EXPECT_THAT(served(), IsEmpty());
  EXPECT_EQ(sync_->unserved().size(), 5u);
  zones_.clear();
  catalogs_.clear();
  open();
  EXPECT_THAT(served(), IsEmpty());
  EXPECT_EQ(sync_->unserved().size(), 5u);
}

TEST_F(CatalogsTest, AReloadGivesMembersOtherOptions) {
  obey("cat.", "cat");
  open();
  wait_served(all_);
  catalogs_.front().member.refuse_out_of_zone = true;
  catalogs_.front().allow = {*NamePattern::parse("a.test"), *NamePattern::parse("b.test")};
  ASSERT_TRUE((wait<Result<ReloadOutcome>>(
      [&](Sync::ReloadDone done) { sync_->reload(zones_, catalogs_, {}, std::move(done)); })));
  EXPECT_THAT(served(), ElementsAre("a.test.", "b.test."));
  EXPECT_TRUE(sync_->settings(name("a.test."))->refuse_out_of_zone);
}

// A catalog of ours: stable labels, a serial that moves only with the list, and moves on after a start.
TEST_F(CatalogsTest, OursListsWhatIsServed) {
  obey("cat.", "cat");
  ZoneSettings ours;
  ours.apex = name("ours.");
  ours.sources = {PublishedCatalog{{*NamePattern::parse("*.test")}, {}}};
  ours.raise_serial = true;
  zones_.push_back(ours);
  open();
  wait_served(all_);
  run_until([&] { return sync_->status(name("ours."))->catalog->members == 4; });
  ASSERT_TRUE(refresh("ours."));
  const backend::ZoneRow before = row("ours.");
  ASSERT_TRUE(refresh("ours."));
  EXPECT_EQ(row("ours.").version, before.version) << "nothing changed";
  EXPECT_EQ(before.records, 3u + 4u);
  open();
  ASSERT_TRUE(refresh("ours."));
  EXPECT_EQ(row("ours.").digest, before.digest) << "the same labels";
  EXPECT_EQ(row("ours.").serial, before.serial);
  list("cat", {"b", "c", "d"});
  run_until([&] { return row("ours.").records == 3 + 3; });
  EXPECT_EQ(row("ours.").serial, before.serial + 1);
}

}  // namespace
}  // namespace understudy::sync
