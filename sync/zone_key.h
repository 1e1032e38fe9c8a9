// A zone's name as a key of maps: blind to case, in canonical order.
#pragma once

#include <string>

#include "dns/name_key.h"

namespace understudy::sync {

inline std::string key_of(dns::NameView apex) {
  const dns::NameKey key(apex);
  return std::string(key.data(), key.data() + key.size());
}

}  // namespace understudy::sync
