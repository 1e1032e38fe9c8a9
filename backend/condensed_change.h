// One change that does what several changes after one another do.
//
// Works on one thread, between a reader's renew() and its next. Memory: one chunk of each change, the changes
// of one owner, and what comes out, compressed.
#pragma once

#include <atomic>

#include "backend/change_cursor.h"

namespace understudy::backend {

// `changes`: those of consecutive versions, oldest first. An RR that comes and goes again, or goes and comes
// again, is in none of it. Errors: "mirror-io", "stopping" (`stop` became true).
Result<ChangeWriter> condense(std::vector<ChangeCursor> changes, const std::atomic<bool>& stop);

}  // namespace understudy::backend
