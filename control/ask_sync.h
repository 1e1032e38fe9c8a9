// A question from another thread's io_context to the sync thread, with a time limit: a stuck sync thread
// makes an answer late, never a caller wait for ever.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>

namespace understudy::control {

// `question` runs on the thread of `sync`; `done` runs once on the thread of `mine`, with nothing where the
// time ran out. `mine` outlives the run of `sync`. A question whose answer nobody waits for any more may
// still be asked, so it refers only to what lives as long as `sync`.
template <class T>
void ask_sync(boost::asio::io_context& mine, boost::asio::io_context& sync, std::chrono::milliseconds limit,
              std::function<T()> question, std::function<void(std::optional<T>)> done) {
  struct Call {
    boost::asio::steady_timer timer;
    std::function<void(std::optional<T>)> done;

    void finish(std::optional<T> answer) {
      if (!done) return;
      timer.cancel();
      std::exchange(done, nullptr)(std::move(answer));
    }
  };
  auto call = std::make_shared<Call>(Call{boost::asio::steady_timer(mine, limit), std::move(done)});
  call->timer.async_wait([call](boost::system::error_code) { call->finish(std::nullopt); });
  // Only the timer keeps the call alive: nothing of `mine` is left in the queue of `sync` when that is
  // destroyed.
  boost::asio::post(sync, [&mine, question = std::move(question), weak = std::weak_ptr<Call>(call)] {
    auto answer = std::make_shared<T>(question());
    boost::asio::post(mine, [weak, answer] {
      if (const auto waiting = weak.lock()) waiting->finish(std::move(*answer));
    });
  });
}

}  // namespace understudy::control
