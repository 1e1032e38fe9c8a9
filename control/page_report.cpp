#include "control/page_report.h"

#include "control/report.h"

namespace understudy::control {
namespace {

namespace json = boost::json;

json::array reasons_report(const std::vector<TakeoverReason>& reasons) {
  json::array all;
  for (const TakeoverReason& reason : reasons) {
    all.push_back({{"reason", reason.reason},
                   {"message", reason.message},
                   {"zones", reason.zones},
                   {"examples", json::array(reason.examples.begin(), reason.examples.end())}});
  }
  return all;
}

json::array words_of(Conditions conditions) {
  json::array words;
  for (std::size_t i = 0; i < condition_count; ++i) {
    if (conditions.has(static_cast<Condition>(i))) words.emplace_back(to_string(static_cast<Condition>(i)));
  }
  return words;
}

json::object page_of(json::array zones, const Overview& overview, const ZonePage& page,
                     const ZoneFilter& filter) {
  return {{"time", time_text(overview.when)}, {"zones", std::move(zones)}, {"total", overview.zones.size()},
          {"matching", page.matching},        {"offset", filter.offset},   {"limit", filter.limit}};
}

}  // namespace

json::object takeover_report(const Takeover& takeover) {
  return {{"ready", takeover.ready},
          {"reasons", reasons_report(takeover.reasons)},
          {"cautions", reasons_report(takeover.cautions)}};
}

json::object summary_report(const Overview& overview, const Takeover& takeover) {
  json::object states, conditions;
  for (const sync::ZoneState state : all_states) states[sync::to_string(state)] = count(overview, state);
  for (std::size_t i = 0; i < condition_count; ++i) {
    const auto condition = static_cast<Condition>(i);
    conditions[to_string(condition)] = count(overview, condition);
  }
  return {{"time", time_text(overview.when)},
          {"version", UNDERSTUDY_VERSION},
          {"takeover", takeover_report(takeover)},
          {"zones",
           {{"total", overview.zones.size()},
            {"unserved", overview.unserved},
            {"states", std::move(states)},
            {"conditions", std::move(conditions)}}}};
}

json::object zone_with_conditions(const sync::ZoneStatus& status,
                                  const std::optional<audit::ZoneComparison>& comparison, UnixTime now) {
  json::object report = zone_report(status, comparison);
  report["conditions"] = words_of(conditions_of(status, comparison ? &*comparison : nullptr, now));
  return report;
}

json::object zone_page_report(const Rooms& rooms, const Overview& overview, const ZoneFilter& filter) {
  const ZonePage page = select(overview, filter, ZoneOrder::gravest_first);
  json::array zones;
  for (const ZoneLine* line : page.zones) {
    const auto apex = dns::Name::from_text(line->zone);
    const auto status = apex ? rooms.sync.status(*apex) : std::nullopt;
    if (!status) continue;  // removed since the overview was taken
    zones.push_back(zone_with_conditions(*status, rooms.comparer.comparison(*apex), rooms.clock.wall()));
  }
  return page_of(std::move(zones), overview, page, filter);
}

json::object public_report(const Overview& overview, const ZoneFilter& filter) {
  const ZonePage page = select(overview, filter, ZoneOrder::by_name);
  json::array zones;
  for (const ZoneLine* line : page.zones)
    zones.push_back({{"zone", line->zone}, {"state", sync::to_string(line->state)}});
  json::object report = page_of(std::move(zones), overview, page, filter);
  report["answered"] = overview.zones.size() - count(overview, sync::ZoneState::empty) -
                       count(overview, sync::ZoneState::expired);
  return report;
}

json::object history_report(const dns::Name& apex, const ZoneHistory& past, const std::vector<Event>& events,
                            std::size_t limit) {
  json::array versions, told;
  if (past.held) versions.push_back(version_report(*past.held));
  for (auto row = past.versions.rbegin(); row != past.versions.rend() && versions.size() < limit; ++row)
    versions.push_back(version_report(*row, row->version == past.live));
  for (const Event& event : events) {
    if (told.size() == limit) break;
    told.push_back({{"when", time_text(event.when)}, {"kind", event.kind}, {"text", event.text}});
  }
  return {{"zone", dns::to_string(apex.lowered())},
          {"versions", std::move(versions)},
          {"events", std::move(told)}};
}

}  // namespace understudy::control
