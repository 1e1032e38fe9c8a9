// docs/metrics.md is made from the rows that declare the metrics. UNDERSTUDY_WRITE_PAGE=1 writes it anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "metrics/families.h"

namespace understudy::metrics {
namespace {

std::string_view name_of(FamilyType type) {
  switch (type) {
    case FamilyType::counter:
      return "counter";
    case FamilyType::gauge:
      return "gauge";
    case FamilyType::histogram:
      return "histogram";
    default:
      return "summary";
  }
}

std::string page() {
  std::ostringstream out;
  out << "# Metrics\n\n"
         "What `/metrics` exports, made from the rows of `metrics/families.cpp`. Counters end in `_total`, "
         "instants are Unix\n"
         "times, states are 0 or 1. No label holds an owner name, an error's text or a serial, so the number "
         "of series is\n"
         "bounded by zones and primaries; the series of a removed zone go. The alarms are told of in "
         "`operations.md`.\n\n"
         "| metric | type | labels | |\n|---|---|---|---|\n";
  for (const FamilyRow& row : families()) {
    out << "| `" << row.name << "` | " << name_of(row.type) << " | ";
    for (const std::string_view label : row.labels)
      out << (label == row.labels.front() ? "`" : ", `") << label << '`';
    out << " | " << row.help << " |\n";
  }
  return out.str();
}

TEST(MetricsPage, is_current) {
  const std::string path = UNDERSTUDY_SOURCE "/docs/metrics.md";
  if (std::getenv("UNDERSTUDY_WRITE_PAGE") != nullptr) std::ofstream(path) << page();
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, page()) << "make it anew: UNDERSTUDY_WRITE_PAGE=1 build/asan/tests/unit_metrics";
}

}  // namespace
}  // namespace understudy::metrics
