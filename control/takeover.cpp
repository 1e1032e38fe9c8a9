#include "control/takeover.h"

namespace understudy::control {
namespace {

constexpr std::size_t examples_shown = 3;

// What follows "1 zone " and "N zones ".
struct Wording {
  std::string_view one, many;
};
Wording wording(Condition condition) {
  switch (condition) {
    case Condition::empty:
      return {"has no data and is answered with SERVFAIL", "have no data and are answered with SERVFAIL"};
    case Condition::expired:
      return {"has expired and is answered with SERVFAIL", "have expired and are answered with SERVFAIL"};
    case Condition::signatures_ended:
      return {"has signatures that have ended: validating resolvers refuse it",
              "have signatures that have ended: validating resolvers refuse them"};
    case Condition::differs:
      return {"is answered otherwise than its primary answers",
              "are answered otherwise than their primaries answer"};
    case Condition::behind:
      return {"has been behind its primary for over half an hour",
              "have been behind their primaries for over half an hour"};
    case Condition::stale:
      return {"is served past its expire time, as its policy says",
              "are served past their expire time, as their policy says"};
    case Condition::alone:
      return {"has no primary that answers: it is served until it expires",
              "have no primary that answers: they are served until they expire"};
    case Condition::held:
      return {"has a newer version that is held back", "have a newer version that is held back"};
    case Condition::differs_slightly:
      return {"differs from its primary in TTLs or flags only",
              "differ from their primaries in TTLs or flags only"};
    case Condition::unproven:
      return {"has not been compared in full: whether it says what its primary says is unknown",
              "have not been compared in full: whether they say what their primaries say is unknown"};
    case Condition::count:
      break;
  }
  return {};
}

std::string thousands(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

TakeoverReason about_zones(const Overview& overview, Condition condition, std::size_t zones) {
  TakeoverReason reason{to_string(condition), {}, zones, {}};
  const Wording words = wording(condition);
  reason.message = thousands(zones) + (zones == 1 ? " zone " : " zones ") +
                   std::string(zones == 1 ? words.one : words.many);
  for (const ZoneLine& line : overview.zones) {
    if (reason.examples.size() == examples_shown) break;
    if (line.conditions.has(condition)) reason.examples.push_back(line.zone);
  }
  return reason;
}

}  // namespace

Takeover judge_takeover(const Overview& overview, const Ability& ability) {
  Takeover verdict;
  const auto object = [&verdict](std::string_view reason, std::string message) {
    verdict.reasons.push_back({reason, std::move(message), 0, {}});
  };
  if (!ability.listening) object("not-listening", "No address is listened on");
  if (!ability.mirror_open) object("mirror-closed", "The mirror cannot be read");
  if (ability.listening && !ability.answering)
    object("not-answering", "Our own socket does not answer queries");
  if (overview.zones.empty()) object("no-zones", "There are no zones to serve");
  for (std::size_t i = 0; i < condition_count; ++i) {
    const auto condition = static_cast<Condition>(i);
    const std::size_t zones = count(overview, condition);
    if (zones == 0) continue;
    (prevents_takeover(condition) ? verdict.reasons : verdict.cautions)
        .push_back(about_zones(overview, condition, zones));
  }
  verdict.ready = verdict.reasons.empty();
  return verdict;
}

}  // namespace understudy::control
