// Walks a version that was built and is not published yet, wherever its nodes are.
#pragma once

#include "backend/node_walk.h"
#include "sync/publisher.h"

namespace understudy::sync {

// With a reader of its own, renewed now: a walk must not last long. Any thread but the store thread. `live`
// is the zone's row, which `built` was made against. Errors: those of the mirror.
Result<std::unique_ptr<backend::NodeWalk>> walk_built(backend::Mirror& mirror, const backend::ZoneRow& live,
                                                      std::shared_ptr<const BuiltZone> built);
Result<std::unique_ptr<backend::NodeWalk>> walk_live(backend::Mirror& mirror, const backend::ZoneRow& live);

}  // namespace understudy::sync
