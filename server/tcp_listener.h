// The TCP side of one worker, TLS included: accepts connections, keeps their sessions, closes those that are
// idle or too old.
//
// Owned by its worker, used on its thread; ConnectionCounts is shared by all workers and safe from any thread
// (one mutex, taken when a connection comes or goes, never for a query).
//
// When all connections are taken, a new one takes the place of this worker's session that is idle longest
// (RFC 7766 6.2.3 lets a server close idle connections at any time); where a client (an IPv4 address, an
// IPv6 /64) has its own share already, it takes the place of one of that client's, so that nobody pushes
// others out. Where none is at rest the new one is closed.
#pragma once

#include <list>
#include <unordered_map>

#include "server/tcp_session.h"

namespace understudy::server {

struct TcpOptions {
  unsigned connections = 0;
  unsigned connections_per_client = 0;
  std::chrono::seconds idle{0};       // without a query, or without the client taking what was sent
  std::chrono::seconds lifetime{0};   // in all, transfers under way excepted
  std::chrono::seconds handshake{0};  // until TLS is ready for queries
  std::size_t padding_block = 0;
  const net::TlsContext* tls = nullptr;
};

class ConnectionCounts {
 public:
  enum class Verdict { taken, all_taken, client_has_enough };
  explicit ConnectionCounts(const TcpOptions& options) : options_(options) {}
  Verdict take(const boost::asio::ip::address& client);
  void give_back(const boost::asio::ip::address& client);
  // Clients with the same key share their bound.
  static std::uint64_t key(const boost::asio::ip::address& client);

 private:
  const TcpOptions options_;
  std::mutex mutex_;
  unsigned all_ = 0;
  std::unordered_map<std::uint64_t, unsigned> by_client_;
};

class TcpListener final : public SessionOwner, public TimerHandler {
 public:
  TcpListener(WorkerShared& shared, ConnectionCounts& counts, const TcpOptions& options);
  ~TcpListener();

  void add(Socket socket, bool tls);
  Result<> listen();
  // False where the event loop has no room.
  bool start();
  void close();
  // The door that was added last, which listens already. False where the event loop has no room: then it is
  // closed again.
  bool start_last();
  // Connections that came through it go on.
  void close_door(const net::Endpoint& endpoint, bool tls);

 private:
  // A listening socket.
  struct Door final : EventHandler {
    Door(TcpListener& listener, Socket given, bool with_tls)
        : owner(listener), socket(std::move(given)), tls(with_tls) {}
    void on_ready(std::uint32_t) override {
      if (socket.fd() >= 0) owner.accept(*this);
    }
    TcpListener& owner;
    Socket socket;
    const bool tls;
    bool pausing = false;
  };

  void accept(Door& door);
  void pause(Door& door);
  void admit(Socket socket, const boost::asio::ip::address& client, bool tls);
  // Closes the session that is idle longest, of all or of the client with that key; false where none is at
  // rest.
  bool close_one_at_rest(std::optional<std::uint64_t> key);
  void on_timer(SteadyTime now) override;
  bool is_over(const TcpSession& session, SteadyTime now) const;

  void touched(Place place) override;
  void ended(Place place) override;
  std::span<std::uint8_t> read_buffer() override { return read_buffer_; }
  std::span<std::uint8_t> gather_buffer() override { return gather_buffer_; }
  const StreamOptions& stream_options() const override { return stream_options_; }
  bool may_shake_hands() override;

  WorkerShared& shared_;
  ConnectionCounts& counts_;
  const TcpOptions options_;
  const StreamOptions stream_options_;
  std::vector<std::uint8_t> read_buffer_, gather_buffer_;
  std::list<std::shared_ptr<Door>> doors_;
  std::list<std::shared_ptr<TcpSession>> sessions_;  // the one that was active longest ago stands first
  bool timer_set_ = false;
  std::uint64_t handshake_turn_ = 0;  // the turn that handshakes_ counts in
  unsigned handshakes_ = 0;
};

}  // namespace understudy::server
