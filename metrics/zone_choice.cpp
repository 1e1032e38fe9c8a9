#include "metrics/zone_choice.h"

#include <algorithm>

namespace understudy::metrics {
namespace {

// Greedy, with one step back to the last star: linear in practice, and no recursion.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

ZoneChoice::ZoneChoice(const std::vector<std::string>& patterns) {
  for (std::string pattern : patterns) {
    for (char& c : pattern) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (!pattern.ends_with('.') && !pattern.ends_with('*')) pattern += '.';
    patterns_.push_back(std::move(pattern));
  }
}

bool ZoneChoice::chooses(std::string_view zone, std::size_t chosen) const {
  if (patterns_.empty()) return chosen < zones_without_patterns;
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [zone](const std::string& pattern) { return matches(pattern, zone); });
}

}  // namespace understudy::metrics
