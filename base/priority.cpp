#include "base/priority.h"

#include <sys/resource.h>

namespace understudy {

void stand_behind_queries() {
  constexpr int nice = 10;  // the scheduler's weight is 110 then, against 1024
  // To Linux a "process" is a thread here (setpriority(2), NOTES), and 0 the caller's. Where it is refused,
  // all are equal, as they were.
  ::setpriority(PRIO_PROCESS, 0, nice);
}

}  // namespace understudy
