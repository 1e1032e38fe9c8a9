// A server on ports that the kernel chose, over a temporary mirror, and plain blocking clients for it.
//
// A client waits for an octet, an end or a connection for at most `patience`; then it throws, which fails the
// test.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <stdexcept>

#include "server/server.h"
#include "support/test_mirror.h"

namespace understudy::test {

inline constexpr std::chrono::seconds patience{60};

// Stands still until it is told to go on.
class ManualClock final : public Clock {
 public:
  SteadyTime steady() const override { return SteadyTime(std::chrono::seconds(seconds_.load())); }
  UnixTime wall() const override { return seconds_.load(); }
  void advance(std::chrono::seconds by) { seconds_.fetch_add(by.count()); }

 private:
  std::atomic<std::int64_t> seconds_{1000};
};

inline net::Endpoint endpoint(const char* text) { return net::parse_endpoint(text, 0).value(); }

class TestServer {
 public:
  TestServer(const std::vector<ZoneText>& zones, server::ServerOptions options) : mirror_(zones) {
    if (options.listen.clear.empty()) options.listen.clear = {endpoint("127.0.0.1:0")};
    if (options.data_directory.empty()) options.data_directory = spool_.path();
    if (options.workers == 0) options.workers = 1;
    server_ = std::make_unique<server::Server>(mirror_.mirror(), mirror_.tables(), sink_, std::move(options));
    const auto started = server_->start();
    if (!started) throw std::runtime_error(started.error().message);
  }
  explicit TestServer(const std::vector<ZoneText>& zones) : TestServer(zones, {}) {}

  net::Endpoint address(std::size_t i = 0) const { return server_->addresses().at(i); }
  net::Endpoint tls_address() const { return server_->tls_addresses().at(0); }
  server::Server& server() { return *server_; }
  TestMirror& mirror() { return mirror_; }
  // After this the counters stand still.
  void stop() { server_->stop(); }
  std::uint64_t total(std::function<std::uint64_t(const metrics::WorkerCounters&)> cell) const {
    std::uint64_t sum = 0;
    for (const auto* counters : server_->counters()) sum += cell(*counters);
    return sum;
  }
  std::uint64_t dropped(metrics::Dropped reason) const {
    return total([reason](const auto& c) { return c.dropped[static_cast<int>(reason)].get(); });
  }
  std::uint64_t transfers(std::string_view result, std::string_view transport = "tcp",
                          std::string_view type = "axfr") const {
    for (const auto& row : server_->transfers_out()) {
      if (row.result == result && row.transport == transport && row.type == type) return row.count;
    }
    throw std::runtime_error("no such result");
  }

 private:
  TemporaryDirectory spool_;
  TestMirror mirror_;
  NoNotify sink_;
  std::unique_ptr<server::Server> server_;
};

class ClientSocket {
 public:
  ClientSocket(const net::Endpoint& server, int type, const char* source = nullptr, int receive_buffer = 0) {
    fd_ = ::socket(server.address.is_v4() ? AF_INET : AF_INET6, type, 0);
    if (fd_ < 0) throw std::runtime_error("socket");
    if (receive_buffer != 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (source != nullptr) {
      const auto from = endpoint(source).udp();
      if (::bind(fd_, from.data(), static_cast<socklen_t>(from.size())) != 0)
        throw std::runtime_error("bind");
    }
    const auto to = server.udp();
    if (::connect(fd_, to.data(), static_cast<socklen_t>(to.size())) != 0)
      throw std::runtime_error("connect");
  }
  virtual ~ClientSocket() { ::close(fd_); }
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  virtual void send(const Bytes& octets) {
    for (std::size_t at = 0; at < octets.size();) {
      const ssize_t n = ::send(fd_, octets.data() + at, octets.size() - at, MSG_NOSIGNAL);
      if (n <= 0) throw std::runtime_error("send");
      at += static_cast<std::size_t>(n);
    }
  }
  // Nothing has come that was not received.
  bool nothing_came() const {
    char octet;
    return ::recv(fd_, &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
  }
  void shut_down_sending() { ::shutdown(fd_, SHUT_WR); }
  // Up to `most` octets (a datagram); none at the end of the stream, be it orderly or not.
  virtual Bytes receive(std::size_t most = 65535) {
    pollfd ready{fd_, POLLIN, 0};
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
    if (::poll(&ready, 1, static_cast<int>(wait)) != 1) throw std::runtime_error("nothing came in time");
    Bytes octets(most);
    const ssize_t n = ::recv(fd_, octets.data(), octets.size(), 0);
    octets.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return octets;
  }

 protected:
  int fd() const { return fd_; }

 private:
  int fd_;
};

class UdpClient : public ClientSocket {
 public:
  explicit UdpClient(const net::Endpoint& server, const char* source = nullptr)
      : ClientSocket(server, SOCK_DGRAM, source, 4 << 20) {}
  Message ask(const Query& query) {
    send(encode(query));
    return decode(receive());
  }
};

inline Bytes framed(const Bytes& message) {
  Bytes out;
  append16(out, static_cast<std::uint16_t>(message.size()));
  out.insert(out.end(), message.begin(), message.end());
  return out;
}

class TcpClient : public ClientSocket {
 public:
  explicit TcpClient(const net::Endpoint& server, const char* source = nullptr, int receive_buffer = 0)
      : ClientSocket(server, SOCK_STREAM, source, receive_buffer) {}
  // The next message; nothing at the end of the stream.
  std::optional<Bytes> message() {
    const auto whole = [this] { return held_.size() >= 2 && held_.size() - 2 >= dns::load16(held_.data()); };
    while (!whole()) {
      const Bytes more = receive();
      if (more.empty()) return std::nullopt;
      held_.insert(held_.end(), more.begin(), more.end());
    }
    const auto end = held_.begin() + 2 + dns::load16(held_.data());
    Bytes message(held_.begin() + 2, end);
    held_.erase(held_.begin(), end);
    return message;
  }
  bool ended() { return !message(); }
  Message ask(const Query& query) {
    send(framed(encode(query)));
    const auto response = message();
    if (!response) throw std::runtime_error("the connection ended");
    return decode(*response);
  }

 private:
  Bytes held_;
};

// An IXFR query (RFC 1995 3) of who has the zone with that serial.
inline Bytes ixfr_query(std::string_view apex, std::uint32_t serial, std::uint16_t id = 0x4d2) {
  const std::string text = std::string(apex) + (apex.ends_with('.') ? "" : ".");
  const Rr soa = rr(text + " 0 SOA . . " + std::to_string(serial) + " 0 0 0 0");
  Bytes message = header(id, 0, 1, 0, 1, 0);
  append_name(message, name(apex));
  append16(message, type::IXFR);
  append16(message, 1);
  append_name(message, soa.owner);
  append16(message, type::SOA);
  append16(message, 1);
  append32(message, soa.ttl);
  append16(message, static_cast<std::uint16_t>(soa.rdata.size()));
  message.insert(message.end(), soa.rdata.begin(), soa.rdata.end());
  return message;
}

inline Query query(std::string_view qname, std::uint16_t qtype, std::uint16_t id = 0x4d2) {
  Query q;
  q.name = name(qname);
  q.type = qtype;
  q.id = id;
  q.edns = true;
  return q;
}

}  // namespace understudy::test
