// The two clocks, behind an interface so that timers can be tested without waiting.
// Implementations are safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace understudy {

using Seconds = std::chrono::seconds;
using SteadyTime = std::chrono::steady_clock::time_point;
// Wall time in whole seconds since the epoch, as the mirror and metrics keep it.
using UnixTime = std::int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime steady() const = 0;  // never goes back
  virtual UnixTime wall() const = 0;      // may jump either way
};

class SystemClock final : public Clock {
 public:
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  UnixTime wall() const override {
    return std::chrono::duration_cast<Seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
};

}  // namespace understudy
