// What the page shows, as JSON: verdict, pages of zones, and the history of one. On the thread that the rooms
// ask for; what takes only values, on any.
#pragma once

#include <boost/json.hpp>

#include "control/chronicle.h"
#include "control/overview.h"
#include "control/takeover.h"

namespace understudy::control {

// {"time", "version", "takeover": {...}, "zones": {"total", "unserved", "states": {...}, "conditions":
// {...}}}.
boost::json::object summary_report(const Overview& overview, const Takeover& takeover);
// {"ready", "reasons": [...], "cautions": [...]}.
boost::json::object takeover_report(const Takeover& takeover);

// As report.h has it, with "conditions".
boost::json::object zone_with_conditions(const sync::ZoneStatus& status,
                                         const std::optional<audit::ZoneComparison>& comparison,
                                         UnixTime now);
// {"zones", "total", "matching", "offset", "limit"}; sync thread.
boost::json::object zone_page_report(const Rooms& rooms, const Overview& overview, const ZoneFilter& filter);
// The same with nothing but names and states: {"time", "zones": [{"zone", "state"}], ..., "answered"}.
boost::json::object public_report(const Overview& overview, const ZoneFilter& filter);

// A zone's past as the mirror has it.
struct ZoneHistory {
  backend::Version live = 0;
  std::vector<backend::VersionRow> versions;  // the oldest first
  std::optional<backend::HeldVersion> held;
};
// {"zone", "versions": [...], "events": [...]}, both the newest first, at most `limit` of each.
boost::json::object history_report(const dns::Name& apex, const ZoneHistory& past,
                                   const std::vector<Event>& events, std::size_t limit);

}  // namespace understudy::control
