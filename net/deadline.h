// A deadline for everything that is done with one socket: when it passes, the socket is closed and whatever
// waited for it ends with operation_aborted (Asio 1.26 has no cancel_after).
//
// Belongs to the coroutine that owns the socket; all of it on that io_context's one thread. The socket is
// used no more once passed() is true (it is closed). Must not outlive the socket.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

namespace understudy::net {

template <class Socket>
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  // Closes `socket` after `total`, or as soon as touch() was not called for `progress`.
  Deadline(Socket& socket, std::chrono::milliseconds total, std::chrono::milliseconds progress)
      : state_(std::make_shared<State>(socket, total, progress)) {
    State::arm(state_);
  }
  Deadline(Socket& socket, std::chrono::milliseconds total) : Deadline(socket, total, total) {}
  ~Deadline() {
    state_->socket = nullptr;
    state_->timer.cancel();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // Progress was made. No system call: the timer finds out when it fires.
  void touch() { state_->touched = Clock::now(); }
  bool passed() const { return state_->passed; }

 private:
  // Shared with the timer's handler, which may be queued already when the deadline goes.
  struct State {
    State(Socket& s, std::chrono::milliseconds total, std::chrono::milliseconds progress_limit)
        : socket(&s),
          timer(s.get_executor()),
          touched(Clock::now()),
          end(touched + total),
          progress(progress_limit) {}
    Clock::time_point due() const { return std::min(end, touched + progress); }
    static void arm(const std::shared_ptr<State>& self) {
      self->timer.expires_at(self->due());
      self->timer.async_wait([self](const boost::system::error_code&) { self->fired(self); });
    }
    static void fired(const std::shared_ptr<State>& self) {
      if (self->socket == nullptr) return;
      if (Clock::now() < self->due()) return arm(self);
      self->passed = true;
      boost::system::error_code ignored;
      self->socket->close(ignored);
    }

    Socket* socket;
    boost::asio::steady_timer timer;
    Clock::time_point touched, end;
    std::chrono::milliseconds progress;
    bool passed = false;
  };

  std::shared_ptr<State> state_;
};

}  // namespace understudy::net
