// Messages over TCP: two octets of length, then the message (RFC 1035 4.2.2, RFC 7766 8).
//
// Coroutines of the owner of the socket. Bounded by limits::message_octets.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <vector>

#include "dns/octets.h"

namespace understudy::net {

using TcpSocket = boost::asio::ip::tcp::socket;

// Reads one message; `message` is overwritten. A connection that ends before the message is whole is
// error::eof.
boost::asio::awaitable<boost::system::error_code> read_frame(TcpSocket& socket,
                                                             std::vector<std::uint8_t>& message);

// Sends one message, its length in front, in one system call where the kernel takes it.
boost::asio::awaitable<boost::system::error_code> write_frame(TcpSocket& socket,
                                                              const std::vector<std::uint8_t>& message);

// Opens a socket for `server`'s family, bound to `source` where that is of the same family, and connects it.
boost::asio::awaitable<boost::system::error_code> connect(TcpSocket& socket,
                                                          boost::asio::ip::tcp::endpoint server,
                                                          std::optional<boost::asio::ip::address> source);

// Cuts a stream of octets, in pieces of any size, into messages. No sockets; belongs to one thread at a time.
// Holds at most one message that is not whole yet.
class FrameSplitter {
 public:
  // Calls `take(octets)` for each message that is whole now; it returns false to end. False where it did.
  template <class Take>
  bool feed(dns::Octets stream, Take take) {
    while (!stream.empty()) {
      if (partial_.empty() && stream.size() >= 2 && stream.size() - 2 >= dns::load16(stream.data())) {
        const std::size_t size = dns::load16(stream.data());
        const bool more = take(stream.subspan(2, size));
        stream = stream.subspan(2 + size);
        if (!more) return end(stream);
        continue;
      }
      stream = complete(stream);
      if (!is_whole()) continue;
      const bool more = take(dns::Octets(partial_).subspan(2));
      partial_.clear();
      if (!more) return end(stream);
    }
    return true;
  }
  // True where no message was begun.
  bool at_boundary() const { return partial_.empty(); }
  // Octets behind the message that was told to be the last.
  std::size_t left_behind() const { return left_behind_; }

 private:
  // Moves octets that the begun message lacks into it; returns what is left.
  dns::Octets complete(dns::Octets stream);
  bool is_whole() const {
    return partial_.size() >= 2 && partial_.size() - 2 == dns::load16(partial_.data());
  }

  bool end(dns::Octets rest) {
    left_behind_ = rest.size();
    return false;
  }

  std::vector<std::uint8_t> partial_;
  std::size_t left_behind_ = 0;
};

}  // namespace understudy::net
