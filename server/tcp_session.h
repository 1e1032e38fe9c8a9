// One TCP or TLS connection of a client (RFC 7766, RFC 7858): messages in, messages out, pipelined.
//
// Made by the listener, which keeps it; used on its worker's thread only. In one turn of the event loop it
// reads once, answers every whole query that came from one snapshot, and sends the responses at once; what
// the kernel does not take is kept, and nothing is read until it is gone. So neither a slow reader nor a slow
// writer holds up anybody else. What it keeps between turns is a message that is not whole yet, responses
// that were not taken (gather_room), and while a zone is transferred a buffer of that: idle connections have
// no buffers at all.
#pragma once

#include <list>
#include <memory>
#include <vector>

#include "server/stream_options.h"
#include "server/tcp_stream.h"
#include "server/transfer_out.h"
#include "server/worker_shared.h"

namespace understudy::server {

class TcpSession;

// What a session needs of the listener that made it.
class SessionOwner {
 public:
  using Place = std::list<std::shared_ptr<TcpSession>>::iterator;
  // A query was answered, or the client took something: the idle time begins anew.
  virtual void touched(Place place) = 0;
  virtual void ended(Place place) = 0;
  // Where queries are read and responses gathered; one of each for all sessions of the worker, free whenever
  // no session runs.
  virtual std::span<std::uint8_t> read_buffer() = 0;
  virtual std::span<std::uint8_t> gather_buffer() = 0;
  virtual const StreamOptions& stream_options() const = 0;
  // A step of a TLS handshake may cost as much as a thousand queries; only so many are made in a turn.
  virtual bool may_shake_hands() = 0;

 protected:
  ~SessionOwner() = default;
};

class TcpSession final : public EventHandler, public std::enable_shared_from_this<TcpSession> {
 public:
  // What is read at once comes behind the message that is not whole yet.
  static constexpr std::size_t read_octets = 16u << 10;
  static constexpr std::size_t read_room = 2 + limits::message_octets + read_octets;
  // Once there are this many octets of responses they are sent; there is room for one message more.
  static constexpr std::size_t gather_octets = 32u << 10;
  static constexpr std::size_t gather_room = gather_octets + 2 + limits::message_octets;

  TcpSession(TcpStream stream, const boost::asio::ip::address& client, WorkerShared& shared,
             SessionOwner& owner);

  // `place` is where the owner keeps it.
  void start(SessionOwner::Place place);
  void on_ready(std::uint32_t events) override;
  void close();

  const boost::asio::ip::address& client() const { return client_.address; }
  // Everything asked was answered and sent: closing it loses nothing but a query that is not whole yet.
  bool at_rest() const;
  bool transfers() const { return transfer_ != nullptr; }
  // Waits for us, not for the client: its transfer's spool is being made.
  bool waits_for_us() const { return transfer_ && !transfer_->begun() && !writing(); }
  bool established() const { return stream_.established(); }
  SteadyTime accepted() const { return accepted_; }
  SteadyTime last_active() const { return last_active_; }
  void touch();

 private:
  using Place = SessionOwner::Place;

  void serve();
  // Answers the whole queries in `input`; returns how many octets of it they took.
  std::size_t answer(dns::Octets input, std::size_t& gathered, unsigned& queries);
  void keep(dns::Octets input);
  // Says what the next turn is for.
  void wait();
  void watch(std::uint32_t events);

  bool writing() const { return !unsent_.empty(); }
  // Sends what the kernel takes at once; the rest is `unsent_` until flush() has sent it.
  void send(dns::Octets octets);
  // False where the session ended or there is still something unsent.
  bool flush();

  void open_transfer();
  // Sends the next part of a transfer that was begun; one part, then it is the turn of others.
  void carry_zone();

  TcpStream stream_;
  WorkerShared& shared_;
  SessionOwner& owner_;
  Place place_;
  Client client_;
  std::optional<net::ClientIdentity> identity_;  // over TLS, from its first query on
  const SteadyTime accepted_;
  SteadyTime last_active_;
  bool open_ = false;
  std::optional<std::uint32_t> watched_;  // what epoll was told; nothing before the first time
  std::vector<std::uint8_t> input_;       // came, and was not answered
  dns::Octets unsent_;                    // in kept_ or in the transfer's buffer
  std::vector<std::uint8_t> kept_;        // responses that were gathered and not taken
  std::unique_ptr<TransferOut> transfer_;
};

}  // namespace understudy::server
