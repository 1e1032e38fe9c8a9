// A socket of the server, and how one comes to listen. Plain values and functions; a socket is its owner's.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

#include "net/address.h"

namespace understudy::server {

// Closes its descriptor.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket() { close(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int fd() const { return fd_; }
  void close();

 private:
  int fd_;
};

// An option that a kernel lacks costs comfort or speed, never correctness: so its failure is not looked at.
void set_option(int fd, int level, int name, int value);

enum class Transport : std::uint8_t { udp, tcp };

// A bound socket that does not block and, for TCP, does not listen yet. The first worker's is bound alone
// (`first`), so that an address that another server has is an error and the kernel's choice for port 0 is
// free; it is opened to the other workers' sockets afterwards.
Result<Socket> bind_socket(const net::Endpoint& endpoint, Transport transport, bool first);
Result<> listen(const Socket& socket);
// Both bound to the same address and port; port 0: what the kernel chose.
struct SocketPair {
  Socket udp, tcp;
};
Result<SocketPair> bind_both(const net::Endpoint& endpoint, bool first);
net::Endpoint local_endpoint(const Socket& socket);

// sockaddr_in6 has room for an IPv4 address as well.
net::Endpoint endpoint_of(const sockaddr_in6& address);

}  // namespace understudy::server
