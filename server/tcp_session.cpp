#include "server/tcp_session.h"

namespace understudy::server {
namespace {

// The size of the message that `input` begins with; nothing where it is not whole.
std::optional<std::size_t> whole_message(dns::Octets input) {
  if (input.size() < 2) return std::nullopt;
  const std::size_t size = dns::load16(input.data());
  if (input.size() - 2 < size) return std::nullopt;
  return size;
}

}  // namespace

TcpSession::TcpSession(TcpStream stream, const boost::asio::ip::address& client, WorkerShared& shared,
                       SessionOwner& owner)
    : stream_(std::move(stream)),
      shared_(shared),
      owner_(owner),
      client_{client, stream_.is_tls() ? metrics::Proto::tls : metrics::Proto::tcp},
      accepted_(shared.loop.now()),
      last_active_(accepted_) {}

// Most often the first query has come with the connection.
void TcpSession::start(SessionOwner::Place place) {
  place_ = place;
  open_ = true;
  serve();
}

void TcpSession::close() {
  if (!open_) return;
  open_ = false;
  unsent_ = {};
  if (transfer_) {
    const bool failed = transfer_->result() == TransferResult::failed;
    shared_.transfers.ended(*transfer_, client_, failed ? TransferResult::failed : TransferResult::aborted);
    transfer_.reset();
  }
  if (!stream_.established()) shared_.counters.drop(metrics::Dropped::tls_handshake);
  stream_.close();
  owner_.ended(place_);
}

bool TcpSession::at_rest() const {
  return !writing() && !transfer_ && !whole_message(input_) && !stream_.holds_more() && !stream_.has_unread();
}

void TcpSession::touch() {
  last_active_ = shared_.loop.now();
  owner_.touched(place_);
}

void TcpSession::on_ready(std::uint32_t) {
  if (!open_) return;
  if (writing()) {
    if (!flush()) return;
    if (waits_for_us()) return watch(0);
  } else if (waits_for_us()) {
    return close();  // nothing was asked of epoll, so this is the client's going away
  }
  if (transfer_) return carry_zone();
  serve();
}

// The client's end of its stream ends the session: nothing is read before everything asked was answered and
// sent.
void TcpSession::serve() {
  if (!stream_.established() && !owner_.may_shake_hands()) {
    if (!watched_) watch(EPOLLIN);
    return;
  }
  const std::span<std::uint8_t> room = owner_.read_buffer();
  std::size_t size = input_.size();
  if (size != 0) std::memcpy(room.data(), input_.data(), size);
  if (!whole_message(input_)) {
    const auto octets = stream_.read(room.subspan(size, read_octets));
    if (!octets) return close();
    if (*octets == 0) return watch(stream_.blocked_on());
    size += *octets;
  }
  const dns::Octets input(room.data(), size);
  std::size_t gathered = 0;
  unsigned queries = 0;
  keep(input.subspan(answer(input, gathered, queries)));
  if (gathered != 0) send(owner_.gather_buffer().first(gathered));
  if (!open_) return;
  if (queries != 0) {
    count_durations(shared_.counters, std::chrono::steady_clock::now() - shared_.loop.woken(), queries);
    touch();
  }
  if (transfer_) open_transfer();
  wait();
}

std::size_t TcpSession::answer(dns::Octets input, std::size_t& gathered, unsigned& queries) {
  auto size = whole_message(input);
  if (!size) return 0;
  const std::span<std::uint8_t> out = owner_.gather_buffer();
  client_.may_transfer = stream_.may_carry_zones();
  if (stream_.is_tls() && !identity_)
    client_.tls = &identity_.emplace(net::TlsContext::identity_of(stream_.tls()));
  std::size_t taken = 0;
  shared_.pipeline.begin_batch();
  for (; size && gathered < gather_octets && !transfer_; size = whole_message(input.subspan(taken))) {
    const dns::Octets query = input.subspan(taken + 2, *size);
    taken += 2 + *size;
    ++queries;
    const std::span<std::uint8_t> room = out.subspan(gathered + 2, limits::message_octets);
    const Response response = shared_.pipeline.answer(query, client_, room);
    if (response.kind == Response::Kind::send) {
      shared_.samples.offer(query);
      const std::size_t octets =
          add_stream_options(owner_.stream_options(), client_.proto, response.options, room, response.size);
      dns::store16(out.data() + gathered, static_cast<std::uint16_t>(octets));
      gathered += 2 + octets;
    } else if (response.kind == Response::Kind::transfer) {
      transfer_ = std::make_unique<TransferOut>(query, response);
    }
  }
  shared_.pipeline.end_batch();
  return taken;
}

void TcpSession::keep(dns::Octets input) {
  if (input.empty() && input_.empty()) return;
  input_ = std::vector<std::uint8_t>(input.begin(), input.end());
}

// A session with work left waits for its next turn as for room to write, which there is: others come first.
void TcpSession::wait() {
  if (writing()) return watch(stream_.blocked_on());
  if (waits_for_us()) return watch(0);
  if (transfer_) return watch(EPOLLOUT);
  watch(whole_message(input_) || stream_.holds_more() ? EPOLLOUT : EPOLLIN);
}

void TcpSession::watch(std::uint32_t events) {
  if (watched_ == events) return;
  if (watched_) {
    shared_.loop.change(stream_.fd(), events, *this);
  } else if (!shared_.loop.watch(stream_.fd(), events, *this)) {
    // The kernel has no room for one more (fs.epoll.max_user_watches), which is a bound like ours.
    shared_.counters.drop(metrics::Dropped::connection_limit);
    return close();
  }
  watched_ = events;
}

void TcpSession::send(dns::Octets octets) {
  const auto sent = stream_.write(octets);
  if (!sent) return close();
  unsent_ = octets.subspan(*sent);
  if (!writing() || (transfer_ && transfer_->begun())) return;
  kept_.assign(unsent_.begin(), unsent_.end());  // the gather buffer belongs to all sessions
  unsent_ = kept_;
}

bool TcpSession::flush() {
  const auto sent = stream_.write(unsent_);
  if (!sent) {
    close();
    return false;
  }
  if (*sent > 0) touch();
  unsent_ = unsent_.subspan(*sent);
  if (!writing()) {
    kept_ = {};
    return true;
  }
  watch(stream_.blocked_on());
  return false;
}

void TcpSession::open_transfer() {
  auto ready = [weak = weak_from_this(), &loop = shared_.loop](std::shared_ptr<const Spool> spool) {
    loop.post([weak, spool = std::move(spool)]() mutable {
      const auto self = weak.lock();
      if (!self || !self->open_) return;
      self->transfer_->begin(std::move(spool));
      self->touch();
      self->wait();
    });
  };
  shared_.transfers.open(transfer_->apex(), transfer_->zone(), transfer_->since(), std::move(ready));
}

void TcpSession::carry_zone() {
  const auto octets = transfer_->next();
  if (!octets) return close();
  if (octets->empty()) {
    shared_.transfers.ended(*transfer_, client_, transfer_->result());
    transfer_.reset();
    return wait();
  }
  send(*octets);
  if (!open_) return;
  touch();
  wait();
}

}  // namespace understudy::server
