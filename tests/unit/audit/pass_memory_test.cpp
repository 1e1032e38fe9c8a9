// What a pass holds while it is idle, and how many of them hold more: there is one for each of very many
// zones.
#include "support/allocated.h"
#include "unit/audit/pass_fixture.h"

namespace understudy::test {
namespace {

constexpr std::size_t most_idle = 700;  // octets

TEST_F(Passes, AnIdlePassIsSmall) {
  constexpr std::size_t count = 1'000;
  std::vector<std::unique_ptr<ZonePass>> passes;
  passes.reserve(count);
  const auto options = shared(every_hour());
  const std::size_t before = allocated_octets();
  for (std::size_t i = 0; i < count; ++i) {
    passes.push_back(std::make_unique<ZonePass>(product_name("z" + std::to_string(i) + ".example."),
                                                net::Endpoint{}, options, i));
  }
  EXPECT_LE((allocated_octets() - before) / count, most_idle);
}

TEST_F(Passes, APassThatIsOverHoldsNoMoreThanBefore) {
  const auto clients_ask = [this] {
    for (int i = 0; i < 5; ++i)
      pass_.offer({product_name("www.example."), dns::RRType::A, false, false, {}}, false);
  };
  run();  // whatever is made once, on our side
  clients_ask();
  run();
  asked_.clear();
  wait(1h);
  pass_.heard_serial(7, now_.steady);
  const std::size_t before = allocated_octets();
  const auto first = pass_.take(*reader_, now_).value();
  ASSERT_TRUE(first);
  EXPECT_GT(allocated_octets(), before + 8'000) << "a batch of questions";
  pass_.settle(*first, ours(first->question), ours(first->question), now_);
  run();
  clients_ask();
  run();
  ASSERT_TRUE(pass_.complete());
  asked_.clear();
  EXPECT_LE(allocated_octets(), before + 500) << "where the walk stands";
}

// Else a hundred thousand zones would each have a batch in memory, for as long as it takes to ask them all.
TEST_F(Passes, ABatchIsAskedToItsEndBeforeAnotherZoneTakesOne) {
  ZonePass other(product_name("example."), {}, shared(every_hour()), 2);
  ASSERT_EQ(pass_.walk_due(), other.walk_due());
  ASSERT_GT(pass_.due_first(), now_.steady);
  while (true) {
    const auto ask = pass_.take(*reader_, now_).value();
    ASSERT_TRUE(ask);
    pass_.settle(*ask, ours(ask->question), ours(ask->question), now_);
    if (pass_.finished() || pass_.complete()) break;
    EXPECT_LE(pass_.due_first(), now_.steady) << "first of all";
    EXPECT_GT(other.due_first(), now_.steady) << "it may only walk, and walks wait";
    wait(1ms);
  }
  EXPECT_GT(pass_.due(), now_.steady);
}

}  // namespace
}  // namespace understudy::test
