// What the operator's doors look at: the running rooms, by reference. Made by app/, which owns them all and
// outlives the doors. What of it may be touched on which thread is each room's own rule.
#pragma once

#include <functional>

#include "audit/comparer.h"
#include "server/server.h"
#include "sync/sync.h"

namespace understudy::control {

// Makes settings of a zone's options, as the configuration's reader would. Errors say which option is wrong.
using ReadZoneOptions =
    std::function<Result<sync::ZoneSettings>(const dns::Name& apex, const backend::ZoneOptions& options)>;

// What a reload did.
struct Reloaded {
  sync::ReloadOutcome zones;
  std::vector<std::string> listening, closed;  // addresses that are listened on from now on, or no more
  bool tls = false;                            // clients are shown or asked something else over TLS
  std::vector<std::string> restart;            // keys that changed and that only a restart applies
};
// Reads the configuration anew and applies it; `done` is called once. Errors say what is wrong with it, and
// then nothing has changed.
using Reload = std::function<void(std::function<void(Result<Reloaded>)> done)>;

struct Rooms {
  boost::asio::io_context& sync_context;
  sync::Sync& sync;           // sync thread
  audit::Comparer& comparer;  // sync thread
  const server::Server& server;
  backend::Mirror& mirror;
  backend::ZoneTables& tables;
  const Clock& clock;
  ReadZoneOptions read_zone_options =
      {};                           // app/'s, which knows the options; without it zones cannot be added
  Reload reload = {};               // app/'s as well, on the sync thread
  std::string data_directory = {};  // absolute; for verbs that read the mirror themselves
};

}  // namespace understudy::control
