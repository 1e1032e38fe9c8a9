#include "net/framing.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/limits.h"
#include "dns/octets.h"

namespace understudy::net {
namespace asio = boost::asio;

namespace {
constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
}

asio::awaitable<boost::system::error_code> read_frame(TcpSocket& socket, std::vector<std::uint8_t>& message) {
  std::array<std::uint8_t, 2> length;
  const auto [head_error, head_size] = co_await asio::async_read(socket, asio::buffer(length), as_values);
  if (head_error) co_return head_error;
  message.resize(dns::load16(length.data()));
  const auto [body_error, body_size] = co_await asio::async_read(socket, asio::buffer(message), as_values);
  co_return body_error;
}

asio::awaitable<boost::system::error_code> write_frame(TcpSocket& socket,
                                                       const std::vector<std::uint8_t>& message) {
  if (message.size() > limits::message_octets) co_return asio::error::message_size;
  std::array<std::uint8_t, 2> length;
  dns::store16(length.data(), static_cast<std::uint16_t>(message.size()));
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(length), asio::buffer(message)};
  const auto [error, size] = co_await asio::async_write(socket, buffers, as_values);
  co_return error;
}

asio::awaitable<boost::system::error_code> connect(TcpSocket& socket, asio::ip::tcp::endpoint server,
                                                   std::optional<asio::ip::address> source) {
  boost::system::error_code error;
  socket.open(server.protocol(), error);
  if (error) co_return error;
  if (source && source->is_v4() == server.address().is_v4()) {
    const asio::ip::tcp::endpoint local(*source, 0);
    socket.bind(local, error);
    if (error) co_return error;
  }
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  const auto [connected] = co_await socket.async_connect(server, as_values);
  co_return connected;
}

dns::Octets FrameSplitter::complete(dns::Octets stream) {
  const auto take = [&](std::size_t wanted) {
    const std::size_t count = std::min(wanted, stream.size());
    partial_.insert(partial_.end(), stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(count));
    stream = stream.subspan(count);
  };
  if (partial_.size() < 2) take(2 - partial_.size());
  if (partial_.size() >= 2) take(2u + dns::load16(partial_.data()) - partial_.size());
  return stream;
}

}  // namespace understudy::net
