// Whose requests are counted where.
#include "backend/request_counts.h"

#include <gtest/gtest.h>

namespace understudy::backend {
namespace {

TEST(RequestCounts, EachZoneHasItsOwn) {
  RequestCounts counts;
  std::vector<RequestCounts::Place> zones;
  for (int i = 0; i < 20; ++i) zones.push_back(counts.next());
  for (std::size_t zone = 0; zone < zones.size(); ++zone) {
    for (std::size_t i = 0; i <= zone; ++i) zones[zone].count(0);
  }
  for (std::size_t zone = 0; zone < zones.size(); ++zone) EXPECT_EQ(zones[zone].sum(), zone + 1);
}

TEST(RequestCounts, WorkersAreAddedUp) {
  const RequestCounts::Place zone = RequestCounts().next();
  for (unsigned worker = 0; worker < 300; ++worker) zone.count(worker);
  EXPECT_EQ(zone.sum(), 300u);
}

// A zone that goes and one that comes in its stead have nothing to do with one another.
TEST(RequestCounts, ANewPlaceBeginsAtZero) {
  RequestCounts counts;
  { counts.next().count(0); }
  EXPECT_EQ(counts.next().sum(), 0u);
}

}  // namespace
}  // namespace understudy::backend
