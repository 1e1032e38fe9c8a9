#include "dns/text_fields.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "dns/duration.h"
#include "dns/escape.h"

namespace understudy::dns {

bool FieldInput::fail(std::string_view token, std::string_view why) {
  fault = "'" + std::string(token.substr(0, 80)) + (token.size() > 80 ? "...' " : "' ") + std::string(why);
  return false;
}

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t most) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

void append_u16(std::vector<std::uint8_t>& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

bool decode_text(std::string_view text, std::vector<std::uint8_t>& out) {
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') return false;
    const auto octet = unescape(text, at);
    if (!octet) return false;
    out.push_back(*octet);
  }
  return true;
}

void append_quoted(std::string& out, Octets octets) {
  out += '"';
  for (const std::uint8_t c : octets) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c >= 0x7f) {
      append_decimal_escape(out, c);
    } else {
      out += static_cast<char>(c);
    }
  }
  out += '"';
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

int base32_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'V') return c - 'A' + 10;
  if (c >= 'a' && c <= 'v') return c - 'a' + 10;
  return -1;
}

void append_u32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  append_u16(out, value >> 16);
  append_u16(out, value & 0xffff);
}

bool append_lengthed(std::string_view token, const std::vector<std::uint8_t>& data, FieldInput& in) {
  if (data.size() > 255) return in.fail(token, "is over 255 octets");
  in.out.push_back(static_cast<std::uint8_t>(data.size()));
  in.out.insert(in.out.end(), data.begin(), data.end());
  return true;
}

bool parse_integer(std::string_view token, std::size_t octets, FieldInput& in) {
  const std::uint32_t most = octets == 4 ? 0xffffffffu : (1u << (8 * octets)) - 1;
  const auto value = parse_number(token, most);
  if (!value) return in.fail(token, "is not a number from 0 to " + std::to_string(most));
  for (std::size_t i = octets; i-- > 0;) in.out.push_back(static_cast<std::uint8_t>(*value >> (8 * i)));
  return true;
}

bool parse_mnemonic(char kind, std::string_view token, FieldInput& in) {
  const std::size_t octets = kind == 'm' ? 1 : 2;
  if (!token.empty() && token[0] >= '0' && token[0] <= '9') return parse_integer(token, octets, in);
  const ldns_lookup_table* row =
      ldns_lookup_by_name(kind == 'm' ? ldns_algorithms : ldns_cert_algorithms, std::string(token).c_str());
  if (row == nullptr) return in.fail(token, "is neither a number nor a known mnemonic");
  if (octets == 2) in.out.push_back(static_cast<std::uint8_t>(row->id >> 8));
  in.out.push_back(static_cast<std::uint8_t>(row->id));
  return true;
}

// RFC 4034 3.2: 14 digits are a date, up to 10 are seconds since the epoch.
bool parse_time(std::string_view token, FieldInput& in) {
  if (token.size() != 14) return parse_integer(token, 4, in);
  unsigned part[6];
  const std::size_t widths[6] = {4, 2, 2, 2, 2, 2};
  std::size_t at = 0;
  for (unsigned i = 0; i < 6; at += widths[i++]) {
    const auto value = parse_number(token.substr(at, widths[i]), 9999);
    if (!value) return in.fail(token, "is not a time as YYYYMMDDHHmmSS");
    part[i] = *value;
  }
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(part[0])),
                                        std::chrono::month(part[1]), std::chrono::day(part[2])};
  if (!day.ok() || part[0] < 1970 || part[3] > 23 || part[4] > 59 || part[5] > 60) {
    return in.fail(token, "is not a time as YYYYMMDDHHmmSS");
  }
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  // The field wraps (RFC 4034 3.1.5), so that dates after 2106 are legal.
  append_u32(in.out, static_cast<std::uint32_t>(days * 86400 + part[3] * 3600 + part[4] * 60 + part[5]));
  return true;
}

bool parse_base32(std::string_view token, FieldInput& in) {
  std::vector<std::uint8_t> data;
  unsigned bits = 0, held = 0;
  for (const char c : token) {
    const int digit = base32_digit(c);
    if (digit < 0) return in.fail(token, "is not base32hex");
    held = (held << 5 | static_cast<unsigned>(digit)) & 0xffff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      data.push_back(static_cast<std::uint8_t>(held >> bits));
    }
  }
  if (bits >= 5 || (held & ((1u << bits) - 1)) != 0)
    return in.fail(token, "is not whole octets in base32hex");
  return append_lengthed(token, data, in);
}

