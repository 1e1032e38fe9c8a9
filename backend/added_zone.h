// A zone that an operator added at run time: what the mirror remembers of it. A plain value.
#pragma once

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

// A zone whose data are kept though nothing is answered from them.
struct UnservedZone {
  dns::Name apex;
  UnixTime since = 0;
};

}  // namespace understudy::backend
