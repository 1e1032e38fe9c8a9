#include "control/zone_condition.h"

#include <algorithm>
#include <array>
#include <bit>

namespace understudy::control {
namespace {

constexpr std::array<std::string_view, condition_count> words{
    "empty", "expired", "signatures-ended", "differs", "behind", "stale",
    "alone", "held",    "differs-slightly", "unproven"};

// Clients get the same data; how long they keep them, or a flag, is another.
bool is_slight(audit::Class difference) {
  return difference == audit::Class::ttl || difference == audit::Class::negative_ttl ||
         difference == audit::Class::flags;
}

// Those that have an address; a file is always there.
bool no_primary_answers(std::span<const sync::PrimaryStatus> primaries) {
  const auto is_silent = [](const sync::PrimaryStatus& primary) {
    return primary.address && !primary.up && primary.failing_since != 0;
  };
  return !primaries.empty() && std::all_of(primaries.begin(), primaries.end(), is_silent);
}

}  // namespace

std::string_view to_string(Condition condition) { return words.at(static_cast<std::size_t>(condition)); }

std::optional<Condition> parse_condition(std::string_view word) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<Condition>(found - words.begin());
}

int Conditions::rank() const { return std::countr_zero(bits_); }

Conditions conditions_of(const sync::ZoneStatus& zone, const audit::ZoneComparison* comparison,
                         UnixTime now) {
  Conditions found;
  // Nobody resolves names from a catalog: what it lists may be old, and that is all.
  const bool resolved = !zone.catalog;
  if (zone.state == sync::ZoneState::empty && resolved) found.add(Condition::empty);
  if (zone.state == sync::ZoneState::expired) found.add(resolved ? Condition::expired : Condition::stale);
  if (zone.state == sync::ZoneState::stale) found.add(Condition::stale);
  if (zone.signatures_end != 0 && zone.signatures_end <= now) found.add(Condition::signatures_ended);
  if (zone.held) found.add(Condition::held);
  const bool ahead = zone.out_of_sync_since != 0 && now - zone.out_of_sync_since >= behind_after.count();
  if (ahead && !zone.held) found.add(Condition::behind);
  const bool served = zone.state != sync::ZoneState::empty && zone.state != sync::ZoneState::expired;
  if (served && no_primary_answers(zone.primaries)) found.add(Condition::alone);
  if (resolved && (comparison == nullptr || comparison->against.empty() || !comparison->complete))
    found.add(Condition::unproven);
  if (comparison != nullptr) {
    for (const audit::Mismatch& mismatch : comparison->mismatches)
      found.add(is_slight(mismatch.difference) ? Condition::differs_slightly : Condition::differs);
  }
  return found;
}

}  // namespace understudy::control
