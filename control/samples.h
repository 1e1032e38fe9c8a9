// The values behind /metrics: gathered from the rooms, given to metrics/ as plain samples.
#pragma once

#include <string>
#include <vector>

#include "control/rooms.h"

namespace understudy::control {

// Per-zone series are shown for this many zones; the rest are counted (understudy_zones_suppressed).
inline constexpr std::size_t zones_with_series = 1000;

// What only the sync thread can tell, copied there.
struct SyncSnapshot {
  std::vector<sync::ZoneStatus> zones;
  sync::SyncTotals totals;
  std::vector<audit::ZoneComparison> comparisons;
  bool all_tried = false;
  std::vector<sync::UnservedStatus> unserved;
};
SyncSnapshot take_snapshot(const Rooms& rooms);  // sync thread

// The page that Prometheus reads. Any one thread; `pin` is that thread's.
std::string metrics_page(const Rooms& rooms, const SyncSnapshot& snapshot, backend::ZoneTables::Pin& pin);

}  // namespace understudy::control
