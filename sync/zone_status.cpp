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

}  // namespace understudy::sync
