// What the rooms know, as the JSON that verbs, API and page share. Pure functions on values; any thread.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "audit/comparison.h"
#include "control/rooms.h"
#include "sync/zone_status.h"

namespace understudy::control {

// RFC 3339 in UTC: "2026-01-01T00:00:00Z".
std::string time_text(UnixTime time);
// In hexadecimal.
std::string digest_text(const backend::Digest& digest);

// One zone: state, version, timers, primaries, and the comparer's counts.
boost::json::object zone_report(const sync::ZoneStatus& status,
                                const std::optional<audit::ZoneComparison>& comparison);
// {"zones": [...], "unserved": [...]}, each zone with its comparison's counts.
boost::json::object zones_report(const std::vector<sync::ZoneStatus>& zones,
                                 const std::vector<sync::UnservedStatus>& unserved,
                                 const std::vector<audit::ZoneComparison>& comparisons);
// {"added", "removed", "changed", "same", "listening", "closed", "restart"}.
boost::json::object reload_report(const Reloaded& reloaded);
// One version, as `history` and the page tell it; "held" is null but for one that is.
std::string_view how_text(backend::How how);
boost::json::object version_report(const backend::VersionRow& row, bool live);
boost::json::object version_report(const backend::HeldVersion& held);
// A comparison in full: {"zone", "version", "against", "mismatches", "complete", ...}.
boost::json::object comparison_report(const audit::ZoneComparison& comparison);

}  // namespace understudy::control
