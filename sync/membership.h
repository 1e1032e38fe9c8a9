// Which zones are members of which catalog: what follows from what the catalogs say, from what was so before,
// and from what others have already. Pure functions on values.
//
// A zone has one owner. The configuration goes before what was added, since it is the operator's word in
// writing; what was added goes before catalogs, since the operator did it by hand, perhaps because a
// catalog's source is gone; and of two catalogs the one that had the zone first keeps it (RFC 9432 5.2),
// until it says itself that the other may have it (4.4.1).
#pragma once

#include <functional>
#include <set>

#include "sync/catalog.h"
#include "sync/catalog_settings.h"

namespace understudy::sync {

using Members = std::map<std::string, backend::MemberZone>;  // by key of the zone

struct CatalogView {
  const CatalogSettings* settings;
  const Catalog* content;  // nullptr: not known, or broken: its members stay what they were (RFC 9432 5.1)
};

// What a catalog lists and does not get.
struct RefusedMember {
  dns::Name catalog, zone;
  std::string_view reason;  // "catalog-not-allowed", "catalog-clash"
  std::string message;
  friend bool operator==(const RefusedMember&, const RefusedMember&) = default;
};

struct Membership {
  Members members;
  std::set<std::string> reset;  // of them: what is known of the zone is another's, and to be forgotten
  std::vector<RefusedMember> refused;
};

// Who has a zone that no catalog may have, in words; empty: nobody.
using Taken = std::function<std::string_view(const dns::Name& zone)>;

Membership resolve(const std::vector<CatalogView>& catalogs, const Members& before, const Taken& taken);

}  // namespace understudy::sync
