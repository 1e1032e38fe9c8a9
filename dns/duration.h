// Times in zone files: seconds, or numbers with units as BIND and everyone since writes them (1w2d3h4m5s).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace understudy::dns {

// Nothing where the text is no time or is over 32 bits.
constexpr std::optional<std::uint32_t> parse_duration(std::string_view text) {
  std::uint64_t total = 0, number = 0;
  bool digits = false, units = false;
  for (const char c : text) {
    std::uint64_t unit = 0;
    switch (c) {
      case 'w':
      case 'W':
        unit = 604800;
        break;
      case 'd':
      case 'D':
        unit = 86400;
        break;
      case 'h':
      case 'H':
        unit = 3600;
        break;
      case 'm':
      case 'M':
        unit = 60;
        break;
      case 's':
      case 'S':
        unit = 1;
        break;
      default:
        break;
    }
    if (c >= '0' && c <= '9') {
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
      digits = true;
    } else if (unit != 0 && digits) {
      total += number * unit;
      number = 0;
      digits = false;
      units = true;
    } else {
      return std::nullopt;
    }
    if (number > 0xffffffffu || total > 0xffffffffu) return std::nullopt;
  }
  // "1h30" is a slip of the pen: nobody can tell its last unit.
  if (digits == units) return std::nullopt;
  total += number;
  return total > 0xffffffffu ? std::nullopt : std::optional(static_cast<std::uint32_t>(total));
}

}  // namespace understudy::dns
