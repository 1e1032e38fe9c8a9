// The values behind /metrics: gathered from the rooms, given to metrics/ as plain samples.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/overview.h"
#include "control/rooms.h"
#include "metrics/zone_choice.h"

namespace understudy::control {

using metrics::ZoneChoice;

// Sums over all zones.
struct RollUp {
  struct Zones {
    std::size_t up = 0, down = 0;
  };
  std::array<std::size_t, all_states.size()> by_state{};
  std::size_t suppressed = 0, held = 0, out_of_sync = 0, mismatching = 0;
  std::map<audit::Class, std::size_t> mismatches;
  std::map<std::string, Zones> primaries;  // by address
  std::map<std::string, std::size_t> mismatches_by_address;
};

// What only the sync thread can tell, copied there: of all zones their sums, of those that have series of
// their own everything.
struct SyncSnapshot {
  RollUp all;
  std::vector<sync::ZoneStatus> zones;
  std::vector<audit::ZoneComparison> comparisons;
  sync::SyncTotals totals;
};
SyncSnapshot take_snapshot(const Rooms& rooms, const ZoneChoice& choice);  // sync thread

// The page that Prometheus reads. Any one thread; `pin` is that thread's.
std::string metrics_page(const Rooms& rooms, const SyncSnapshot& snapshot, backend::ZoneTables::Pin& pin);

}  // namespace understudy::control