bool parse_strings(FieldInput& in, bool all) {
  do {
    const std::string_view token = in.tokens[in.next].text;
    const std::size_t length_at = in.out.size();
    in.out.push_back(0);
    if (!decode_text(token, in.out)) return in.fail(token, "has a broken escape or a bare quote");
    const std::size_t length = in.out.size() - length_at - 1;
    if (length > 255) return in.fail(token, "is over 255 octets: split it into several strings");
    in.out[length_at] = static_cast<std::uint8_t>(length);
    ++in.next;
  } while (all && !in.at_end());
  return true;
}

// Hex and base64 may be broken by blanks anywhere (RFC 4034 2.2, 5.3).
bool parse_blob(char kind, FieldInput& in) {
  std::string joined;
  for (; !in.at_end(); ++in.next) joined += in.tokens[in.next].text;
  const bool ok = kind == 'x' ? decode_hex(joined, in.out) : decode_base64(joined, in.out);
  return ok || in.fail(joined, kind == 'x' ? "is not pairs of hex digits" : "is not base64");
}

bool parse_bitmap(FieldInput& in) {
  std::vector<std::uint16_t> types;
  for (; !in.at_end(); ++in.next) {
    const auto type = parse_type(in.tokens[in.next].text);
    if (!type) return in.fail(in.tokens[in.next].text, "is not a record type");
    types.push_back(static_cast<std::uint16_t>(*type));
  }
  std::sort(types.begin(), types.end());
  for (std::size_t at = 0; at < types.size();) {
    const unsigned window = types[at] >> 8;
    std::array<std::uint8_t, 32> bits{};
    unsigned last = 0;
    for (; at < types.size() && types[at] >> 8 == window; ++at) {
      last = types[at] & 0xff;
      bits[last / 8] = static_cast<std::uint8_t>(bits[last / 8] | 0x80u >> last % 8);
    }
    in.out.push_back(static_cast<std::uint8_t>(window));
    in.out.push_back(static_cast<std::uint8_t>(last / 8 + 1));
    in.out.insert(in.out.end(), bits.begin(), bits.begin() + last / 8 + 1);
  }
  return true;
}

bool parse_name(const TextToken& token, FieldInput& in) {
  if (token.inner_quotes) return in.fail(token.text, "has a bare quote");
  auto name = Name::from_text(token.text, &in.origin);
  if (!name) {
    in.fault = std::move(name.error().message);
    return false;
  }
  in.out.insert(in.out.end(), name->data(), name->data() + name->size());
  return true;
}

bool parse_address(std::string_view token, int family, FieldInput& in) {
  char text[INET6_ADDRSTRLEN] = {};
  std::uint8_t address[16];
  if (token.size() < sizeof text) std::copy(token.begin(), token.end(), text);
  if (inet_pton(family, text, address) != 1) {
    return in.fail(token, family == AF_INET ? "is not an IPv4 address" : "is not an IPv6 address");
  }
  in.out.insert(in.out.end(), address, address + (family == AF_INET ? 4 : 16));
  return true;
}

bool parse_duration_field(std::string_view token, FieldInput& in) {
  const auto seconds = parse_duration(token);
  if (!seconds) return in.fail(token, "is not a time in seconds, nor one such as 1h30m");
  append_u32(in.out, *seconds);
  return true;
}

bool parse_type_field(std::string_view token, FieldInput& in) {
  const auto type = parse_type(token);
  if (!type) return in.fail(token, "is not a record type");
  append_u16(in.out, static_cast<std::uint16_t>(*type));
  return true;
}

