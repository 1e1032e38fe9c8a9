#include "server/tcp_session.h"

#include <boost/asio/post.hpp>

namespace understudy::server {

namespace asio = boost::asio;
using boost::system::error_code;

TcpSession::TcpSession(asio::ip::tcp::socket socket, const asio::ip::address& client, WorkerShared& shared,
                       SessionOwner& owner)
    : socket_(std::move(socket)), shared_(shared), owner_(owner), client_{client, metrics::Proto::tcp} {}

void TcpSession::start(SessionOwner::Place place) {
  place_ = place;
  open_ = true;
  read();
}

void TcpSession::close() {
  if (!open_) return;
  open_ = false;
  unsent_ = {};
  if (transfer_) {
    const bool failed = transfer_->result() == TransferResult::failed;
    shared_.transfers.ended(*transfer_, client(), failed ? TransferResult::failed : TransferResult::aborted);
    transfer_.reset();
  }
  error_code ec;
  socket_.close(ec);
  owner_.ended(place_);
}

bool TcpSession::at_rest() const {
  error_code ec;
  return !writing() && !transfer_ && socket_.available(ec) == 0;
}

void TcpSession::touch(SteadyTime now) {
  last_active_ = now;
  owner_.touched(place_);
}

std::optional<std::size_t> TcpSession::message_size() const {
  if (input_end_ - input_begin_ < 2) return std::nullopt;
  return dns::load16(input_.data() + input_begin_);
}

bool TcpSession::whole_message() const {
  const auto size = message_size();
  return size && input_end_ - input_begin_ - 2 >= *size;
}

// Moves the begun message to the front, and makes the buffer as large as it needs, or small again.
void TcpSession::make_room() {
  const std::size_t held = input_end_ - input_begin_;
  if (input_begin_ > 0) std::memmove(input_.data(), input_.data() + input_begin_, held);
  input_begin_ = 0;
  input_end_ = held;
  const std::size_t needed = std::max(input_octets, 2 + message_size().value_or(0));
  if (input_.size() == needed) return;
  input_.resize(needed);
  input_.shrink_to_fit();
}

void TcpSession::read() {
  make_room();
  socket_.async_read_some(
      asio::buffer(input_.data() + input_end_, input_.size() - input_end_),
      [self = shared_from_this()](const error_code& ec, std::size_t octets) { self->on_read(ec, octets); });
}

// The client's end of its stream ends the session: nothing is read before everything asked was answered and
// sent.
void TcpSession::on_read(const error_code& ec, std::size_t octets) {
  if (!open_) return;
  if (ec) return close();
  input_end_ += octets;
  process();
}

void TcpSession::process() {
  while (open_ && !writing() && !transfer_) {
    if (!whole_message()) return read();
    const auto begin = std::chrono::steady_clock::now();
    unsigned queries = 0;
    const std::size_t size = answer_batch(queries);
    send(owner_.gather_buffer().first(size));
    if (!open_) return;
    const auto end = std::chrono::steady_clock::now();
    count_durations(shared_.counters, end - begin, queries);
    touch(end);
  }
  if (open_ && transfer_) open_transfer();
}

std::size_t TcpSession::answer_batch(unsigned& queries) {
  const std::span<std::uint8_t> out = owner_.gather_buffer();
  std::size_t size = 0;
  shared_.pipeline.begin_batch();
  while (size < gather_octets && queries < limits::batch && whole_message() && !transfer_) {
    const dns::Octets query(input_.data() + input_begin_ + 2, *message_size());
    input_begin_ += 2 + query.size();
    ++queries;
    const Response response =
        shared_.pipeline.answer(query, client_, out.subspan(size + 2, limits::message_octets));
    if (response.kind == Response::Kind::send) {
      dns::store16(out.data() + size, static_cast<std::uint16_t>(response.size));
      size += 2 + response.size;
    } else if (response.kind == Response::Kind::transfer) {
      transfer_ = std::make_unique<TransferOut>(query, *response.zone);
    }
  }
  shared_.pipeline.end_batch();
  return size;
}

void TcpSession::send(dns::Octets octets) {
  error_code ec;
  std::size_t sent = 0;
  if (!octets.empty()) sent = socket_.write_some(asio::buffer(octets.data(), octets.size()), ec);
  if (ec && ec != asio::error::would_block) return close();
  unsent_ = octets.subspan(sent);
  if (!writing()) return;
  if (!transfer_ || !transfer_->begun()) {
    kept_.assign(unsent_.begin(), unsent_.end());  // the gather buffer belongs to all sessions
    unsent_ = kept_;
  }
  wait_writable();
}

void TcpSession::wait_writable() {
  socket_.async_wait(asio::ip::tcp::socket::wait_write, [self = shared_from_this()](const error_code& ec) {
    if (!self->open_) return;
    if (ec) return self->close();
    self->on_writable();
  });
}

void TcpSession::on_writable() {
  error_code ec;
  const std::size_t sent = socket_.write_some(asio::buffer(unsent_.data(), unsent_.size()), ec);
  if (ec && ec != asio::error::would_block) return close();
  if (sent > 0) touch(std::chrono::steady_clock::now());
  unsent_ = unsent_.subspan(sent);
  if (writing()) return wait_writable();
  kept_ = {};
  if (!transfer_) return process();
  if (transfer_->begun()) stream();
}

void TcpSession::open_transfer() {
  const auto executor = socket_.get_executor();
  auto ready = [self = shared_from_this(), executor](std::shared_ptr<const Spool> spool) {
    asio::post(executor, [self, spool = std::move(spool)]() mutable {
      if (!self->open_) return;
      self->transfer_->begin(std::move(spool));
      if (!self->writing()) self->stream();
    });
  };
  shared_.transfers.open(transfer_->apex(), transfer_->zone(), std::move(ready));
}

void TcpSession::stream() {
  const auto octets = transfer_->next();
  if (!octets) return close();
  if (octets->empty()) {
    shared_.transfers.ended(*transfer_, client(), transfer_->result());
    transfer_.reset();
    return process();
  }
  send(*octets);
  if (!open_) return;
  touch(std::chrono::steady_clock::now());
  if (writing()) return;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->open_) self->stream();
  });
}

}  // namespace understudy::server
