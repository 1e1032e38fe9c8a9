#include "net/client_stream.h"

#include <poll.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "net/network_error.h"

namespace understudy::net {
namespace asio = boost::asio;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t record_octets = 16 * 1024;  // of TLS, at most

// RFC 8446 6.1: without a goodbye the stream may have been cut; what a transfer is cut of its end tells
// itself.
boost::system::error_code plain(boost::system::error_code error) {
  if (error == asio::ssl::error::stream_truncated) return asio::error::eof;
  return error;
}

}  // namespace

struct ClientStream::Tls {
  // The stream takes the session over.
  Tls(TcpSocket& socket, TlsTrust given, TlsSession session)
      : trust(std::move(given)), stream(socket, session.release()), held(record_octets) {}

  const TlsTrust trust;
  asio::ssl::stream<TcpSocket&> stream;
  std::vector<std::uint8_t> held;
  std::size_t at = 0, end = 0;  // of held: what was read and not taken yet
};

ClientStream::ClientStream(asio::any_io_executor executor) : socket_(executor) {}
ClientStream::~ClientStream() = default;

bool ClientStream::is_quiet() {
  if (!socket_.is_open() || (tls_ && tls_->at != tls_->end)) return false;
  pollfd asked{socket_.native_handle(), POLLIN, 0};
  return ::poll(&asked, 1, 0) == 0;
}

void ClientStream::interrupt() {
  boost::system::error_code ignored;
  tls_ ? socket_.close(ignored) : socket_.cancel(ignored);
}

asio::awaitable<std::optional<Error>> ClientStream::connect(Endpoint server,
                                                            std::optional<asio::ip::address> source,
                                                            Trust trust, std::string_view what) {
  const asio::ip::tcp::endpoint remote = server.tcp();
  auto connecting = net::connect(socket_, remote, source);
  if (const auto error = co_await std::move(connecting)) co_return network_error(server, what, error);
  if (!trust.tls) co_return std::nullopt;
  const std::string where = to_string(server) + ": " + std::string(what);
  Result<TlsSession> session = trust.tls->client->new_session(trust.tls->identity);
  if (!session) co_return session.error().within(where);
  tls_ = std::make_unique<Tls>(socket_, *trust.tls, std::move(*session));
  const TlsIdentity& identity = tls_->trust.identity;
  SSL* const native = tls_->stream.native_handle();
  const auto [failed] = co_await tls_->stream.async_handshake(asio::ssl::stream_base::client, as_values);
  if (failed) co_return handshake_error(native, identity, plain(failed).message()).within(where);
  if (const auto reason = distrust(native, identity)) co_return reason->within(where);
  co_return std::nullopt;
}

asio::awaitable<boost::system::error_code> ClientStream::write(const Message& message) {
  if (!tls_) {
    auto writing = write_frame(socket_, message);
    co_return co_await std::move(writing);
  }
  if (message.size() > limits::message_octets) co_return asio::error::message_size;
  // In one record: RFC 7766 8, RFC 9103 says nothing else.
  Message frame(2);
  dns::store16(frame.data(), static_cast<std::uint16_t>(message.size()));
  frame.insert(frame.end(), message.begin(), message.end());
  const auto [error, size] = co_await asio::async_write(tls_->stream, asio::buffer(frame), as_values);
  co_return plain(error);
}

asio::awaitable<boost::system::error_code> ClientStream::read(Message& message) {
  if (!tls_) {
    auto reading = read_frame(socket_, message);
    co_return co_await std::move(reading);
  }
  std::array<std::uint8_t, 2> length;
  const auto [head_error, head_size] =
      co_await asio::async_read(tls_->stream, asio::buffer(length), as_values);
  if (head_error) co_return plain(head_error);
  message.resize(dns::load16(length.data()));
  const auto [body_error, body_size] =
      co_await asio::async_read(tls_->stream, asio::buffer(message), as_values);
  co_return plain(body_error);
}

asio::awaitable<boost::system::error_code> ClientStream::wait() {
  if (!tls_) {
    const auto [error] = co_await socket_.async_wait(TcpSocket::wait_read, as_values);
    co_return error;
  }
  if (tls_->at != tls_->end) co_return boost::system::error_code();
  const auto [error, size] = co_await tls_->stream.async_read_some(asio::buffer(tls_->held), as_values);
  tls_->at = 0;
  tls_->end = size;
  co_return plain(error);
}

std::size_t ClientStream::read_some(asio::mutable_buffer room, boost::system::error_code& error) {
  if (!tls_) return socket_.read_some(room, error);
  const std::size_t size =
      asio::buffer_copy(room, asio::buffer(tls_->held.data() + tls_->at, tls_->end - tls_->at));
  tls_->at += size;
  error = size == 0 ? asio::error::would_block : boost::system::error_code();
  return size;
}

}  // namespace understudy::net
