// A catalog of our own (RFC 9432): the zones that we serve, for secondaries of ours. Pure functions on
// values.
#pragma once

#include "sync/transfer_decoder.h"
#include "sync/zone_settings.h"

namespace understudy::sync {

struct ListedZone {
  dns::Name apex;
  backend::ZoneId id = 0;  // never given to another zone, so that it makes the label
  std::string group;       // empty: none
};

// Those of `served` that the catalog lists.
std::vector<ListedZone> listed_in(const PublishedCatalog& catalog,
                                  const std::vector<std::pair<dns::Name, backend::ZoneId>>& served);

// The catalog's records. Errors: those of the target, and "limit-name" where the catalog's name is too long.
Result<> write_catalog(const dns::Name& apex, std::uint32_t serial, const std::vector<ListedZone>& zones,
                       RecordTarget& target);

}  // namespace understudy::sync
