#include "server/socket.h"

#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace understudy::server {
namespace {

// The kernel may grant less; queries that wait for a busy worker are better than lost ones.
constexpr int udp_buffer_octets = 4 << 20;

Error socket_error(const net::Endpoint& endpoint, Transport transport) {
  const bool taken = errno == EADDRINUSE;
  return {taken ? "address-in-use" : "listen-failed",
          "cannot listen on " + net::to_string(endpoint) +
              (transport == Transport::udp ? " (udp)" : " (tcp)") + ": " + std::strerror(errno) +
              (taken ? "; end the server that has this address or choose another" : "")};
}

void set_udp_options(int fd, bool v6, bool wildcard) {
  // The second of each pair goes past the system's limit, where the process may.
  for (const int option : {SO_RCVBUF, SO_RCVBUFFORCE, SO_SNDBUF, SO_SNDBUFFORCE}) {
    set_option(fd, SOL_SOCKET, option, udp_buffer_octets);
  }
  // RFC 9715 3.1: never fragmented; and since what is sent fits any ordinary path, a forged "fragmentation
  // needed" must not change anything. PROBE is both for IPv4: DF is set, no path MTU is kept. IPv6 needs no
  // bit for the former.
  if (v6) {
    set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    if (wildcard) set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  } else {
    set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    if (wildcard) set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
  }
}

void set_tcp_options(int fd) {
  // A restart must not wait for the connections of the process before to be forgotten.
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // Accepted sockets inherit it: a response is one write, there is nothing to wait for.
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

}  // namespace

void Socket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

Result<Socket> bind_socket(const net::Endpoint& endpoint, Transport transport, bool first) {
  const bool v6 = endpoint.address.is_v6();
  const int type = transport == Transport::udp ? SOCK_DGRAM : SOCK_STREAM;
  Socket socket(::socket(v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return socket_error(endpoint, transport);
  if (v6) set_option(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (transport == Transport::udp) {
    set_udp_options(socket.fd(), v6, endpoint.address.is_unspecified());
  } else {
    set_tcp_options(socket.fd());
  }
  if (!first) set_option(socket.fd(), SOL_SOCKET, SO_REUSEPORT, 1);
  const auto where = endpoint.udp();
  if (::bind(socket.fd(), where.data(), static_cast<socklen_t>(where.size())) != 0)
    return socket_error(endpoint, transport);
  if (first) set_option(socket.fd(), SOL_SOCKET, SO_REUSEPORT, 1);
  return socket;
}

Result<> listen(const Socket& socket) {
  if (::listen(socket.fd(), SOMAXCONN) == 0) return {};
  return socket_error(local_endpoint(socket), Transport::tcp);
}

net::Endpoint local_endpoint(const Socket& socket) {
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size);
  return endpoint_of(address);
}

net::Endpoint endpoint_of(const sockaddr_in6& address) {
  if (address.sin6_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return {boost::asio::ip::address_v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
  }
  boost::asio::ip::address_v6::bytes_type octets;
  std::memcpy(octets.data(), &address.sin6_addr, octets.size());
  return {boost::asio::ip::address_v6(octets, address.sin6_scope_id), ntohs(address.sin6_port)};
}

namespace {

Result<SocketPair> try_bind_both(const net::Endpoint& endpoint, bool first) {
  auto udp = bind_socket(endpoint, Transport::udp, first);
  if (!udp) return udp.error();
  auto tcp = bind_socket(local_endpoint(*udp), Transport::tcp, first);
  if (!tcp) return tcp.error();
  return SocketPair{std::move(*udp), std::move(*tcp)};
}

// With port 0 UDP's choice may be taken for TCP; that it is so this often in a row means something else.
constexpr unsigned port_attempts = 16;

}  // namespace

Result<SocketPair> bind_both(const net::Endpoint& endpoint, bool first) {
  for (unsigned attempt = 1;; ++attempt) {
    auto bound = try_bind_both(endpoint, first);
    const bool again = !bound && endpoint.port == 0 && bound.error().reason == "address-in-use";
    if (!again || attempt == port_attempts) return bound;
  }
}

}  // namespace understudy::server
