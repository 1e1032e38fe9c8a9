// The escapes of presentation form (RFC 1035 5.1): \DDD and \X.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dns/octets.h"

namespace understudy::dns {

// The character at text[at], escapes resolved; moves `at` past it. Nothing where an escape is broken.
inline std::optional<std::uint8_t> unescape(std::string_view text, std::size_t& at) {
  const auto c = static_cast<std::uint8_t>(text[at++]);
  if (c != '\\') return c;
  if (at >= text.size()) return std::nullopt;
  const auto is_digit = [](char d) { return d >= '0' && d <= '9'; };
  if (!is_digit(text[at])) return static_cast<std::uint8_t>(text[at++]);
  if (at + 3 > text.size() || !is_digit(text[at + 1]) || !is_digit(text[at + 2])) return std::nullopt;
  const int value = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
  if (value > 255) return std::nullopt;
  at += 3;
  return static_cast<std::uint8_t>(value);
}

inline void append_decimal_escape(std::string& out, std::uint8_t c) {
  const char text[] = {'\\', static_cast<char>('0' + c / 100), static_cast<char>('0' + c / 10 % 10),
                       static_cast<char>('0' + c % 10)};
  out.append(text, sizeof text);
}

}  // namespace understudy::dns
