// All zones at one moment, a line each: what the verdict, the API's list and the public page are made from.
// Small enough to be made of ten thousand zones while somebody looks.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "control/rooms.h"
#include "control/zone_condition.h"

namespace understudy::control {

struct ZoneLine {
  std::string zone;  // lower case, absolute
  sync::ZoneState state{};
  Conditions conditions;
};

struct Overview {
  UnixTime when = 0;
  std::vector<ZoneLine> zones;  // by name
  std::size_t unserved = 0;
};
// Strangers see no catalogs, which are not answered to them either, and nothing that comes of comparisons.
enum class Audience : std::uint8_t { operators, strangers };
Overview take_overview(const Rooms& rooms, Audience audience);  // sync thread

// Which zones are wanted, and which of those: a page of the list.
struct ZoneFilter {
  std::string name;   // part of the name; empty: any
  std::string state;  // a state or a condition; empty: any
  std::size_t offset = 0, limit = 0;
};
bool is_state(std::string_view word);

struct ZonePage {
  std::vector<const ZoneLine*> zones;
  std::size_t matching = 0;
};
// By name; or what needs a look first: that order tells conditions, so it is not for everybody.
enum class ZoneOrder : std::uint8_t { by_name, gravest_first };
ZonePage select(const Overview& overview, const ZoneFilter& filter, ZoneOrder order);

std::size_t count(const Overview& overview, Condition condition);
std::size_t count(const Overview& overview, sync::ZoneState state);
inline constexpr std::array all_states{sync::ZoneState::empty, sync::ZoneState::fresh,
                                       sync::ZoneState::retrying, sync::ZoneState::stale,
                                       sync::ZoneState::expired};

}  // namespace understudy::control
