// The door of the public status page: an HTTP server of its own, which a reload may open, move and close.
//
// Owned by the running server. prepare() and commit() are called on the sync thread, or before it runs;
// stop() at the end by main().
#pragma once

#include <memory>
#include <vector>

#include "control/public_routes.h"

namespace understudy::app {

class PublicDoor {
 public:
  explicit PublicDoor(const control::Rooms& rooms) : rooms_(rooms) {}
  ~PublicDoor() { stop(); }

  // In two steps, as Server::prepare_listen(): binds what `wanted` names, unless the door is there already;
  // nothing has changed until commit(), and what is not committed is closed again. The error names the
  // address.
  struct Next;
  Result<std::shared_ptr<Next>> prepare(const std::optional<net::Endpoint>& wanted);
  void commit(Next& next);
  void stop();

  // As bound; nothing while it is closed.
  std::optional<net::Endpoint> address() const;

 private:
  struct Door {
    explicit Door(const control::Rooms& rooms) : routes(rooms, server.context()) {}
    control::HttpServer server;
    control::PublicRoutes routes;
  };

  const control::Rooms& rooms_;
  std::optional<net::Endpoint> wanted_;  // as written
  std::unique_ptr<Door> door_;
  // Closed ones: the sync thread may still hold a question of theirs.
  std::vector<std::unique_ptr<Door>> closed_;
};

}  // namespace understudy::app
