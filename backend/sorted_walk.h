// Walks the records of a sorter as a version of a zone: what a zone file or a transfer brought, in the same
// shape as what the mirror holds.
//
// One object, one thread. Holds one owner's records at a time.
#pragma once

#include "backend/node_walk.h"
#include "backend/record_sorter.h"

namespace understudy::backend {

// The sorter has been finished; nobody else reads it meanwhile. Records that are there twice come once, and
// an RRset has the lowest TTL of its RRs (RFC 2181 5.2), as in a node block. Nothing is checked: CNAMEs may
// stand beside other data.
std::unique_ptr<NodeWalk> walk_sorted(RecordSorter& sorter);

}  // namespace understudy::backend
