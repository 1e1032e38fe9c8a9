#include "server/tcp_stream.h"

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <string_view>

namespace understudy::server {

TcpStream::TcpStream(Socket socket, net::TlsSession tls) : socket_(std::move(socket)), tls_(std::move(tls)) {
  if (!tls_) return;
  SSL_set_accept_state(tls_.get());
  failed_ = SSL_set_fd(tls_.get(), socket_.fd()) != 1;
}

TcpStream::~TcpStream() = default;

bool TcpStream::may_carry_zones() const {
  if (!tls_) return true;
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(tls_.get(), &name, &size);
  return size != 0 && SSL_version(tls_.get()) >= TLS1_3_VERSION;
}

std::optional<std::size_t> TcpStream::read(std::span<std::uint8_t> room) {
  if (tls_) return read_tls(room);
  const ssize_t n = ::recv(socket_.fd(), room.data(), room.size(), MSG_DONTWAIT);
  if (n > 0) return static_cast<std::size_t>(n);
  if (n == 0 || (errno != EAGAIN && errno != EINTR)) return std::nullopt;
  blocked_on_ = EPOLLIN;
  return 0;
}

std::optional<std::size_t> TcpStream::write(dns::Octets octets) {
  if (tls_) return write_tls(octets);
  const ssize_t n = ::send(socket_.fd(), octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN && errno != EINTR) return std::nullopt;
  blocked_on_ = EPOLLOUT;
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

bool TcpStream::waits(int result) {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      blocked_on_ = EPOLLIN;
      return true;
    case SSL_ERROR_WANT_WRITE:
      blocked_on_ = EPOLLOUT;
      return true;
    default:
      failed_ = true;
      ERR_clear_error();  // or it would be taken for the next connection's
      return false;
  }
}

// A read brings one record at most; many small queries may well have come in as many records.
std::optional<std::size_t> TcpStream::read_tls(std::span<std::uint8_t> room) {
  std::size_t total = 0;
  bool ended = failed_;
  while (!ended && total < room.size()) {
    std::size_t n = 0;
    const int result = SSL_read_ex(tls_.get(), room.data() + total, room.size() - total, &n);
    if (result == 1) {
      total += n;
    } else if (waits(result)) {
      break;
    } else {
      ended = true;
    }
  }
  holds_more_ = ended || total == room.size();
  if (total == 0 && ended) return std::nullopt;
  return total;
}

// Records of 16 KiB at most, until the kernel takes no more.
std::optional<std::size_t> TcpStream::write_tls(dns::Octets octets) {
  std::size_t total = 0;
  while (!failed_ && total < octets.size()) {
    std::size_t n = 0;
    const int result = SSL_write_ex(tls_.get(), octets.data() + total, octets.size() - total, &n);
    if (result == 1) {
      total += n;
    } else if (waits(result)) {
      return total;
    }
  }
  if (failed_) return std::nullopt;
  return total;
}

bool TcpStream::has_unread() const {
  int octets = 0;
  return ::ioctl(socket_.fd(), FIONREAD, &octets) == 0 && octets > 0;
}

void TcpStream::close() {
  // RFC 8446 6.1. What the kernel does not take now is not waited for, nor is the client's own goodbye.
  if (tls_ && !failed_ && established()) SSL_shutdown(tls_.get());
  ERR_clear_error();
  tls_.reset();
  socket_.close();
}

}  // namespace understudy::server
