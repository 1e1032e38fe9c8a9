// Counts what the query path may not do: allocate, free, take a lock, throw.
//
// The program's own malloc (or, under a sanitizer that has one, its hook), pthread locks and __cxa_throw
// stand in front of the libraries'. They count for the thread on which a CallCounter lives, as long as it
// lives; whatever library the call comes from, LMDB and libstdc++ included. One counter a thread at a time.
#pragma once

#include <array>
#include <iosfwd>
#include <string>

namespace understudy::test {

struct Calls {
  unsigned long allocations = 0, frees = 0, locks = 0, throws = 0;
  friend bool operator==(const Calls&, const Calls&) = default;
};
std::ostream& operator<<(std::ostream& out, const Calls& calls);

class CallCounter {
 public:
  CallCounter();
  ~CallCounter();
  CallCounter(const CallCounter&) = delete;
  CallCounter& operator=(const CallCounter&) = delete;

  // From here on nothing counts.
  void stop();
  const Calls& calls() const { return calls_; }
  // Where the first call came from, a frame a line; empty where there was none. After stop().
  std::string first_place() const;

  // For the replaced functions.
  void note(unsigned long Calls::*what);

 private:
  Calls calls_;
  std::array<void*, 24> frames_{};
  int frame_count_ = 0;
};

}  // namespace understudy::test
