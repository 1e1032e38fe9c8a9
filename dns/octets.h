// Octets in network order: how every number of the wire and of the mirror is read and written.
// The callers have checked the bounds; nothing here is aligned.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace understudy::dns {

using Octets = std::span<const std::uint8_t>;

inline std::uint16_t load16(const std::uint8_t* p) {
  std::uint16_t v;
  std::memcpy(&v, p, 2);
  return __builtin_bswap16(v);
}
inline std::uint32_t load32(const std::uint8_t* p) {
  std::uint32_t v;
  std::memcpy(&v, p, 4);
  return __builtin_bswap32(v);
}
inline std::uint64_t load64(const std::uint8_t* p) {
  std::uint64_t v;
  std::memcpy(&v, p, 8);
  return __builtin_bswap64(v);
}
inline void store16(std::uint8_t* p, std::uint16_t v) {
  v = __builtin_bswap16(v);
  std::memcpy(p, &v, 2);
}
inline void store32(std::uint8_t* p, std::uint32_t v) {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, 4);
}
inline void store64(std::uint8_t* p, std::uint64_t v) {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, 8);
}

// A-Z to a-z, all else unchanged, whatever the locale (RFC 4343).
inline std::uint8_t lower(std::uint8_t c) {
  return static_cast<std::uint8_t>(c + ((static_cast<std::uint8_t>(c - 'A') < 26) ? 32 : 0));
}

}  // namespace understudy::dns
