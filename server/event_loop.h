// The event loop of a worker: descriptors and who is told when one is ready, one timer, and work from other
// threads.
//
// Belongs to its worker. All of it is for that worker's thread (or for before it runs), but for post() and
// stop(), which any thread may call. Level-triggered: who leaves something unread is told again in the next
// turn, after everybody else. Bounded by `events_a_turn`; nothing but post() allocates or locks.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace understudy::server {

class EventHandler {
 public:
  // `events` as epoll tells them.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~EventHandler() = default;
};

class TimerHandler {
 public:
  virtual void on_timer(SteadyTime now) = 0;

 protected:
  ~TimerHandler() = default;
};

class EventLoop {
 public:
  explicit EventLoop(const Clock& clock) : clock_(clock) {}
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Before anything else. Error: "event-loop", where the process has no descriptors left.
  Result<> open();

  // False where the kernel has no room. What is closed is forgotten by itself.
  bool watch(int fd, std::uint32_t events, EventHandler& handler);
  void change(int fd, std::uint32_t events, EventHandler& handler);
  // An event of this turn may still be for what has just ended; so it is kept until the turn is over.
  void keep_for_this_turn(std::shared_ptr<const void> ended) { ended_.push_back(std::move(ended)); }

  // There is one timer; setting it anew replaces it.
  void set_timer(SteadyTime when, TimerHandler& handler);

  // Runs until stop().
  void run();
  void stop();
  void post(std::function<void()> work);

  // Which turn this is.
  std::uint64_t turn() const { return turn_; }
  // When it began: by the clock that timers go by, and by the one that durations are measured with.
  SteadyTime now() const { return now_; }
  std::chrono::steady_clock::time_point woken() const { return woken_; }

 private:
  static constexpr std::size_t events_a_turn = 64;

  int timeout_milliseconds() const;
  void take_posted();

  const Clock& clock_;
  int epoll_ = -1, wake_ = -1;
  std::array<epoll_event, events_a_turn> events_;
  std::uint64_t turn_ = 0;
  SteadyTime now_;
  std::chrono::steady_clock::time_point woken_;
  SteadyTime timer_;
  TimerHandler* timer_handler_ = nullptr;
  std::vector<std::shared_ptr<const void>> ended_;
  bool stopping_ = false;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // under mutex_
};

}  // namespace understudy::server
