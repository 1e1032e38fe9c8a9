#include <arpa/inet.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "dns/text_fields.h"

namespace understudy::dns {
namespace {

Octets take(Octets& rest, std::size_t size) {
  const Octets taken = rest.first(std::min(size, rest.size()));
  rest = rest.subspan(taken.size());
  return taken;
}

// A length octet and as many octets; the RDATA was checked.
Octets take_lengthed(Octets& rest) {
  const Octets length = take(rest, 1);
  return take(rest, length.empty() ? 0 : length[0]);
}

bool print_time(std::uint32_t value, std::string& out) {
  const std::chrono::sys_seconds instant{std::chrono::seconds(value)};
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const auto second = static_cast<unsigned>((instant - day).count());
  char text[24];
  const int size = std::snprintf(text, sizeof text, "%04d%02u%02u%02u%02u%02u", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 second / 3600, second / 60 % 60, second % 60);
  out.append(text, static_cast<std::size_t>(size));
  return true;
}

void print_base32(Octets octets, std::string& out) {
  static constexpr char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
  unsigned held = 0, bits = 0;
  for (const std::uint8_t c : octets) {
    held = (held << 8 | c) & 0xffff;
    for (bits += 8; bits >= 5; bits -= 5) out += digits[held >> (bits - 5) & 31];
  }
  if (bits > 0) out += digits[held << (5 - bits) & 31];
}

bool print_bitmap(Octets& rest, std::string& out) {
  bool first = true;
  while (rest.size() >= 2) {
    const unsigned window = rest[0];
    rest = rest.subspan(1);
    const Octets bits = take_lengthed(rest);
    for (unsigned bit = 0; bit < bits.size() * 8; ++bit) {
      if ((bits[bit / 8] & 0x80u >> bit % 8) == 0) continue;
      if (!first) out += ' ';
      first = false;
      out += portable_type_text(RRType{static_cast<std::uint16_t>(window << 8 | bit)});
    }
  }
  return true;
}

bool print_address(int family, Octets address, std::string& out) {
  char text[INET6_ADDRSTRLEN];
  if (inet_ntop(family, address.data(), text, sizeof text) == nullptr) return false;
  out += text;
  return true;
}

bool print_strings(Octets& rest, bool all, std::string& out) {
  append_quoted(out, take_lengthed(rest));
  while (all && !rest.empty()) {
    out += ' ';
    append_quoted(out, take_lengthed(rest));
  }
  return true;
}

bool print_tag(Octets tag, std::string& out) {
  const bool plain = std::all_of(tag.begin(), tag.end(), [](std::uint8_t c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
  });
  out.append(tag.begin(), tag.end());
  return plain && !tag.empty();
}

bool print_name(Octets& rest, std::string& out) {
  const auto name = NameView::parse(rest);
  if (!name) return false;
  out += to_string(*name);
  rest = rest.subspan(name->size());
  return true;
}

bool print_gateway(Octets& rest, std::string& out) {
  const Octets head = take(rest, 2);
  out += std::to_string(head[0]) + ' ' + std::to_string(head[1]) + ' ';
  switch (head[0]) {
    case 0:
      out += '.';
      return true;
    case 1:
      return print_address(AF_INET, take(rest, 4), out);
    case 2:
      return print_address(AF_INET6, take(rest, 16), out);
    case 3:
      return print_name(rest, out);
    default:
      return false;
  }
}

bool print_salt(Octets salt, std::string& out) {
  if (salt.empty()) out += '-';
  append_hex(out, salt);
  return true;
}

// The name of no octets has no text.
bool print_hash(Octets hash, std::string& out) {
  print_base32(hash, out);
  return !hash.empty();
}

}  // namespace

void append_hex(std::string& out, Octets octets) {
  static constexpr char digits[] = "0123456789ABCDEF";
  for (const std::uint8_t c : octets) {
    out += digits[c >> 4];
    out += digits[c & 15];
  }
}

bool append_base64(std::string& out, Octets octets) {
  std::string text((octets.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), octets.data(),
                                   static_cast<int>(octets.size()));
  if (size < 0) return false;
  out.append(text, 0, static_cast<std::size_t>(size));
  return true;
}

bool print_field(char kind, Octets& rest, std::string& out) {
  switch (kind) {
    case 'N':
      return print_name(rest, out);
    case '1':
    case 'm':
      out += std::to_string(take(rest, 1)[0]);
      return true;
    case '2':
    case 'c':
      out += std::to_string(load16(take(rest, 2).data()));
      return true;
    case '4':
    case 'd':
      out += std::to_string(load32(take(rest, 4).data()));
      return true;
    case 'a':
      return print_address(AF_INET, take(rest, 4), out);
    case '6':
      return print_address(AF_INET6, take(rest, 16), out);
    case 'T':
      out += portable_type_text(RRType{load16(take(rest, 2).data())});
      return true;
    case 'z':
      return print_time(load32(take(rest, 4).data()), out);
    case 's':
      return print_strings(rest, false, out);
    case 'S':
      return print_strings(rest, true, out);
    case 'q':
      return print_tag(take_lengthed(rest), out);
    case 'l':
      append_quoted(out, take(rest, rest.size()));
      return true;
    case 'h':
      return print_salt(take_lengthed(rest), out);
    case 'H':
      return print_hash(take_lengthed(rest), out);
    case 'g':
      return print_gateway(rest, out);
    case 'x':
      append_hex(out, take(rest, rest.size()));
      return true;
    case 'b':
      return append_base64(out, take(rest, rest.size()));
    case 't':
      return print_bitmap(rest, out);
    case 'v':
      return print_service_parameters(take(rest, rest.size()), out);
    default:
      return false;
  }
}

}  // namespace understudy::dns
