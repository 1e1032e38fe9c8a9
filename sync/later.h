// A value that another thread makes and a coroutine of the sync thread waits for.
//
// set() may be called from any thread, once; get() on the sync thread, by one coroutine. Held by both sides,
// so neither outlives it. Dropped values (a job that never ran since we are stopping) leave the coroutine
// waiting: it goes with its io_context.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>

namespace understudy::sync {

template <class T>
class Later : public std::enable_shared_from_this<Later<T>> {
 public:
  static std::shared_ptr<Later> make(boost::asio::any_io_executor executor) {
    return std::make_shared<Later>(std::move(executor));
  }
  explicit Later(boost::asio::any_io_executor executor)
      : executor_(std::move(executor)), bell_(executor_, boost::asio::steady_timer::time_point::max()) {}

  void set(T value) {
    boost::asio::post(executor_, [self = this->shared_from_this(), value = std::move(value)]() mutable {
      self->value_.emplace(std::move(value));
      self->bell_.cancel();
    });
  }

  boost::asio::awaitable<T> get() {
    while (!value_) co_await bell_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return std::move(*value_);
  }

 private:
  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer bell_;
  std::optional<T> value_;
};

}  // namespace understudy::sync
