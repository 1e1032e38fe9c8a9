// What the fuzz targets share: each is a program of libFuzzer with one LLVMFuzzerTestOneInput, linked by
// clang.
//
// A finding is an abort (here), an exception that leaves the target, or a report by a sanitizer.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "dns/octets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace understudy::fuzz {

using Octets = dns::Octets;
using Bytes = std::vector<std::uint8_t>;

inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "finding: %s\n", what);
  std::abort();
}

inline bool same(Octets a, Octets b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

// Takes an input apart. At its end everything is 0 and empty.
class Feed {
 public:
  explicit Feed(Octets rest) : rest_(rest) {}
  bool empty() const { return rest_.empty(); }
  Octets rest() const { return rest_; }
  std::uint8_t u8() {
    const Octets one = take(1);
    return one.empty() ? 0 : one[0];
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  // At most `count` octets.
  Octets take(std::size_t count) {
    const Octets out = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(out.size());
    return out;
  }
  // Octets with their number (16 bits) in front, in memory of their own: so that a read past their end is
  // seen.
  Bytes piece() {
    const Octets out = take(u16());
    return {out.begin(), out.end()};
  }

 private:
  Octets rest_;
};

}  // namespace understudy::fuzz
