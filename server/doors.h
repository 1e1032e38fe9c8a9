// The addresses at which the server listens, and how they change while it runs.
//
// Owned by the server. addresses() may be called on any thread, the rest by one thread at a time.
#pragma once

#include <mutex>

#include "server/socket.h"

namespace understudy::server {

// Addresses to listen at; port 0: the kernel chooses one, the same for UDP and TCP.
struct Listening {
  std::vector<net::Endpoint> clear;  // UDP and TCP
  std::vector<net::Endpoint> tls;    // TCP
};

class Doors {
 public:
  // As it is wanted, and as it was bound.
  struct Door {
    net::Endpoint wanted, bound;
    bool tls = false;
  };
  struct Opened {
    Door door;
    std::vector<SocketPair> sockets;  // one pair a worker, bound; over TLS without one for UDP
  };

  // Binds what of `wanted` is not there yet, as it is written; nothing else changes. The first worker's
  // sockets decide whether an address is free, and which port 0 stands for. Errors: "address-in-use",
  // "listen-failed", naming the address.
  Result<std::vector<Opened>> bind(const Listening& wanted, std::size_t workers) const;
  void add(const Door& door);
  // Those that are not wanted any more; they are not here any more either.
  std::vector<Door> leave(const Listening& wanted);

  std::vector<net::Endpoint> addresses(bool tls) const;

 private:
  Result<Opened> open(const net::Endpoint& wanted, bool tls, const std::vector<Opened>& opened,
                      std::size_t workers) const;

  mutable std::mutex mutex_;
  std::vector<Door> doors_;  // changed under mutex_
};

}  // namespace understudy::server
