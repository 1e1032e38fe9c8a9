// The SOA record of a zone as the mirror has it. Not for the query path.
#pragma once

#include "backend/mirror.h"

namespace understudy::backend {

// Of a generation that the renewed reader sees; nothing where it has none.
inline std::optional<dns::Record> soa_record(Reader& reader, const Name& apex, Generation generation) {
  if (generation == 0) return std::nullopt;
  dns::NameKey key(apex);
  FoundNode found;
  if (!reader.find_exact(generation, key, key.size(), found)) return std::nullopt;
  const std::optional<RRsetView> rrset = found.node.find(RRType::SOA);
  if (!rrset || rrset->size() == 0) return std::nullopt;
  return dns::Record{apex, RRType::SOA, rrset->ttl(), rrset->expand(apex).front()};
}

// Whether the apex has records of that type in a generation that the renewed reader sees.
inline bool has_at_apex(Reader& reader, const Name& apex, Generation generation, RRType type) {
  dns::NameKey key(apex);
  FoundNode found;
  if (!reader.find_exact(generation, key, key.size(), found)) return false;
  const std::optional<RRsetView> rrset = found.node.find(type);
  return rrset && rrset->size() != 0;
}

}  // namespace understudy::backend
