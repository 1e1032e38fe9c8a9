#include "app/expect_rows.h"

#include <ctime>

#include "dns/types.h"

namespace understudy::app {
namespace {

using Type = OptionType;

const std::string& text(const OptionValue& value) { return std::get<std::string>(value); }

Result<> put_owner(audit::Expectation& expectation, const std::string& pattern) {
  const auto parsed = audit::parse_owner_pattern(pattern);
  if (!parsed) return parsed.error();
  expectation.pattern = pattern;
  std::tie(expectation.name, expectation.below) = *parsed;
  return {};
}

Result<> put_type(audit::Expectation& expectation, const std::string& word) {
  const auto type = dns::parse_type(word);
  if (!type) return Error{"configuration", '"' + word + "\" is no type of records, such as A or TYPE65280"};
  expectation.type = *type;
  return {};
}

Result<> put_class(audit::Expectation& expectation, const std::string& word) {
  for (unsigned c = 0; c <= static_cast<unsigned>(audit::Class::flags); ++c) {
    if (audit::to_string(static_cast<audit::Class>(c)) == word)
      expectation.difference = static_cast<audit::Class>(c);
  }
  return {};
}

Result<> put_until(audit::Expectation& expectation, const std::string& instant) {
  const auto parsed = parse_instant(instant);
  if (!parsed) return parsed.error();
  expectation.until = *parsed;
  return {};
}

const ConfigRow rows[] = {
    {{"compare.expect", "owner", Type::text, "", 0, 0, "", "",
      "Whose answers differ: a name, or `*.example.com` for every name below that one (itself not)."},
     [](ConfigDraft& d, const OptionValue& v) { return put_owner(d.expectation, text(v)); }},
    {{"compare.expect", "type", Type::text, "", 0, 0, "", "",
      "The type that is asked for; any unless given."},
     [](ConfigDraft& d, const OptionValue& v) { return put_type(d.expectation, text(v)); }},
    {{"compare.expect", "class", Type::choice, "", 0, 0, "",
      "delegation|wildcard|missing|extra|rcode|rdata|ttl|dnssec|negative_ttl|flags",
      "How they differ; in any way unless given."},
     [](ConfigDraft& d, const OptionValue& v) { return put_class(d.expectation, text(v)); }},
    {{"compare.expect", "until", Type::text, "", 0, 0, "", "",
      "Until when, in UTC: `2027-01-31` or `2027-01-31T12:00:00Z`. Then it is a difference like any other, "
      "and "
      "the log says so."},
     [](ConfigDraft& d, const OptionValue& v) { return put_until(d.expectation, text(v)); }},
    {{"compare.expect", "reason", Type::text, "", 0, 0, "", "", "Why, for whoever reads it later."},
     [](ConfigDraft& d, const OptionValue& v) -> Result<> {
       d.expectation.reason = text(v);
       return {};
     }},
};

}  // namespace

Result<UnixTime> parse_instant(const std::string& text) {
  std::tm broken{};
  const bool day_only = text.size() == 10;
  const char* const end = ::strptime(text.c_str(), day_only ? "%Y-%m-%d" : "%Y-%m-%dT%H:%M:%SZ", &broken);
  if (end == nullptr || *end != 0)
    return Error{"configuration", '"' + text + "\" is no time, such as 2027-01-31 or 2027-01-31T12:00:00Z"};
  return UnixTime{::timegm(&broken)};
}

std::vector<ConfigRow> expect_rows() { return {std::begin(rows), std::end(rows)}; }

}  // namespace understudy::app
