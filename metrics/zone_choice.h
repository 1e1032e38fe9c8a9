// Which zones have series of their own: all of a thousand, or those that the operator's patterns name. The
// others are in the totals. Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace understudy::metrics {

class ZoneChoice {
 public:
  // Without patterns this many zones have series, the first ones.
  static constexpr std::size_t zones_without_patterns = 1000;

  // A pattern is a name, in which `*` stands for any characters, dots too: "example.com", "*.example.com",
  // "*". Case and a final dot do not matter.
  ZoneChoice() = default;
  explicit ZoneChoice(const std::vector<std::string>& patterns);

  // `zone`: lower case, absolute. `chosen`: how many have been so far.
  bool chooses(std::string_view zone, std::size_t chosen) const;

 private:
  std::vector<std::string> patterns_;
};

}  // namespace understudy::metrics
