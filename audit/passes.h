// The passes over one zone, one an address, and what they say together.
#pragma once

#include <memory>

#include "audit/zone_pass.h"

namespace understudy::audit {

using Passes = std::vector<std::shared_ptr<ZonePass>>;

// `expectations` are those that the passes were given, or null.
ZoneComparison combine(const dns::Name& zone, const Passes& passes, const ExpectationsPtr& expectations,
                       UnixTime now);

// The addresses, each once.
std::vector<net::Endpoint> distinct(std::vector<net::Endpoint> addresses);

}  // namespace understudy::audit
