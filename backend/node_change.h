// What two blocks of one owner's node tell apart: the RRs that went and those that came.
//
// One object, one thread; reused from node to node so that its memory is too.
#pragma once

#include <span>

#include "backend/change.h"
#include "backend/node_walk.h"

namespace understudy::backend {

class NodeChange {
 public:
  // From `before` to `after`, the nodes of that key; one that is not valid() was, or is, not there. RRs are
  // compared octet by octet, those that went come first. What is returned lives until the next call, and no
  // longer than the blocks. Errors: "mirror-io" where the key is no name's.
  Result<std::span<const ChangedRecord>> between(Octets key, NodeView before, NodeView after);

 private:
  NodeExpander before_expander_, after_expander_;
  WalkedNode before_, after_;
  std::vector<ChangedRecord> records_;
};

}  // namespace understudy::backend
