// One TCP connection of a client (RFC 7766): messages in, messages out, pipelined.
//
// Made by the listener, kept alive by the operations that are under way; used on its worker's thread only.
// While it holds one whole batch of queries it answers them from one snapshot, gathers the responses in the
// worker's shared buffer and sends them at once; what the kernel does not take is kept, and nothing is read
// until it is gone. So a slow reader holds up nobody else, and one connection never holds more than one
// message that is not whole, a buffer of responses, and while a zone is transferred a buffer of that.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <list>
#include <memory>
#include <vector>

#include "server/transfer_out.h"
#include "server/worker_shared.h"

namespace understudy::server {

class TcpSession;

// What a session needs of the listener that made it.
class SessionOwner {
 public:
  using Place = std::list<std::shared_ptr<TcpSession>>::iterator;
  virtual ~SessionOwner() = default;
  // Something came or went: the idle time begins anew.
  virtual void touched(Place place) = 0;
  virtual void ended(Place place) = 0;
  // Where responses are gathered; one for all sessions of the worker, free whenever no session runs.
  virtual std::span<std::uint8_t> gather_buffer() = 0;
};

class TcpSession : public std::enable_shared_from_this<TcpSession> {
 public:
  // Responses are sent once there are this many octets of them; the buffer has room for one message more.
  static constexpr std::size_t gather_octets = 16u << 10;
  static constexpr std::size_t gather_room = gather_octets + 2 + limits::message_octets;

  TcpSession(boost::asio::ip::tcp::socket socket, const boost::asio::ip::address& client,
             WorkerShared& shared, SessionOwner& owner);

  // `place` is where the owner keeps it.
  void start(SessionOwner::Place place);
  void close();

  const boost::asio::ip::address& client() const { return client_.address; }
  // Everything asked was answered and sent: closing it loses nothing but a query that is not whole yet.
  bool at_rest() const;
  // Waits for us, not for the client: its transfer's spool is being made.
  bool waits_for_us() const { return transfer_ && !transfer_->begun() && !writing(); }
  SteadyTime last_active() const { return last_active_; }
  void set_last_active(SteadyTime when) { last_active_ = when; }

 private:
  static constexpr std::size_t input_octets = 2048;  // some forty queries; grows for one that is longer

  void read();
  void on_read(const boost::system::error_code& ec, std::size_t octets);
  // Answers what is there; then reads on, waits for the client to take what is unsent, or begins a transfer.
  void process();
  std::size_t answer_batch(unsigned& queries);
  std::optional<std::size_t> message_size() const;
  bool whole_message() const;
  void make_room();

  bool writing() const { return !unsent_.empty(); }
  // Sends what the kernel takes at once; the rest is `unsent_` until on_writable() has sent it.
  void send(dns::Octets octets);
  void wait_writable();
  void on_writable();
  void touch(SteadyTime now);

  void open_transfer();
  // Sends the next part of a transfer that was begun; one part, then it is the turn of others.
  void stream();

  boost::asio::ip::tcp::socket socket_;
  WorkerShared& shared_;
  SessionOwner& owner_;
  SessionOwner::Place place_;
  const Client client_;
  SteadyTime last_active_;
  bool open_ = false;
  std::vector<std::uint8_t> input_;
  std::size_t input_begin_ = 0, input_end_ = 0;
  dns::Octets unsent_;              // in kept_ or in the transfer's buffer
  std::vector<std::uint8_t> kept_;  // responses that were gathered and not taken
  std::unique_ptr<TransferOut> transfer_;
};

}  // namespace understudy::server
