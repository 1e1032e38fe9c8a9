// SOA serial numbers, RFC 1982: they wrap, and two of them may have no order at all.
#pragma once

#include <cstdint>

namespace understudy::dns {

class Serial {
 public:
  constexpr Serial() = default;
  constexpr explicit Serial(std::uint32_t value) : value_(value) {}
  constexpr std::uint32_t value() const { return value_; }
  // RFC 1982 3.2. Numbers exactly 2^31 apart are not ordered: neither is newer.
  constexpr bool is_newer_than(Serial other) const {
    const std::uint32_t ahead = value_ - other.value_;
    return ahead != 0 && ahead < 0x80000000u;
  }
  friend constexpr bool operator==(Serial, Serial) = default;

 private:
  std::uint32_t value_ = 0;
};

}  // namespace understudy::dns
