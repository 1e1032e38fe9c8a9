// EDNS as a response carries it (RFC 6891). Any octets are taken; what is found points into them. No heap,
// but for text.
#pragma once

#include <optional>
#include <string>

#include "dns/message.h"

namespace understudy::dns {

// IANA, DNS EDNS0 Option Codes: EXPIRE (RFC 7314).
inline constexpr std::uint16_t expire_option = 9;
// RFC 8914.
inline constexpr std::uint16_t extended_error_option = 15;

// The OPT record of a whole message; nothing where it has none, or cannot be read up to there.
std::optional<Edns> find_edns(Octets message);

// The seconds of the EXPIRE option among these, as a response has it (RFC 7314 3): nothing where there is
// none, or it does not have four octets.
std::optional<std::uint32_t> expire_among(Octets options);

// What a response says of its RCODE by extended errors (RFC 8914), to be put behind the RCODE's name:
// ", EDE 18 (Prohibited): its text"; empty where it says nothing. Printable ASCII, whatever came, and no more
// than a few lines of it.
std::string extended_errors_of(Octets message);

}  // namespace understudy::dns
