// The DNS client: asks one question of one name server and returns the octets of its response.
//
// Coroutines of the io_context they are spawned on, which one thread runs; nothing is shared between
// questions. Each question has a socket of its own, so that ports and IDs are random (RFC 5452) and a late
// response to an earlier question is never taken for this one's. Bounded by its time-outs and
// limits::message_octets.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <vector>

#include "base/result.h"
#include "dns/tsig.h"
#include "net/address.h"
#include "net/tls_client.h"

namespace understudy::net {

using Message = std::vector<std::uint8_t>;

struct QueryOptions {
  bool recursion_desired = false;
  bool edns = true;  // an OPT record with a UDP size of limits::udp_octets
  bool dnssec_ok = false;
  bool expire = false;  // asks how long the server's copy holds (EXPIRE, RFC 7314 2)
};

// A query of class IN. Its ID is 0; ask() puts a random one in.
Message make_query(dns::NameView name, dns::RRType type, QueryOptions options = {});
// Adds the OPT record that `options` want to a query that has none, behind all that it has.
void append_opt(Message& query, QueryOptions options);

enum class Transport : std::uint8_t { udp, tcp, tls };

// What a server must prove for its answers to be believed.
struct Trust {
  dns::TsigKeyPtr key = {};          // queries and responses are signed with it (TSIG); none: neither is
  std::optional<TlsTrust> tls = {};  // it is asked over TLS and in no other way; none: in the clear
};

struct AskOptions {
  std::chrono::milliseconds timeout{2000};  // of each attempt (one over UDP, one over TCP)
  unsigned udp_tries = 1;                   // the same query again after a time-out
  bool tcp_only = false;                    // as is everything over TLS
  bool tcp_on_truncation = true;            // false: a truncated response is returned as it came
  bool tcp_on_timeout = false;              // asks over TCP where UDP stayed silent
  std::optional<boost::asio::ip::address>
      source;  // local address; of the other family than the server: not used
  Trust trust = {};
};

struct ServerResponse {
  Message octets;  // at least a header; QR set, ID, opcode and question are those of the query
  Transport transport{};
  std::chrono::nanoseconds round_trip{};  // of the attempt that was answered
};

// Sends `query` (a whole message, made by make_query or by the caller) and waits for its response. A datagram
// that is not the response (other source, ID, opcode or question) is passed over; so is one whose signature
// is wrong, where there must be one, until the time is up (RFC 8945 5.4). Errors: net::reason,
// dns::tsig_reason.
boost::asio::awaitable<Result<ServerResponse>> ask(Endpoint server, Message query, AskOptions options);

// True where `response` answers `query`: the rules above, for octets that came some other way. A response
// without a question is taken only with an error code, since some servers then send the bare header (RFC
// 1035 4.1.1 leaves it open).
bool is_response_to(dns::Octets query, dns::Octets response);

// 16 bits from the kernel.
std::uint16_t random_id();

}  // namespace understudy::net
