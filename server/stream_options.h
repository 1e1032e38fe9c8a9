// EDNS options that only streams carry: edns-tcp-keepalive (RFC 7828) and padding (RFC 7830, RFC 8467).
//
// Plain values and one pure function; on the query path: no heap.
#pragma once

#include <chrono>

#include "dns/name.h"
#include "metrics/cells.h"

namespace understudy::server {

struct StreamOptions {
  std::chrono::seconds idle{0};   // what clients that ask are told
  std::size_t padding_block = 0;  // responses over TLS are filled up to a multiple of this; 0: never
};

// Adds to the response at the beginning of `room` what the options of the query ask for, as far as there is
// room. Returns the response's size.
std::size_t add_stream_options(const StreamOptions& options, metrics::Proto proto, dns::Octets asked,
                               std::span<std::uint8_t> room, std::size_t size);

}  // namespace understudy::server
