// Which answers an address gives in turn: learnt where it was seen to alternate at one serial, and forgotten
// where it has stopped to. An answer outside of its set is a difference like any other.
//
// Belongs to one pass. Bounded by `most` sets of `most_members`.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include "audit/subject.h"
#include "base/clock.h"

namespace understudy::audit {

class DynamicSets {
 public:
  static constexpr std::size_t most = 1'000, most_members = 64;

  // `kept`: without a change of its answer for so long an address does not alternate any more.
  explicit DynamicSets(Seconds kept) : kept_(kept) {}

  bool empty() const { return sets_.empty(); }

  // `content` is one of its answers; that it was heard is noted.
  bool contains(const Subject& subject, std::uint64_t content, SteadyTime now) {
    const auto it = sets_.find(subject);
    if (it == sets_.end()) return false;
    Set& set = it->second;
    if (now - set.alternated >= kept_) {
      sets_.erase(it);
      return false;
    }
    if (std::find(set.members.begin(), set.members.end(), content) == set.members.end()) return false;
    if (std::exchange(set.last, content) != content) set.alternated = now;
    return true;
  }

  // False where there is no room for another set.
  bool learn(const Subject& subject, std::span<const std::uint64_t> contents, SteadyTime now) {
    if (sets_.size() >= most && !sets_.contains(subject)) return false;
    Set& set = sets_[subject];
    set.alternated = now;
    for (const std::uint64_t content : contents) {
      const bool known = std::find(set.members.begin(), set.members.end(), content) != set.members.end();
      if (!known && set.members.size() < most_members) set.members.push_back(content);
    }
    return true;
  }

 private:
  struct Set {
    std::vector<std::uint64_t> members;
    std::uint64_t last = 0;
    SteadyTime alternated{};
  };
  Seconds kept_;
  std::map<Subject, Set> sets_;
};

}  // namespace understudy::audit
