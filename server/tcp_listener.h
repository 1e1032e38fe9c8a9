// The TCP side of one worker: accepts connections, keeps their sessions, closes those that are idle.
//
// Owned by its worker, used on its thread; ConnectionCounts is shared by all workers and safe from any thread
// (one mutex, taken when a connection comes or goes, never for a query).
//
// When all connections are taken, a new one takes the place of this worker's session that is idle longest
// (RFC 7766 6.2.3 lets a server close idle connections at any time); where none is at rest the new one is
// closed. A client (an IPv4 address, an IPv6 /64) over its own share has its new connection closed, so that
// it cannot push others out.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <mutex>
#include <unordered_map>

#include "net/address.h"
#include "server/tcp_session.h"

namespace understudy::server {

struct TcpOptions {
  unsigned connections = 0;
  unsigned connections_per_client = 0;
  std::chrono::seconds idle{0};
};

class ConnectionCounts {
 public:
  enum class Verdict { taken, all_taken, client_has_enough };
  explicit ConnectionCounts(const TcpOptions& options) : options_(options) {}
  Verdict take(const boost::asio::ip::address& client);
  void give_back(const boost::asio::ip::address& client);

 private:
  static std::uint64_t key(const boost::asio::ip::address& client);
  const TcpOptions options_;
  std::mutex mutex_;
  unsigned all_ = 0;
  std::unordered_map<std::uint64_t, unsigned> by_client_;
};

class TcpListener final : public SessionOwner {
 public:
  // A bound socket that does not listen yet; `first` as for UdpListener::bind.
  static Result<boost::asio::ip::tcp::acceptor> bind(boost::asio::io_context& io,
                                                     const net::Endpoint& endpoint, bool first);

  TcpListener(WorkerShared& shared, ConnectionCounts& counts, const TcpOptions& options);
  ~TcpListener() override;

  void add(boost::asio::ip::tcp::acceptor acceptor);
  Result<> listen();
  void start();
  void close();

 private:
  struct Door {
    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::steady_timer retry;
  };

  void accept(Door& door);
  void on_accepted(Door& door, const boost::system::error_code& ec, boost::asio::ip::tcp::socket socket);
  void admit(boost::asio::ip::tcp::socket socket);
  bool close_one_at_rest();
  void watch_idle();
  void close_idle();

  void touched(Place place) override;
  void ended(Place place) override;
  std::span<std::uint8_t> gather_buffer() override { return gather_buffer_; }

  WorkerShared& shared_;
  ConnectionCounts& counts_;
  const TcpOptions options_;
  std::vector<std::uint8_t> gather_buffer_;
  std::list<Door> doors_;
  std::list<std::shared_ptr<TcpSession>> sessions_;  // the one that was active longest ago stands first
  boost::asio::steady_timer idle_timer_;
  bool closed_ = false;
};

}  // namespace understudy::server
