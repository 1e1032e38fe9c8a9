// The order of octets as LMDB has it: of name keys that is the canonical order of names (dns/name_key.h).
#pragma once

#include <algorithm>
#include <cstring>

#include "dns/octets.h"

namespace understudy::backend {

// Below, equal to or above 0.
inline int order(dns::Octets a, dns::Octets b) {
  const std::size_t common = std::min(a.size(), b.size());
  const int prefix = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);  // empty ones have no address
  return prefix != 0 ? prefix : (a.size() < b.size() ? -1 : a.size() > b.size());
}

}  // namespace understudy::backend
