// The SOA question to a primary: which serial does it have, and for how long does its own copy hold? UDP
// first; over TCP where UDP is silent or truncated. Sync thread.
#pragma once

#include "net/dns_client.h"
#include "sync/primary_health.h"

namespace understudy::sync {

struct ProbeAnswer {
  std::uint32_t serial = 0;
  std::chrono::nanoseconds round_trip{};
  std::optional<std::uint32_t> expire = {};  // EXPIRE (RFC 7314), where it told it
  EdnsSeen edns = EdnsSeen::not_asked;
};

// With `edns` it is asked with EDNS first, and without where it does not answer that; `over_tcp` at once.
// Errors: sync::reason.
boost::asio::awaitable<Result<ProbeAnswer>> probe_soa(net::Endpoint primary, dns::Name apex,
                                                      std::optional<boost::asio::ip::address> source,
                                                      net::Trust trust = {}, bool edns = true,
                                                      bool over_tcp = false);

// The serial in a response to the SOA question. For tests too: takes any octets.
Result<std::uint32_t> serial_in(dns::Octets response, const dns::Name& apex);

// The word for an RCODE that says no.
std::string_view reason_of(dns::Rcode rcode);

}  // namespace understudy::sync
