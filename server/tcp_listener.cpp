#include "server/tcp_listener.h"

#include <cerrno>

namespace understudy::server {

namespace asio = boost::asio;

namespace {

// Connections taken from one socket before it is everybody else's turn.
constexpr unsigned accepts_a_turn = 32;
constexpr unsigned handshakes_a_turn = 4;
// After a failure to accept (no descriptors left, most often) there is no use in trying again at once.
constexpr std::chrono::milliseconds accept_pause{100};
// How often limits of time are looked after.
constexpr std::chrono::seconds sweep_period{1};

// A failure of this one connection, which is gone; accept(2) says that these are to be taken like EAGAIN.
bool concerns_the_connection(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return false;
    default:
      return true;
  }
}

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

TcpListener::TcpListener(WorkerShared& shared, ConnectionCounts& counts, const TcpOptions& options)
    : shared_(shared),
      counts_(counts),
      options_(options),
      stream_options_{options.idle, options.padding_block},
      read_buffer_(TcpSession::read_room),
      gather_buffer_(TcpSession::gather_room) {}

TcpListener::~TcpListener() = default;

void TcpListener::add(Socket socket, bool tls) {
  doors_.push_back(std::make_shared<Door>(*this, std::move(socket), tls));
}

Result<> TcpListener::listen() {
  for (const auto& door : doors_) {
    if (auto listening = server::listen(door->socket); !listening) return listening;
  }
  return {};
}

bool TcpListener::start() {
  return std::ranges::all_of(
      doors_, [this](const auto& door) { return shared_.loop.watch(door->socket.fd(), EPOLLIN, *door); });
}

bool TcpListener::start_last() {
  if (shared_.loop.watch(doors_.back()->socket.fd(), EPOLLIN, *doors_.back())) return true;
  doors_.pop_back();
  return false;
}

void TcpListener::close() {
  for (const auto& door : doors_) door->socket.close();
  while (!sessions_.empty()) sessions_.front()->close();
}

// Who has connected already is let in.
void TcpListener::close_door(const net::Endpoint& endpoint, bool tls) {
  const auto door = std::ranges::find_if(
      doors_, [&](const auto& one) { return one->tls == tls && local_endpoint(one->socket) == endpoint; });
  if (door == doors_.end()) return;
  accept(**door);
  (*door)->socket.close();
  shared_.loop.keep_for_this_turn(*door);
  doors_.erase(door);
}

void TcpListener::accept(Door& door) {
  for (unsigned i = 0; i < accepts_a_turn; ++i) {
    sockaddr_in6 peer{};
    socklen_t size = sizeof peer;
    Socket socket(
        ::accept4(door.socket.fd(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.fd() >= 0) {
      admit(std::move(socket), endpoint_of(peer).address, door.tls);
    } else if (errno == EAGAIN) {
      return;
    } else if (!concerns_the_connection(errno)) {
      return pause(door);
    }
  }
}

// The socket stays readable, so it must not be watched until there is hope again.
void TcpListener::pause(Door& door) {
  close_one_at_rest(std::nullopt);
  door.pausing = true;
  shared_.loop.change(door.socket.fd(), 0, door);
  shared_.loop.set_timer(shared_.loop.now() + accept_pause, *this);
  timer_set_ = true;
}

void TcpListener::admit(Socket socket, const asio::ip::address& client, bool tls) {
  using Verdict = ConnectionCounts::Verdict;
  Verdict verdict = counts_.take(client);
  if (verdict != Verdict::taken) {
    std::optional<std::uint64_t> key;
    if (verdict == Verdict::client_has_enough) key = ConnectionCounts::key(client);
    if (close_one_at_rest(key)) verdict = counts_.take(client);
  }
  if (verdict != Verdict::taken) return shared_.counters.drop(metrics::Dropped::connection_limit);
  net::TlsSession session_tls;
  if (tls) session_tls = options_.tls->new_session();
  if (tls && !session_tls) return counts_.give_back(client);
  auto session = std::make_shared<TcpSession>(TcpStream(std::move(socket), std::move(session_tls)), client,
                                              shared_, *this);
  sessions_.push_back(session);
  if (!std::exchange(timer_set_, true)) shared_.loop.set_timer(shared_.loop.now() + sweep_period, *this);
  session->start(std::prev(sessions_.end()));
}

bool TcpListener::close_one_at_rest(std::optional<std::uint64_t> key) {
  for (const auto& session : sessions_) {
    if (key && ConnectionCounts::key(session->client()) != *key) continue;
    if (!session->at_rest()) continue;
    session->close();  // which takes it off the list
    return true;
  }
  return false;
}

void TcpListener::on_timer(SteadyTime now) {
  for (const auto& door : doors_) {
    if (std::exchange(door->pausing, false)) shared_.loop.change(door->socket.fd(), EPOLLIN, *door);
  }
  for (auto next = sessions_.begin(); next != sessions_.end();) {
    TcpSession& session = **next++;
    if (is_over(session, now)) session.close();
  }
  timer_set_ = !sessions_.empty();
  if (timer_set_) shared_.loop.set_timer(now + sweep_period, *this);
}

bool TcpListener::is_over(const TcpSession& session, SteadyTime now) const {
  if (session.waits_for_us()) return false;
  if (session.last_active() + options_.idle <= now) return true;
  if (!session.established() && session.accepted() + options_.handshake <= now) return true;
  const SteadyTime end = session.accepted() + options_.lifetime;
  if (end > now || session.transfers()) return false;
  // What was asked should be answered before; but who takes the answers slowly does not live for ever.
  return session.at_rest() || end + options_.idle <= now;
}

bool TcpListener::may_shake_hands() {
  if (std::exchange(handshake_turn_, shared_.loop.turn()) != shared_.loop.turn()) handshakes_ = 0;
  return ++handshakes_ <= handshakes_a_turn;
}

void TcpListener::touched(Place place) { sessions_.splice(sessions_.end(), sessions_, place); }

void TcpListener::ended(Place place) {
  counts_.give_back((*place)->client());
  shared_.loop.keep_for_this_turn(std::move(*place));
  sessions_.erase(place);
}

}  // namespace understudy::server
