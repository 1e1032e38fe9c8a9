// What the operator's doors look at: the running rooms, by reference. Made by app/, which owns them all and
// outlives the doors. What of it may be touched on which thread is each room's own rule.
#pragma once

#include "audit/comparer.h"
#include "server/server.h"
#include "sync/sync.h"

namespace understudy::control {

struct Rooms {
  boost::asio::io_context& sync_context;
  sync::Sync& sync;           // sync thread
  audit::Comparer& comparer;  // sync thread
  const server::Server& server;
  backend::Mirror& mirror;
  backend::ZoneTables& tables;
  const Clock& clock;
};

}  // namespace understudy::control
