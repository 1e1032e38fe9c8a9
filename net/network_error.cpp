#include "net/network_error.h"

#include <boost/asio/error.hpp>

namespace understudy::net {
namespace {

std::string_view reason_of(const boost::system::error_code& code) {
  namespace error = boost::asio::error;
  if (code == error::connection_refused) return reason::connection_refused;
  if (code == error::eof || code == error::connection_reset || code == error::broken_pipe)
    return reason::truncated;
  if (code == error::timed_out) return reason::timeout;
  if (code == error::host_unreachable || code == error::network_unreachable || code == error::network_down) {
    return reason::unreachable;
  }
  return reason::network;
}

}  // namespace

Error network_error(const Endpoint& peer, std::string_view what, const boost::system::error_code& code) {
  std::string message = to_string(peer) + ": " + std::string(what) + ": ";
  message += code == boost::asio::error::eof ? "the connection was closed" : code.message();
  return {reason_of(code), std::move(message)};
}

Error timeout_error(const Endpoint& peer, std::string_view what) {
  return {reason::timeout, to_string(peer) + ": " + std::string(what) + ": no answer in time"};
}

}  // namespace understudy::net
