// TSIG (RFC 8945) in its plainest form, for tests: HMAC-SHA256 over octets that are put together here,
// without any code of the product.
#pragma once

#include "support/message.h"

namespace understudy::test {

struct Secret {
  Labels name;
  Bytes octets;
  std::string algorithm = "hmac-sha256";  // what the record says; what is computed is HMAC-SHA256
};

struct Stamp {
  std::uint64_t time = 0;
  std::uint16_t fudge = 300;
};

// What a message is signed together with.
struct Chain {
  Bytes prior = {};    // the MAC before it: of the request, or of the last signed message of the stream
  bool later = false;  // it is not the first message of the stream (5.3.1)
  Bytes between = {};  // messages that came without a record since then, one behind the other
};

// The message with a TSIG record behind it.
Bytes with_tsig(const Bytes& message, const Secret& secret, const Stamp& stamp, const Chain& chain = {});
// With these octets as the MAC, and this error.
Bytes with_mac(const Bytes& message, const Secret& secret, const Stamp& stamp, const Bytes& mac,
               std::uint16_t error = 0);
// The record's MAC is the one of that secret.
bool is_signed(const Bytes& message, const Secret& secret, const Chain& chain);
Bytes mac_of(const Bytes& message);

}  // namespace understudy::test
