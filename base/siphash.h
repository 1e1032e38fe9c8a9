// SipHash-2-4 (Aumasson, Bernstein): a keyed hash of short inputs that outsiders cannot aim at. Pure; no
// heap.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace understudy {

using SipKey = std::array<std::uint8_t, 16>;

namespace detail {

// Little-endian, as the algorithm has it; this program runs on nothing else.
static_assert(std::endian::native == std::endian::little);

struct SipState {
  std::uint64_t v0, v1, v2, v3;
  void round() {
    v0 += v1, v1 = std::rotl(v1, 13), v1 ^= v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16), v3 ^= v2;
    v0 += v3, v3 = std::rotl(v3, 21), v3 ^= v0;
    v2 += v1, v1 = std::rotl(v1, 17), v1 ^= v2, v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round(), round();
    v0 ^= word;
  }
};

}  // namespace detail

inline std::uint64_t siphash(const SipKey& key, std::span<const std::uint8_t> data) {
  std::uint64_t k0, k1;
  std::memcpy(&k0, key.data(), 8);
  std::memcpy(&k1, key.data() + 8, 8);
  detail::SipState state{k0 ^ 0x736f6d6570736575ull, k1 ^ 0x646f72616e646f6dull, k0 ^ 0x6c7967656e657261ull,
                         k1 ^ 0x7465646279746573ull};
  std::uint64_t last = std::uint64_t{data.size()} << 56;
  while (data.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, data.data(), 8);
    state.take(word);
    data = data.subspan(8);
  }
  for (std::size_t i = 0; i < data.size(); ++i) last |= std::uint64_t{data[i]} << (8 * i);
  state.take(last);
  state.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace understudy
