#include "server/tcp_listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "server/socket_options.h"

namespace understudy::server {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// After a failure to accept (no descriptors left, most often) there is no use in trying again at once.
constexpr std::chrono::milliseconds accept_retry{100};

}  // namespace

// An IPv6 client has a /64 to itself; IPv4 addresses stand in a range that no such prefix has in use.
std::uint64_t ConnectionCounts::key(const asio::ip::address& client) {
  if (client.is_v4()) return client.to_v4().to_uint();
  return dns::load64(client.to_v6().to_bytes().data()) ^ (std::uint64_t{1} << 63);
}

ConnectionCounts::Verdict ConnectionCounts::take(const asio::ip::address& client) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_client_.find(key(client));
  if (found != by_client_.end() && found->second >= options_.connections_per_client) {
    return Verdict::client_has_enough;
  }
  if (all_ >= options_.connections) return Verdict::all_taken;
  ++all_;
  if (found != by_client_.end()) {
    ++found->second;
  } else {
    by_client_.emplace(key(client), 1);
  }
  return Verdict::taken;
}

void ConnectionCounts::give_back(const asio::ip::address& client) {
  const std::scoped_lock lock(mutex_);
  --all_;
  const auto found = by_client_.find(key(client));
  if (--found->second == 0) by_client_.erase(found);
}

Result<asio::ip::tcp::acceptor> TcpListener::bind(asio::io_context& io, const net::Endpoint& endpoint,
                                                  bool first) {
  asio::ip::tcp::acceptor acceptor(io);
  error_code ec;
  const auto where = endpoint.tcp();
  acceptor.open(where.protocol(), ec);
  if (ec) return socket_error("tcp", endpoint, ec);
  const int fd = acceptor.native_handle();
  if (endpoint.address.is_v6()) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  // A restart must not wait for the connections of the process before to be forgotten.
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // Accepted sockets inherit it: a response is one write, there is nothing to wait for.
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (!first) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  acceptor.bind(where, ec);
  if (ec) return socket_error("tcp", endpoint, ec);
  if (first) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  return acceptor;
}

TcpListener::TcpListener(WorkerShared& shared, ConnectionCounts& counts, const TcpOptions& options)
    : shared_(shared),
      counts_(counts),
      options_(options),
      gather_buffer_(TcpSession::gather_room),
      idle_timer_(shared.io) {}

TcpListener::~TcpListener() = default;

void TcpListener::add(asio::ip::tcp::acceptor acceptor) {
  doors_.push_back({std::move(acceptor), asio::steady_timer(shared_.io)});
}

Result<> TcpListener::listen() {
  for (Door& door : doors_) {
    error_code ec;
    door.acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) {
      error_code ignored;
      const auto bound = door.acceptor.local_endpoint(ignored);
      return socket_error("tcp", {bound.address(), bound.port()}, ec);
    }
  }
  return {};
}

void TcpListener::start() {
  for (Door& door : doors_) accept(door);
}

void TcpListener::close() {
  closed_ = true;
  for (Door& door : doors_) {
    error_code ec;
    door.acceptor.close(ec);
    door.retry.cancel();
  }
  idle_timer_.cancel();
  while (!sessions_.empty()) {
    const auto session = sessions_.front();
    session->close();
  }
}

void TcpListener::accept(Door& door) {
  door.acceptor.async_accept([this, &door](const error_code& ec, asio::ip::tcp::socket socket) {
    on_accepted(door, ec, std::move(socket));
  });
}

void TcpListener::on_accepted(Door& door, const error_code& ec, asio::ip::tcp::socket socket) {
  if (closed_) return;
  if (!ec) {
    admit(std::move(socket));
  } else if (ec != asio::error::connection_aborted) {
    door.retry.expires_after(accept_retry);
    door.retry.async_wait([this, &door](const error_code& failed) {
      if (!failed && !closed_) accept(door);
    });
    return;
  }
  accept(door);
}

void TcpListener::admit(asio::ip::tcp::socket socket) {
  error_code ec;
  const auto peer = socket.remote_endpoint(ec);
  if (ec) return;  // gone already
  socket.non_blocking(true, ec);
  if (ec) return;
  auto verdict = counts_.take(peer.address());
  if (verdict == ConnectionCounts::Verdict::all_taken && close_one_at_rest())
    verdict = counts_.take(peer.address());
  if (verdict != ConnectionCounts::Verdict::taken) return;
  auto session = std::make_shared<TcpSession>(std::move(socket), peer.address(), shared_, *this);
  session->set_last_active(std::chrono::steady_clock::now());
  const bool first = sessions_.empty();
  sessions_.push_back(session);
  if (first) watch_idle();
  session->start(std::prev(sessions_.end()));
}

bool TcpListener::close_one_at_rest() {
  for (const auto& session : sessions_) {
    if (!session->at_rest()) continue;
    const auto chosen = session;  // closing takes it off the list
    chosen->close();
    return true;
  }
  return false;
}

// One timer for all sessions: it waits for the one that was active longest ago.
void TcpListener::watch_idle() {
  if (closed_ || sessions_.empty()) return;
  idle_timer_.expires_at(sessions_.front()->last_active() + options_.idle);
  idle_timer_.async_wait([this](const error_code& ec) {
    if (!ec) close_idle();
  });
}

void TcpListener::close_idle() {
  const auto now = std::chrono::steady_clock::now();
  while (!sessions_.empty() && sessions_.front()->last_active() + options_.idle <= now) {
    const auto session = sessions_.front();
    if (session->waits_for_us()) {
      session->set_last_active(now);
      touched(sessions_.begin());
    } else {
      session->close();
    }
  }
  watch_idle();
}

void TcpListener::touched(Place place) { sessions_.splice(sessions_.end(), sessions_, place); }

void TcpListener::ended(Place place) {
  counts_.give_back((*place)->client());
  sessions_.erase(place);
}

}  // namespace understudy::server
