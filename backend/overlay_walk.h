// Walks a version of a zone that is stored as what it changes of another: that one, and the nodes that differ
// laid over it.
#pragma once

#include "backend/node_walk.h"

namespace understudy::backend {

// `base` may be null: then the nodes are the whole version. Nodes ascend; one with an empty block takes the
// base's away.
std::unique_ptr<NodeWalk> walk_overlay(std::unique_ptr<NodeWalk> base,
                                       std::shared_ptr<const std::vector<StoredNode>> nodes);

// Walks what a renewed reader sees of a held version; the reader must stay renewed and unused meanwhile.
std::unique_ptr<NodeWalk> walk_held(Reader& reader, const ZoneRow& live, const HeldVersion& held);

}  // namespace understudy::backend
