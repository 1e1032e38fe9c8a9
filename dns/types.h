// The numbers of the protocol (IANA, DNS parameters). Enumerations are open: a value without a name is legal
// and kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace understudy::dns {

enum class RRType : std::uint16_t {
  A = 1,
  NS = 2,
  CNAME = 5,
  SOA = 6,
  PTR = 12,
  MX = 15,
  TXT = 16,
  AAAA = 28,
  SRV = 33,
  NAPTR = 35,
  DNAME = 39,
  OPT = 41,
  DS = 43,
  RRSIG = 46,
  NSEC = 47,
  DNSKEY = 48,
  NSEC3 = 50,
  NSEC3PARAM = 51,
  CDS = 59,
  CDNSKEY = 60,
  ZONEMD = 63,
  SVCB = 64,
  HTTPS = 65,
  SPF = 99,
  TKEY = 249,
  TSIG = 250,
  IXFR = 251,
  AXFR = 252,
  MAILB = 253,
  MAILA = 254,
  ANY = 255,
  CAA = 257,
};

enum class RRClass : std::uint16_t { IN = 1, CH = 3, NONE = 254, ANY = 255 };

enum class Opcode : std::uint8_t { query = 0, iquery = 1, status = 2, notify = 4, update = 5 };

enum class Rcode : std::uint16_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5,
  yxdomain = 6,
  notauth = 9,
  badvers = 16,
  badcookie = 23,
};

// RFC 8914.
enum class ExtendedError : std::uint16_t {
  stale_answer = 3,
  not_ready = 14,
  prohibited = 18,
  not_authoritative = 20,
  not_supported = 21,
  invalid_data = 24,
  unsupported_iterations = 27,
};

// Types that only questions carry or that describe a message: never data of a zone (RFC 6895 3.1: 128-255,
// and OPT).
constexpr bool is_meta_type(RRType type) {
  const auto value = static_cast<std::uint16_t>(type);
  return type == RRType::OPT || value == 0 || (value >= 128 && value <= 255);
}

// The mnemonic, or TYPE123 (RFC 3597 5).
std::string to_string(RRType type);
// Takes mnemonics in any case, and TYPE123.
std::optional<RRType> parse_type(std::string_view text);
// "NOERROR", "NXDOMAIN", ... or "RCODE123".
std::string to_string(Rcode rcode);

}  // namespace understudy::dns
