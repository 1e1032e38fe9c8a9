// The pacer: no more than N queries a second to one address, and fewer while it does not answer.
//
// No clock and no timer of its own: the caller says what time it is. Belongs to one thread.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace understudy::audit {

class Pacer {
 public:
  explicit Pacer(double per_second)
      : base_(std::chrono::duration_cast<Interval>(
            std::chrono::duration<double>(1 / std::max(per_second, 0.001)))),
        interval_(base_) {}

  // Another pace, from the next query on.
  void change(double per_second, SteadyTime now) {
    const SteadyTime next = next_;
    *this = Pacer(per_second);
    next_ = std::min(next, now + interval_);
  }

  // From when on the next query may be sent.
  SteadyTime due() const { return next_; }
  // A query was sent. One that was late by a timer's tick does not make all later ones late, so that N is
  // reached; one that was later than that makes up for nothing, so that no burst follows a pause.
  void sent(SteadyTime now) { next_ = std::max(next_, now - lateness) + interval_; }

  // An address that falls silent or refuses is asked less and less, down to once a second, and more again as
  // it answers. With a third of the packets lost the rate stays (1.5 ^ (1/3) * 0.8 ^ (2/3) < 1).
  void unanswered() { interval_ = std::max(base_, std::min<Interval>(slowest, interval_ * 3 / 2)); }
  void answered() { interval_ = std::max(base_, interval_ * 4 / 5); }

 private:
  using Interval = std::chrono::nanoseconds;
  static constexpr Interval lateness = std::chrono::milliseconds(10);
  static constexpr Interval slowest = std::chrono::seconds(1);

  Interval base_, interval_;
  SteadyTime next_{};
};

}  // namespace understudy::audit