bool parse_tag(std::string_view token, FieldInput& in) {
  // RFC 8659 4.1: letters and digits.
  const bool ok = !token.empty() && std::all_of(token.begin(), token.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (!ok) return in.fail(token, "is not a CAA tag of letters and digits");
  return append_lengthed(token, {token.begin(), token.end()}, in);
}

// What stands behind a gateway or relay type (RFC 4025 2.5, RFC 8777 4.2.4).
bool parse_gateway(unsigned type, const TextToken& token, FieldInput& in) {
  switch (type) {
    case 0:
      return token.text == "." || in.fail(token.text, "must be '.', since the type is 0");
    case 1:
      return parse_address(token.text, AF_INET, in);
    case 2:
      return parse_address(token.text, AF_INET6, in);
    case 3:
      return parse_name(token, in);
    default:
      return in.fail(token.text,
                     "follows a gateway type other than 0 to 3: write it in the generic form, \\#");
  }
}

// IPSECKEY: gateway type, algorithm, gateway. AMTRELAY: discovery bit, relay type, relay.
bool parse_typed_gateway(char kind, FieldInput& in) {
  if (in.tokens.size() - in.next < 2) return in.fail("", "is too little of it");
  const TextToken& first = in.tokens[in.next - 1];
  const TextToken& second = in.tokens[in.next++];
  const TextToken& gateway = in.tokens[in.next++];
  const auto a = parse_number(first.text, kind == 'g' ? 255 : 1);
  const auto b = parse_number(second.text, kind == 'g' ? 255 : 127);
  if (!a) return in.fail(first.text, "is out of range");
  if (!b) return in.fail(second.text, "is out of range");
  if (kind == 'g') in.out.push_back(static_cast<std::uint8_t>(*a));
  in.out.push_back(static_cast<std::uint8_t>(kind == 'g' ? *b : *a << 7 | *b));
  return parse_gateway(kind == 'g' ? *a : *b, gateway, in);
}

bool parse_salt(std::string_view token, FieldInput& in) {
  std::vector<std::uint8_t> data;
  if (token != "-" && !decode_hex(token, data)) return in.fail(token, "is neither - nor pairs of hex digits");
  return append_lengthed(token, data, in);
}

}  // namespace

bool decode_hex(std::string_view text, std::vector<std::uint8_t>& out) {
  if (text.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return true;
}

bool decode_base64(const std::string& text, std::vector<std::uint8_t>& out) {
  if (text.empty()) return true;
  const std::size_t digits = text.find_last_not_of('=') + 1;
  const std::size_t padding = text.size() - digits;
  // OpenSSL takes padding anywhere, and blanks.
  const bool plain =
      std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(digits), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
               c == '/';
      });
  if (!plain || padding > 2 || text.size() % 4 != 0) return false;
  const std::size_t start = out.size();
  out.resize(start + text.size() / 4 * 3);
  const auto* from = reinterpret_cast<const unsigned char*>(text.data());
  const int size = EVP_DecodeBlock(out.data() + start, from, static_cast<int>(text.size()));
  if (size < 0) return false;
  out.resize(start + static_cast<std::size_t>(size) - padding);
  return true;
}

bool parse_field(char kind, FieldInput& in) {
  switch (kind) {  // the kinds that may be empty
    case 'x':
    case 'b':
      return parse_blob(kind, in);
    case 't':
      return parse_bitmap(in);
    case 'v':
      return parse_service_parameters(in);
    default:
      break;
  }
  if (in.at_end()) {
    in.fault = "there is too little of it";
    return false;
  }
  const TextToken& token = in.tokens[in.next];
  if (kind == 's' || kind == 'S') return parse_strings(in, kind == 'S');
  ++in.next;
  switch (kind) {
    case 'N':
      return parse_name(token, in);
    case '1':
      return parse_integer(token.text, 1, in);
    case '2':
      return parse_integer(token.text, 2, in);
    case '4':
      return parse_integer(token.text, 4, in);
    case 'd':
      return parse_duration_field(token.text, in);
    case 'a':
      return parse_address(token.text, AF_INET, in);
    case '6':
      return parse_address(token.text, AF_INET6, in);
    case 'T':
      return parse_type_field(token.text, in);
    case 'm':
    case 'c':
      return parse_mnemonic(kind, token.text, in);
    case 'z':
      return parse_time(token.text, in);
    case 'q':
      return parse_tag(token.text, in);
    case 'l':
      return decode_text(token.text, in.out) || in.fail(token.text, "has a broken escape or a bare quote");
    case 'h':
      return parse_salt(token.text, in);
    case 'H':
      return parse_base32(token.text, in);
    case 'g':
    case 'r':
      return parse_typed_gateway(kind, in);
    default:
      return in.fail(token.text, "is a field of an unknown kind");
  }
}

}  // namespace understudy::dns
