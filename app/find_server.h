// How a verb finds the running server, or its mirror: --control SOCKET, --config FILE or --data DIR.
#pragma once

#include <string>

#include "app/config.h"

namespace CLI {
class App;
}

namespace understudy::app {

struct Whereabouts {
  std::string control, config, data;  // as given; empty: not

  // Adds the options to a verb, for the running server's socket or for the mirror. The object must outlive
  // the parse.
  void add_socket_options(CLI::App& verb);
  void add_mirror_options(CLI::App& verb);
  // The control socket: the one given, else the configuration's, else that of the data directory.
  Result<std::string> socket() const;
  Result<std::string> data_directory() const;
};

}  // namespace understudy::app
