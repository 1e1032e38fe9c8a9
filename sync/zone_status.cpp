#include "sync/zone_status.h"

namespace understudy::sync {

std::string_view to_string(ZoneState state) {
  switch (state) {
    case ZoneState::empty:
      return "empty";
    case ZoneState::fresh:
      return "fresh";
    case ZoneState::retrying:
      return "retrying";
    case ZoneState::stale:
      return "stale";
    case ZoneState::expired:
      return "expired";
  }
  return "empty";
}

std::string_view to_string(ParentDs::State state) {
  switch (state) {
    case ParentDs::State::unasked:
      return "unasked";
    case ParentDs::State::none:
      return "none";
    case ParentDs::State::present:
      return "present";
    case ParentDs::State::unknown:
      return "unknown";
  }
  return "unasked";
}

}  // namespace understudy::sync
