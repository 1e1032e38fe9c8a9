// Loaded before the executable (LD_PRELOAD): a world in which every clock goes FASTER times as fast, and
// every wait that an event loop asks for is over as much sooner. What a server does in nine hours it does in
// nine minutes, with its own pace and timers. Waits of conditions and sleeps are not among them: Understudy
// has one with a time, the milliseconds in which its map is made larger, and a fresh map is large enough.
//
//     g++ -O2 -std=c++20 -shared -fPIC -o libfaster.so faster.cpp
#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include <cstdint>
#include <cstdlib>

namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t factor() {
  static const char* const told = std::getenv("FASTER");
  static const std::int64_t value = told == nullptr ? 1 : std::atoll(told);
  return value > 0 ? value : 1;
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * second + time.tv_nsec; }
timespec as_timespec(std::int64_t time) { return {time / second, time % second}; }

using GetTime = int(clockid_t, timespec*);

int real_time(clockid_t clock, timespec* out) {
  static GetTime* const get = real<GetTime>("clock_gettime");
  return get(clock, out);
}

// When this process began, by each clock that can be waited for.
struct Start {
  std::int64_t monotonic, wall;
  Start() : monotonic(of(CLOCK_MONOTONIC)), wall(of(CLOCK_REALTIME)) {}
  static std::int64_t of(clockid_t clock) {
    timespec now{};
    real_time(clock, &now);
    return nanoseconds(now);
  }
};

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* out) noexcept {
  static const Start start;
  const int result = real_time(clock, out);
  if (result != 0 || (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)) return result;
  const std::int64_t began = clock == CLOCK_MONOTONIC ? start.monotonic : start.wall;
  *out = as_timespec(began + (nanoseconds(*out) - began) * factor());
  return result;
}

// What is absolute is one nanosecond, Asio's way to say "at once".
extern "C" int timerfd_settime(int fd, int flags, const itimerspec* wanted, itimerspec* before) noexcept {
  using Set = int(int, int, const itimerspec*, itimerspec*);
  static Set* const set = real<Set>("timerfd_settime");
  itimerspec sooner = *wanted;
  const std::int64_t wait = nanoseconds(wanted->it_value);
  if ((flags & TFD_TIMER_ABSTIME) == 0 && wait != 0)
    sooner.it_value = as_timespec(wait / factor() == 0 ? 1 : wait / factor());
  return set(fd, flags, &sooner, before);
}

extern "C" int epoll_wait(int fd, epoll_event* events, int most, int timeout) {
  using Wait = int(int, epoll_event*, int, int);
  static Wait* const wait = real<Wait>("epoll_wait");
  return wait(fd, events, most, timeout > 0 ? static_cast<int>(timeout / factor()) + 1 : timeout);
}
