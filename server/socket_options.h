// Options of listening sockets that Asio has no names for. Plain functions, any thread, at start only.
#pragma once

#include <sys/socket.h>

#include <boost/system/error_code.hpp>
#include <string>

#include "net/address.h"

namespace understudy::server {

// An option that a kernel lacks costs comfort or speed, never correctness: so its failure is not looked at.
inline void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

inline void set_buffer_sizes(int fd, int octets) {
  // The second of each pair goes past the system's limit, where the process may.
  set_option(fd, SOL_SOCKET, SO_RCVBUF, octets);
  set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, octets);
  set_option(fd, SOL_SOCKET, SO_SNDBUF, octets);
  set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, octets);
}

inline Error socket_error(std::string_view protocol, const net::Endpoint& endpoint,
                          const boost::system::error_code& ec) {
  const bool taken = ec == boost::system::errc::address_in_use;
  return {taken ? "address-in-use" : "listen-failed",
          "cannot listen on " + net::to_string(endpoint) + " (" + std::string(protocol) + "): " +
              ec.message() + (taken ? "; end the server that has this address or choose another" : "")};
}

}  // namespace understudy::server
