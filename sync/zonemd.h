// The digest of a whole zone (RFC 8976), scheme SIMPLE with SHA-384 and SHA-512, over a walk of the mirror:
// no record of the zone is in memory but one owner's.
//
// A plain function that works hard, for a pool thread.
#pragma once

#include <functional>

#include "backend/node_walk.h"

namespace understudy::sync {

enum class Zonemd : std::uint8_t {
  absent,       // the zone has no ZONEMD at its apex
  verified,     // one of its digests is right
  wrong,        // none is, though there is one that could be
  unsupported,  // there are only such that cannot be computed here
};

struct ZonemdResult {
  Zonemd outcome = Zonemd::absent;
  std::string message;
};

// `open` begins a walk over the version; two go on at once, since NSEC3s are stored apart. Errors: those of
// the walk.
using OpenWalk = std::function<Result<std::unique_ptr<backend::NodeWalk>>()>;
Result<ZonemdResult> verify_zonemd(dns::NameView apex, const OpenWalk& open);

}  // namespace understudy::sync
