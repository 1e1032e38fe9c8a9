// The running server: makes every room, wires them, runs the sync thread, ends them in the right order.
#pragma once

#include "app/console.h"
#include "app/reload.h"

namespace understudy::app {

// Serves until SIGINT or SIGTERM, on the calling thread. On console.out, once everything answers, a line for
// each door and then "ready":
//   listening udp+tcp 127.0.0.1:5300
//   http 127.0.0.1:9853
//   control /var/lib/understudy/control.sock
//   ready
// `load` reads the configuration anew, for reloads; it is empty where there is no file. Returns the exit
// code.
int serve(Config config, const LoadConfig& load, bool reset_mirror, const Console& console);

}  // namespace understudy::app
