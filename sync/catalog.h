// What the records of a catalog zone say (RFC 9432): which zones there are, and what is said of each.
//
// Plain values, and pure functions on walks and values: any thread. Memory: the members.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backend/node_walk.h"

namespace understudy::sync {

struct CatalogMember {
  dns::Name zone;                   // in lower case
  std::string label;                // <unique-N> of its node, as text in lower case
  std::optional<dns::Name> coo;     // the catalog that may take it over
  std::vector<std::string> groups;  // in canonical order
};

struct Catalog {
  std::map<std::string, CatalogMember> members;  // by key of the zone
  const CatalogMember* find(const std::string& key) const {
    const auto found = members.find(key);
    return found == members.end() ? nullptr : &found->second;
  }
};

// Errors: "catalog-broken" with what is broken, and those of the walk. What is not understood is left alone.
Result<Catalog> read_catalog(dns::NameView apex, backend::NodeWalk& walk);

// What a catalog takes away from those that it had: members that are gone, and members whose label changed,
// whose data would be forgotten (RFC 9432 5.4). Who was to move to another catalog is not missed.
struct CatalogLosses {
  std::uint64_t before = 0, gone = 0, reset = 0;
  dns::Name first;  // of them
};
CatalogLosses losses_between(const Catalog& before, const Catalog& now);

}  // namespace understudy::sync
