// How a verb finds the running server, or its mirror: --control SOCKET, --config FILE or --data DIR.
#pragma once

#include <string>

#include "app/config.h"
#include "net/dns_client.h"

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
  // What a primary must prove when a verb asks it: with the key and the authorities of the configuration, the
  // one at
  // --config or at the usual place.
  Result<net::Trust> trust_of(const sync::AxfrSource& source) const;
  // The differences that the configuration expects. Where a socket or a data directory is named and no
  // configuration, none: whose it would be is not known.
  Result<audit::Expectations> expectations() const;

 private:
  // The configuration at --config or at the usual place; nothing where there is none.
  Result<std::optional<Config>> configuration() const;
};

}  // namespace understudy::app
