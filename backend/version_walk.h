// Walks any version of a zone that is kept, or held: what is stored whole and nearest after it (the live
// version, or one that was kept beside a large change), with the changes since taken back on the way.
//
// Memory: one chunk of each change on the way, whatever the zone's size.
#pragma once

#include "backend/node_walk.h"

namespace understudy::backend {

// The reader must stay renewed and unused meanwhile. `live` is the zone's row as that reader sees it. Errors:
// "version-unknown" (never there, or forgotten), "mirror-io".
Result<std::unique_ptr<NodeWalk>> walk_version(Reader& reader, const ZoneRow& live, Version version);

}  // namespace understudy::backend
