// EDNS as a response carries it (RFC 6891). Any octets are taken; what is found points into them. No heap.
#pragma once

#include <optional>

#include "dns/message.h"

namespace understudy::dns {

// IANA, DNS EDNS0 Option Codes: EXPIRE (RFC 7314).
inline constexpr std::uint16_t expire_option = 9;

// The OPT record of a whole message; nothing where it has none, or cannot be read up to there.
std::optional<Edns> find_edns(Octets message);

// The seconds of the EXPIRE option among these, as a response has it (RFC 7314 3): nothing where there is
// none, or it does not have four octets.
std::optional<std::uint32_t> expire_among(Octets options);

}  // namespace understudy::dns
