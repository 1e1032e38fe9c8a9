// The octets of one connection, plain or over TLS. Nothing here ever blocks.
//
// Owned by its session, used on its worker's thread. A TLS handshake is carried on by whatever is read.
#pragma once

#include <optional>

#include "dns/name.h"
#include "net/tls_context.h"
#include "server/socket.h"

namespace understudy::server {

class TcpStream {
 public:
  // Without a `tls` session the stream is plain.
  TcpStream(Socket socket, net::TlsSession tls);
  ~TcpStream();
  TcpStream(TcpStream&&) = default;
  TcpStream& operator=(TcpStream&&) = delete;

  int fd() const { return socket_.fd(); }
  bool is_tls() const { return tls_ != nullptr; }
  const SSL* tls() const { return tls_.get(); }
  // The handshake is done, where there is one.
  bool established() const { return !tls_ || SSL_is_init_finished(tls_.get()); }
  // RFC 9103 7.1 and 7.2: a zone goes over TLS only in version 1.3, to a client that asked for "dot".
  bool may_carry_zones() const;

  // How many octets were read or written; 0 where none can be now (then blocked_on() says what to wait for);
  // nothing at the end of the stream, be it orderly or not.
  std::optional<std::size_t> read(std::span<std::uint8_t> room);
  std::optional<std::size_t> write(dns::Octets octets);
  // What epoll is to tell of.
  std::uint32_t blocked_on() const { return blocked_on_; }
  // read() left something behind that no event will tell of.
  bool holds_more() const { return holds_more_; }
  // Octets that came and were not read.
  bool has_unread() const;

  // Says goodbye as TLS wants it, and closes.
  void close();

 private:
  std::optional<std::size_t> read_tls(std::span<std::uint8_t> room);
  std::optional<std::size_t> write_tls(dns::Octets octets);
  // True where the last call will go on later; false where it never will.
  bool waits(int result);

  Socket socket_;
  net::TlsSession tls_;
  std::uint32_t blocked_on_ = 0;
  bool holds_more_ = false, failed_ = false;
};

}  // namespace understudy::server
