// Zones that came at run time, and zones that went: what the mirror remembers of them. Plain values.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "dns/name.h"

namespace understudy::backend {

// A zone's options as its configuration would have them, key and value; the elements of a list stand one by
// one.
using ZoneOptions = std::vector<std::pair<std::string, std::string>>;

struct AddedZone {
  dns::Name apex;
  UnixTime added = 0;
  ZoneOptions options;
};

// A zone that a catalog brought (RFC 9432). It is remembered as an added zone is, under options of its own
// that no operator can give.
struct MemberZone {
  dns::Name apex;
  dns::Name catalog;
  std::string label;  // the member node's, as text in lower case: another one means another zone
  std::string group;  // the one that its settings are chosen by; empty: none
  friend bool operator==(const MemberZone&, const MemberZone&) = default;
};
AddedZone remembered(const MemberZone& member, UnixTime now);
// Nothing where an operator added it.
std::optional<MemberZone> member_of(const AddedZone& zone);

// A zone whose data are kept though nothing is answered from them.
struct UnservedZone {
  dns::Name apex;
  UnixTime since = 0;
};

}  // namespace understudy::backend
