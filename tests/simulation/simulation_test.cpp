// Worlds out of thousands of seeds. A seed that fails is named, and repeated by
//   UNDERSTUDY_SIMULATION_SEED=N build/asan/tests/simulation
// which prints what happened; UNDERSTUDY_SIMULATION_SEEDS=N asks for more of them (each shard runs a
// quarter).
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/log.h"
#include "simulation/world.h"

namespace understudy::test {
namespace {

constexpr std::uint64_t usual_seeds = 2000;
constexpr unsigned shards = 4;

std::uint64_t from_environment(const char* variable, std::uint64_t otherwise) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

// In memory where there is such a file system: nothing here is about the disk.
class Directory {
 public:
  Directory() {
    const bool memory = ::access("/dev/shm", W_OK) == 0;
    path_ = (memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) /
            "understudy-simulation-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary directory could be made");
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Outcome {
  std::string broken;  // what must not be; empty: all is well
  std::vector<std::string> trace;
  World::Seen seen;
};

Outcome live_through(std::uint64_t seed) {
  const Directory directory;
  World world(seed, directory.path());
  Outcome outcome;
  try {
    world.run();
  } catch (const Broken& broken) {
    outcome.broken = broken.what();
  }
  outcome.trace = world.trace();
  outcome.seen = world.seen();
  return outcome;
}

class Seeds : public testing::TestWithParam<unsigned> {
 protected:
  // What is logged is of use for one seed only.
  static void SetUpTestSuite() { log::set_level(log::Level::error); }
};

TEST_P(Seeds, NoneBreaksWhatMustHold) {
  if (std::getenv("UNDERSTUDY_SIMULATION_SEED") != nullptr) return;  // one is asked for: see below
  const std::uint64_t count = from_environment("UNDERSTUDY_SIMULATION_SEEDS", usual_seeds) / shards;
  World::Seen all;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t seed = GetParam() * count + i;
    const Outcome outcome = live_through(seed);
    ASSERT_EQ(outcome.broken, "") << "repeat it with UNDERSTUDY_SIMULATION_SEED=" << seed;
    all.publications += outcome.seen.publications;
    all.held += outcome.seen.held;
    all.restarts += outcome.seen.restarts;
    all.expired += outcome.seen.expired;
    all.stale += outcome.seen.stale;
    all.orders += outcome.seen.orders;
    all.back += outcome.seen.back;
  }
  // The faults were met: a world in which nothing happens proves nothing.
  EXPECT_GT(all.publications, 4 * count);
  EXPECT_GT(all.restarts, count);
  EXPECT_GT(all.held, 0u);  // when an order was given
  EXPECT_GT(all.orders, count);
  EXPECT_GT(all.expired, 0u);
  EXPECT_GT(all.stale, 0u);
  EXPECT_GT(all.back, 0u);
}
INSTANTIATE_TEST_SUITE_P(Shard, Seeds, testing::Range(0u, shards));

TEST(Simulation, TheSameSeedIsTheSameRun) {
  log::set_level(log::Level::error);
  for (std::uint64_t seed = 1'000'000; seed < 1'000'010; ++seed) {
    const Outcome first = live_through(seed), second = live_through(seed);
    ASSERT_GT(first.trace.size(), 20u);
    ASSERT_EQ(first.trace, second.trace) << seed;
    ASSERT_NE(first.trace, live_through(seed + 500).trace);
  }
}

TEST(Simulation, TheSeedThatIsAskedFor) {
  const char* const seed = std::getenv("UNDERSTUDY_SIMULATION_SEED");
  if (seed == nullptr) return;
  log::set_level(log::Level::debug);
  const Outcome outcome = live_through(std::strtoull(seed, nullptr, 10));
  for (const std::string& line : outcome.trace) std::printf("%s\n", line.c_str());
  EXPECT_EQ(outcome.broken, "");
}

}  // namespace
}  // namespace understudy::test
