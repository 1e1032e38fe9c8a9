#include "audit/expectation.h"

namespace understudy::audit {

bool Expectation::covers(const Question& question, Class found, UnixTime now) const {
  if (is_over(now) || (type && *type != question.type) || (difference && *difference != found)) return false;
  // A made-up name stands for its wildcard or apex: it is never the same twice.
  const dns::NameView owner = question.random_label ? question.subject.view() : question.name.view();
  if (!below) return owner.equals(name);
  return owner.is_at_or_below(name) && !owner.equals(name);
}

bool Expectation::concerns(dns::NameView apex) const {
  return name.view().is_at_or_below(apex) || (below && apex.is_at_or_below(name));
}

Result<std::pair<dns::Name, bool>> parse_owner_pattern(const std::string& pattern) {
  const bool below = pattern == "*" || pattern == "*." || pattern.starts_with("*.");
  const std::string rest = !below ? pattern : pattern.size() <= 2 ? "." : pattern.substr(2);
  auto name = dns::Name::from_text(rest);
  if (!name) return name.error();
  return std::pair(name->lowered(), below);
}

}  // namespace understudy::audit
