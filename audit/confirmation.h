// What an address said, time after time, to a question that it answered differently than we; and what that
// makes of it. One wrong answer may be an update on its way; an address that alternates answers from a pool.
//
// A plain value; the last `most` are kept.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace understudy::audit {

// An answer as a number: without TTLs, and with them.
struct Fingerprint {
  std::uint64_t content = 0, full = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

class Confirmation {
 public:
  static constexpr std::size_t most = 20;
  enum class Outcome : std::uint8_t { ask_again, match, mismatch, dynamic };

  void heard(Fingerprint answer, bool differs) {
    if (size_ == most) std::move(heard_.begin() + 1, heard_.end(), heard_.begin());
    size_ = std::min(size_ + 1, most);
    heard_[size_ - 1] = {answer, differs};
  }
  // The address has another version now: what it said before says nothing of this one.
  void forget() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == most; }

  // `wanted`: so often in a row the same different answer is a mismatch. One change, there or back, is an
  // update; a second one is a pool.
  Outcome outcome(unsigned wanted) const {
    unsigned changes = 0, equal = 1;
    for (std::size_t i = 1; i < size_; ++i) {
      const bool same = heard_[i].answer == heard_[i - 1].answer;
      changes += same ? 0 : 1;
      equal = same ? equal + 1 : 1;
    }
    if (size_ == 0) return Outcome::ask_again;
    if (changes >= 2) return Outcome::dynamic;
    if (!heard_[size_ - 1].differs) return equal >= 2 ? Outcome::match : Outcome::ask_again;
    return equal >= wanted ? Outcome::mismatch : Outcome::ask_again;
  }
  // Every answer of it that was heard, some of them more than once.
  std::array<std::uint64_t, most> contents() const {
    std::array<std::uint64_t, most> all{};
    for (std::size_t i = 0; i < most; ++i) all[i] = heard_[i < size_ ? i : 0].answer.content;
    return all;
  }

 private:
  struct Heard {
    Fingerprint answer;
    bool differs = false;
  };
  std::array<Heard, most> heard_{};
  std::size_t size_ = 0;
};

}  // namespace understudy::audit
