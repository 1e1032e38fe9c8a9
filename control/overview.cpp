#include "control/overview.h"

#include <algorithm>
#include <unordered_map>

namespace understudy::control {
namespace {

bool fits(const ZoneLine& line, const ZoneFilter& filter, const std::optional<Condition>& condition) {
  if (!filter.name.empty() && line.zone.find(filter.name) == std::string::npos) return false;
  if (filter.state.empty() || filter.state == sync::to_string(line.state)) return true;
  return condition && line.conditions.has(*condition);
}

std::string lowered(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

Overview take_overview(const Rooms& rooms, Audience audience) {
  const bool for_strangers = audience == Audience::strangers;
  const auto comparisons =
      for_strangers ? std::vector<audit::ZoneComparison>() : rooms.comparer.comparisons();
  std::unordered_map<std::string, const audit::ZoneComparison*> by_zone;
  for (const audit::ZoneComparison& comparison : comparisons)
    by_zone.emplace(lowered(dns::to_string(comparison.zone)), &comparison);
  Overview overview;
  overview.when = rooms.clock.wall();
  rooms.sync.visit([&](const sync::ZoneStatus& zone) {
    if (for_strangers && zone.catalog) return;
    std::string name = lowered(dns::to_string(zone.apex));
    const auto found = by_zone.find(name);
    const auto conditions =
        conditions_of(zone, found == by_zone.end() ? nullptr : found->second, overview.when);
    overview.zones.push_back({std::move(name), zone.state, conditions});
  });
  std::sort(overview.zones.begin(), overview.zones.end(),
            [](const ZoneLine& a, const ZoneLine& b) { return a.zone < b.zone; });
  overview.unserved = rooms.sync.unserved().size();
  return overview;
}

bool is_state(std::string_view word) {
  const auto matches = [word](sync::ZoneState state) { return sync::to_string(state) == word; };
  return std::any_of(all_states.begin(), all_states.end(), matches);
}

ZonePage select(const Overview& overview, const ZoneFilter& filter, ZoneOrder order) {
  ZoneFilter wanted = filter;
  wanted.name = lowered(filter.name);
  const auto condition = parse_condition(filter.state);
  ZonePage page;
  for (const ZoneLine& line : overview.zones) {
    if (fits(line, wanted, condition)) page.zones.push_back(&line);
  }
  page.matching = page.zones.size();
  if (order == ZoneOrder::gravest_first) {
    std::stable_sort(page.zones.begin(), page.zones.end(),
                     [](const ZoneLine* a, const ZoneLine* b) { return a->conditions < b->conditions; });
  }
  const std::size_t begin = std::min(filter.offset, page.zones.size());
  page.zones.erase(page.zones.begin(), page.zones.begin() + static_cast<std::ptrdiff_t>(begin));
  if (page.zones.size() > filter.limit) page.zones.resize(filter.limit);
  return page;
}

std::size_t count(const Overview& overview, Condition condition) {
  return static_cast<std::size_t>(
      std::count_if(overview.zones.begin(), overview.zones.end(),
                    [condition](const ZoneLine& line) { return line.conditions.has(condition); }));
}

std::size_t count(const Overview& overview, sync::ZoneState state) {
  return static_cast<std::size_t>(
      std::count_if(overview.zones.begin(), overview.zones.end(),
                    [state](const ZoneLine& line) { return line.state == state; }));
}

}  // namespace understudy::control
