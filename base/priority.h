// Who goes first where threads want the same core: those that answer queries.
#pragma once

namespace understudy {

// The calling thread, and those that it makes from now on, take what the others leave: about a tenth of a
// core that queries keep busy, all of it otherwise. There is no way back. A core that is shared so answers
// from its mirror while ten thousand zones are being looked after (a start, a burst of NOTIFYs), without
// waiting for them.
void stand_behind_queries();

}  // namespace understudy
