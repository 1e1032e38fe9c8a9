// What stands against serving a zone in its primary's place, and what one should know about it: one
// vocabulary for the verdict, the API's filter, roll-ups and the page. Pure functions on values; any thread.
#pragma once

#include <span>

#include "audit/comparison.h"
#include "sync/zone_status.h"

namespace understudy::control {

// In order of gravity. Those up to `behind` speak against a takeover: clients would get no answer, or one
// that is known to be wrong. The others do not: whether a zone is stale, or its primary is silent, is why
// somebody takes over.
enum class Condition : std::uint8_t {
  empty,             // there never were data: SERVFAIL
  expired,           // SERVFAIL
  signatures_ended,  // validating resolvers refuse it
  differs,           // answers are other ones than a primary's now
  behind,            // a primary has told a newer serial for a while, and nobody held it
  stale,             // served past expire, as its policy says
  alone,             // served, and no primary answers: until it expires
  held,              // a newer version is stored and not served
  differs_slightly,  // TTLs or flags only
  unproven,          // not all of the version that is served was compared, or nobody answered: unknown
  count,
};
inline constexpr std::size_t condition_count = static_cast<std::size_t>(Condition::count);
constexpr bool prevents_takeover(Condition condition) { return condition <= Condition::behind; }
// "signatures-ended".
std::string_view to_string(Condition condition);
std::optional<Condition> parse_condition(std::string_view word);

class Conditions {
 public:
  void add(Condition condition) { bits_ |= bit(condition); }
  bool has(Condition condition) const { return (bits_ & bit(condition)) != 0; }
  // The gravest first; zones without one come last.
  friend bool operator<(Conditions a, Conditions b) { return a.rank() < b.rank(); }

 private:
  static constexpr std::uint16_t bit(Condition condition) {
    return static_cast<std::uint16_t>(1u << static_cast<unsigned>(condition));
  }
  int rank() const;
  std::uint16_t bits_ = 0;
};

// How long a primary may be ahead before that counts: transfers take their time (as for the alarm).
inline constexpr Seconds behind_after{1800};

// `comparison`: nullptr where the zone was never compared.
Conditions conditions_of(const sync::ZoneStatus& zone, const audit::ZoneComparison* comparison, UnixTime now);

}  // namespace understudy::control
