#include "sync/name_pattern.h"

#include <algorithm>

namespace understudy::sync {

Result<NamePattern> NamePattern::parse(std::string_view text) {
  const auto name = dns::Name::from_text(text);
  if (!name) return name.error();
  return NamePattern(name->lowered());
}

bool NamePattern::matches(dns::NameView zone) const {
  const dns::NameView pattern = name_.view();
  if (!pattern.is_wildcard()) return pattern.equals(zone);
  return zone.is_at_or_below(pattern.parent()) && !zone.equals(pattern.parent());
}

bool any_matches(const std::vector<NamePattern>& patterns, dns::NameView zone) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const NamePattern& pattern) { return pattern.matches(zone); });
}

}  // namespace understudy::sync
