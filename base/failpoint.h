// Places where a test may have the process killed, as by a power button: UNDERSTUDY_FAILPOINT=NAME or NAME:N
// in the environment kills it with SIGKILL when it comes to the place of that name for the Nth time.
//
// Does nothing but in the builds with sanitizers. Any thread; not on the query path.
#pragma once

#include <string_view>

namespace understudy {

void failpoint(std::string_view name);

}  // namespace understudy
