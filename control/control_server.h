// The operator's door: a Unix socket (mode 0600) that takes one request and answers it.
//
// Protocol: the client sends one line of JSON, {"verb": "refresh", "zone": "example.com."}; the server sends
// any number of
// {"progress": {...}} lines, then {"result": {...}} or {"error": {"reason", "message"}}, and closes.
// Lives on the sync thread. Bounded: connections, size of a request, time for it to come.
#pragma once

#include <memory>
#include <string>

#include "control/rooms.h"

namespace understudy::control {

class ControlServer {
 public:
  explicit ControlServer(const Rooms& rooms);
  ~ControlServer();

  // Binds `path`; a socket that a server left behind is replaced, one that is in use is an error.
  Result<> start(const std::string& path);
  // Takes no more requests and removes the socket; those under way are ended with the sync context.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::control
