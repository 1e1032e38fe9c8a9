// What differs, while somebody looks whether the primary has a newer version.
#include "unit/audit/pass_fixture.h"

namespace understudy::test {
namespace {

class RefreshedPasses : public Passes {
 protected:
  static audit::PassOptions refreshing() {
    audit::PassOptions options = every_hour();
    options.refreshes = true;
    return options;
  }
  RefreshedPasses() : Passes(refreshing()) {
    theirs_["www.example. A"] = {.answer = "www.example. 60 A 198.51.100.1"};
    run();
  }
  // What differs is asked once more.
  void once_more() {
    now_.steady = std::max(now_.steady, pass_.due());
    EXPECT_EQ(run(), 1);
  }
};

TEST_F(RefreshedPasses, ADifferenceCountsAfterARefreshThatBeganBehindIt) {
  EXPECT_TRUE(pass_.take_doubted());
  const SteadyTime doubted = now_.steady;
  for (unsigned i = 1; i < ZonePass::confirmations; ++i) once_more();
  EXPECT_TRUE(mismatches().empty());
  pass_.refreshed(doubted - 1ms);  // what came to the primary after it may be what differs
  once_more();
  EXPECT_TRUE(mismatches().empty());
  EXPECT_FALSE(pass_.complete());
  EXPECT_FALSE(pass_.take_doubted()) << "it is asked for once";
  pass_.refreshed(doubted);
  once_more();
  EXPECT_EQ(mismatches().size(), 1u);
  EXPECT_TRUE(pass_.complete());
}

// What was said before another serial is forgotten: so is the refresh that was before it.
TEST_F(RefreshedPasses, AnotherSerialWantsAnotherRefresh) {
  EXPECT_TRUE(pass_.take_doubted());
  pass_.refreshed(now_.steady);
  pass_.heard_serial(8, now_.steady);
  wait(1s);
  pass_.heard_serial(7, now_.steady);  // as ours is: what differs is no update on its way
  once_more();
  EXPECT_FALSE(pass_.take_doubted());
  pass_.heard_serial(std::nullopt, now_.steady);
  pass_.heard_serial(9, now_.steady);
  wait(audit::PassOptions().in_flight + 1s);
  once_more();
  EXPECT_TRUE(pass_.take_doubted());
  for (unsigned i = 1; i < ZonePass::confirmations; ++i) once_more();
  EXPECT_TRUE(mismatches().empty());
  pass_.refreshed(now_.steady);
  once_more();
  EXPECT_EQ(mismatches().size(), 1u);
}

TEST_F(RefreshedPasses, ARefreshThatNeverEndsIsNotWaitedForForEver) {
  EXPECT_EQ(confirm(), static_cast<int>(audit::Confirmation::most) - 1);
  EXPECT_EQ(mismatches().size(), 1u);
}

}  // namespace
}  // namespace understudy::test
