// What a question is about, the same in every pass and after a restart: the key of whatever is remembered.
#pragma once

#include <compare>
#include <string>

#include "audit/question.h"
#include "dns/name_key.h"

namespace understudy::audit {

struct Subject {
  std::string key;  // the owner's name key
  dns::RRType type{};
  bool random_label = false;
  auto operator<=>(const Subject&) const = default;
};

inline Subject subject_of(const Question& question) {
  const dns::NameKey key(question.subject);
  return {std::string(key.octets().begin(), key.octets().end()), question.type, question.random_label};
}

}  // namespace understudy::audit
