// The map under the mirror, and who reads in it.
#include <thread>

#include "backend/lmdb/environment.h"
#include "backend/lmdb/transaction.h"
#include "unit/backend/mirror_fixture.h"

namespace understudy::backend {
namespace {

using Map = MirrorFixture;

// Half of what an address has bits for: twice as much there is not. What is there is read and written as
// before.
TEST_F(Map, that_cannot_grow_stays) {
  options_.map_octets = 1ull << 46;
  const auto environment = std::move(*lmdb::Environment::open(options_));
  const auto refused = environment->resize(2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "map-full");
  EXPECT_NE(refused.error().message.find("ulimit -v"), std::string::npos) << refused.error().message;
  auto txn = lmdb::WriteTransaction::begin(*environment);
  ASSERT_TRUE(txn);
  MDB_stat stat{};
  EXPECT_EQ(mdb_stat(txn->handle(), environment->databases().meta, &stat), 0);
  EXPECT_EQ(stat.ms_entries, 1u);  // the schema's version
  EXPECT_EQ(txn->commit(), 0);
  MDB_envinfo info{};
  mdb_env_info(environment->handle(), &info);
  EXPECT_EQ(info.me_mapsize, 1ull << 46);
}

// Its clock is the kernel's coarse one, of some milliseconds: the age is waited for, not how long that takes.
TEST_F(Map, tells_the_age_of_its_oldest_reader) {
  const auto older = reader(), younger = reader();
  const auto age = [this] { return mirror().statistics()->oldest_reader_age_seconds; };
  while (age() == 0) std::this_thread::yield();
  const double both = age();
  younger->reset();
  ASSERT_TRUE(younger->renew());
  EXPECT_GE(age(), both) << "of the younger one";
  older->reset();
  younger->reset();
  EXPECT_EQ(age(), 0);
}

}  // namespace
}  // namespace understudy::backend
