// Reload: the configuration read anew, and what of it may change while we serve put in force.
//
// Owned by the running server; sync thread. What is wrong with the new configuration is found before anything
// changes: it is read whole, its certificates are read, and new addresses are bound; then zones change (the
// mirror first), and with them what is shown to their primaries; then what clients are believed by, and what
// is listened on. Other keys are in force from the next start on, and are told.
#pragma once

#include "app/config.h"
#include "app/public_door.h"
#include "audit/comparer.h"
#include "control/rooms.h"
#include "server/server.h"

namespace understudy::app {

// What other servers are shown and must prove. Errors: "tls-certificate".
Result<sync::Credentials> credentials_of(const Config& config);

// Of how many queries that clients send one is compared; 0: none is.
unsigned queries_a_sample(const Config& config);

// A paragraph for docs/configuration.md: what a reload changes.
std::string reload_reference();

// Reads what the server was started with, anew.
using LoadConfig = std::function<LoadedConfig()>;

// Zones came, went and changed: so does what is compared.
void compare_anew(const sync::ReloadOutcome& outcome, const sync::Sync& sync, audit::Comparer& comparer);

class Reloader {
 public:
  // `config` is what is in force and becomes what is in force after a reload. `load` is empty where there is
  // nothing to read (zones on the command line only).
  Reloader(Config& config, LoadConfig load, backend::Mirror& mirror, sync::Sync& sync,
           audit::Comparer& comparer, server::Server& server, PublicDoor& public_door)
      : config_(config),
        load_(std::move(load)),
        mirror_(mirror),
        sync_(sync),
        comparer_(comparer),
        server_(server),
        public_door_(public_door) {}

  using Done = std::function<void(Result<control::Reloaded>)>;
  // `done` is called once. One at a time, when no zone comes or goes otherwise: the configuration is read
  // when its turn has come, so whoever asks before that is answered by the same reload.
  void reload(Done done);

 private:
  void begin();
  void ended();
  Result<> change(Config next, Done done);
  control::Reloaded take_over(Config next, const sync::ReloadOutcome& outcome,
                              server::Server::NewDoors& doors, const dns::TsigKeyRingPtr& keys);

  std::vector<Done> waiting_;
  bool under_way_ = false;  // or waiting for its turn
  Config& config_;
  const LoadConfig load_;
  backend::Mirror& mirror_;
  sync::Sync& sync_;
  audit::Comparer& comparer_;
  server::Server& server_;
  PublicDoor& public_door_;
};

}  // namespace understudy::app
