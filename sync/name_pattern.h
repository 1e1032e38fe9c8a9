// Which zones are meant: `example.com` is that one, `*.example.com` all below it, `*` all. Plain values.
#pragma once

#include <string>
#include <vector>

#include "dns/name.h"

namespace understudy::sync {

class NamePattern {
 public:
  static Result<NamePattern> parse(std::string_view text);
  bool matches(dns::NameView zone) const;
  std::string text() const { return dns::to_string(name_); }
  friend bool operator==(const NamePattern&, const NamePattern&) = default;

 private:
  explicit NamePattern(dns::Name name) : name_(std::move(name)) {}
  dns::Name name_;
};

bool any_matches(const std::vector<NamePattern>& patterns, dns::NameView zone);

}  // namespace understudy::sync
