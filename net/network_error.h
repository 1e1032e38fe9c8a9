// Errors of sockets as Errors: a reason from the shared vocabulary and a message that names the peer.
#pragma once

#include <boost/system/error_code.hpp>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

namespace understudy::net {

namespace reason {
inline constexpr std::string_view timeout = "timeout";  // no answer, or no progress, in time
inline constexpr std::string_view connection_refused = "connection-refused";  // nothing listens there
inline constexpr std::string_view unreachable = "unreachable";                // no route, or the host is down
inline constexpr std::string_view truncated = "truncated";  // the connection ended too early
inline constexpr std::string_view network = "network";      // any other error of a socket
inline constexpr std::string_view malformed = "malformed";  // octets that are no DNS message
inline constexpr std::string_view tls_handshake =
    "tls-handshake";  // no TLS there, or none that is good enough
inline constexpr std::string_view tls_untrusted =
    "tls-untrusted";  // a certificate or key that proves nothing
}  // namespace reason

// `what` was being done with `peer`: "192.0.2.1:53: connecting: Connection refused".
Error network_error(const Endpoint& peer, std::string_view what, const boost::system::error_code& code);
Error timeout_error(const Endpoint& peer, std::string_view what);

}  // namespace understudy::net
