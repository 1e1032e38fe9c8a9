// The door of the public status page: an HTTP server of its own, which a reload may open, move and close.
//
// Owned by the running server. prepare() and commit() are called on the sync thread, or before it runs, for
// one change at a time; stop() at the end by main().
#pragma once

#include <memory>

#include "control/public_routes.h"

namespace understudy::app {

class PublicDoor {
 public:
  explicit PublicDoor(const control::Rooms& rooms) : rooms_(rooms) {}
  ~PublicDoor() { stop(); }

  // In two steps, as Server::prepare_listen(): binds what `wanted` names, unless the door is there already;
  // nothing has changed until commit(), and what is not committed is closed again. But where the door that is
  // open stands in the way (0.0.0.0:80 before 127.0.0.1:80) it is closed for the new one, and opened again
  // where that comes to nothing. The error names the address.
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

  Result<std::unique_ptr<Door>> open(const net::Endpoint& address) const;
  void close();
  void reopen(const net::Endpoint& address);

  const control::Rooms& rooms_;
  std::optional<net::Endpoint> wanted_;  // as written
  std::unique_ptr<Door> door_;
};

}  // namespace understudy::app
