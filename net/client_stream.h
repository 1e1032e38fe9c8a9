// A connection of ours to a name server, in the clear or over TLS: messages with their lengths in front (RFC
// 7766 8).
//
// Coroutines of the owner, on its io_context's one thread. Once TLS is asked for there is no way back to the
// clear: nothing is written before the server has proved who it is. Bounded by limits::message_octets and a
// buffer.
#pragma once

#include "net/dns_client.h"
#include "net/framing.h"

namespace understudy::net {

class ClientStream {
 public:
  explicit ClientStream(boost::asio::any_io_executor executor);
  ~ClientStream();
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  // Connected, and nothing has come: no message, and no end either.
  bool is_quiet();
  // Whoever waits in wait() is woken up. Over TLS, where that reads, the connection is over with it.
  void interrupt();
  // For a Deadline; closing it ends whatever waits.
  TcpSocket& socket() { return socket_; }
  Transport transport() const { return tls_ ? Transport::tls : Transport::tcp; }

  // Connects and, with trust.tls, shakes hands and believes or not. What is returned is why that failed:
  // net::reason; `what` was being done.
  boost::asio::awaitable<std::optional<Error>> connect(Endpoint server,
                                                       std::optional<boost::asio::ip::address> source,
                                                       Trust trust, std::string_view what);
  boost::asio::awaitable<boost::system::error_code> write(const Message& message);
  boost::asio::awaitable<boost::system::error_code> read(Message& message);

  // For streams that are read in pieces: waits until there is something, then takes as much as there is room
  // for (error::would_block where it was a false alarm).
  boost::asio::awaitable<boost::system::error_code> wait();
  std::size_t read_some(boost::asio::mutable_buffer room, boost::system::error_code& error);

 private:
  struct Tls;
  TcpSocket socket_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace understudy::net
