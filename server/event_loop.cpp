#include "server/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace understudy::server {

EventLoop::~EventLoop() {
  if (epoll_ >= 0) ::close(epoll_);
  if (wake_ >= 0) ::close(wake_);
}

Result<> EventLoop::open() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // nobody's: that is how posted work is told from the rest
  if (epoll_ >= 0 && wake_ >= 0 && ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0) return {};
  return Error{"event-loop", std::string("cannot make a worker's event loop: ") + std::strerror(errno)};
}

bool EventLoop::watch(int fd, std::uint32_t events, EventHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventLoop::change(int fd, std::uint32_t events, EventHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::set_timer(SteadyTime when, TimerHandler& handler) {
  timer_ = when;
  timer_handler_ = &handler;
}

int EventLoop::timeout_milliseconds() const {
  if (timer_handler_ == nullptr) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(timer_ - clock_.steady()).count();
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left, 0, 3'600'000));
}

void EventLoop::run() {
  while (!stopping_) {
    const int ready =
        ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_milliseconds());
    woken_ = std::chrono::steady_clock::now();
    now_ = clock_.steady();
    ++turn_;
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events_[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        take_posted();
      } else {
        static_cast<EventHandler*>(event.data.ptr)->on_ready(event.events);
      }
    }
    if (timer_handler_ != nullptr && now_ >= timer_) std::exchange(timer_handler_, nullptr)->on_timer(now_);
    ended_.clear();
  }
  ended_.clear();
}

void EventLoop::stop() {
  post([this] { stopping_ = true; });
}

void EventLoop::post(std::function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);  // full: it is awake already
}

void EventLoop::take_posted() {
  std::uint64_t times;
  [[maybe_unused]] const ssize_t n = ::read(wake_, &times, sizeof times);
  std::vector<std::function<void()>> works;
  {
    const std::scoped_lock lock(mutex_);
    works.swap(posted_);
  }
  for (const auto& work : works) work();
}

}  // namespace understudy::server
