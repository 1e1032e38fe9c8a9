// Differences that an operator expects ([[compare.expect]]): counted apart, never an alarm, for as long as
// they say. Immutable values, any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/comparison.h"
#include "audit/question.h"
#include "base/clock.h"
#include "base/result.h"

namespace understudy::audit {

struct Expectation {
  std::string pattern;  // as written: "www.example.com", or "*.example.com" for every name below that
  dns::Name name;       // without the asterisk
  bool below = false;
  std::optional<dns::RRType> type;  // none: any
  std::optional<Class> difference;  // none: any
  UnixTime until = 0;               // 0: for ever
  std::string reason;

  bool is_over(UnixTime now) const { return until != 0 && now >= until; }
  bool covers(const Question& question, Class found, UnixTime now) const;
  // Whether it speaks of names of this zone.
  bool concerns(dns::NameView apex) const;
};
using Expectations = std::vector<Expectation>;
using ExpectationsPtr = std::shared_ptr<const Expectations>;

// The name of a pattern: [the name, whether it is all below it]. Errors say what is wrong with it.
Result<std::pair<dns::Name, bool>> parse_owner_pattern(const std::string& pattern);

}  // namespace understudy::audit
