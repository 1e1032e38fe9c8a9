// What the operator says of a catalog that zones are taken from, as sync needs it. Made by app/; immutable.
// The catalog zone itself is a zone among the others, whose gate looks at it as at a catalog.
#pragma once

#include <algorithm>

#include "backend/added_zone.h"
#include "sync/zone_settings.h"

namespace understudy::sync {

struct CatalogSettings {
  dns::Name zone;                                            // of the catalog
  std::vector<NamePattern> allow;                            // what may be a member
  ZoneSettings member;                                       // what members are given, but for their names
  std::vector<std::pair<std::string, ZoneSettings>> groups;  // instead of it, by group
};

// The settings of a member of that catalog.
inline ZoneSettings settings_of(const CatalogSettings& catalog, const backend::MemberZone& member) {
  const auto of_group = std::find_if(catalog.groups.begin(), catalog.groups.end(),
                                     [&](const auto& group) { return group.first == member.group; });
  ZoneSettings zone = of_group == catalog.groups.end() ? catalog.member : of_group->second;
  zone.apex = member.apex;
  zone.member = std::make_shared<const backend::MemberZone>(member);
  return zone;
}

}  // namespace understudy::sync
