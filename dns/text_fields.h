// The fields of RDATA as text: one codec a kind of field, both ways. Used by presentation.cpp only.
//
// Kinds (the letters of the rows in presentation.cpp):
//   N  domain name                          1 2 4  decimal number of that many octets
//   d  32-bit duration, also 1h30m          m      DNSSEC algorithm, number or mnemonic    c  CERT type,
//   likewise a  IPv4 address                         6      IPv6 address T  16-bit RR type z      32-bit
//   time, YYYYMMDDHHmmSS or seconds (RFC 4034 3.2) s  character-string                     S
//   character-strings to the end, at least one q  CAA tag                              l      text to the
//   end, without a length octet h  hex after a length octet, - if empty H      base32hex after a length octet
//   x  hex to the end, any blanks           b      base64 to the end, any blanks
//   g  IPSECKEY gateway type, algorithm and gateway            r  AMTRELAY discovery bit, type and relay
//   (reading only) t  type bitmap to the end               v      service parameters to the end
//   (service_parameters.cpp)
#pragma once

#include "dns/presentation.h"

namespace understudy::dns {

struct FieldInput {
  std::span<const TextToken> tokens;
  std::size_t next;  // the first token that was not taken yet
  const Name& origin;
  std::vector<std::uint8_t>& out;
  std::string fault;  // why reading failed: "'x' is not a number from 0 to 255"

  bool at_end() const { return next == tokens.size(); }
  bool fail(std::string_view token, std::string_view why);
};

// Reads one field; false where it is malformed, with the fault set.
bool parse_field(char kind, FieldInput& in);
// Writes the field at the front of `rest` and removes it; false where it cannot be written in its own form.
bool print_field(char kind, Octets& rest, std::string& out);

// The mnemonic where Debian 12's BIND, NSD and Knot all know it, else TYPE123.
std::string portable_type_text(RRType type);

bool parse_service_parameters(FieldInput& in);
bool print_service_parameters(Octets parameters, std::string& out);

// Escapes resolved; false where one is broken or a bare quote stands inside.
bool decode_text(std::string_view text, std::vector<std::uint8_t>& out);
// In quotes, with what needs it escaped.
void append_quoted(std::string& out, Octets octets);
// Hex digits, pairs only. Appends.
bool decode_hex(std::string_view text, std::vector<std::uint8_t>& out);
void append_hex(std::string& out, Octets octets);
bool decode_base64(const std::string& text, std::vector<std::uint8_t>& out);
bool append_base64(std::string& out, Octets octets);
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t most);
void append_u16(std::vector<std::uint8_t>& out, std::uint32_t value);

}  // namespace understudy::dns
