// The store thread: the only one that calls the mirror's Writer.
//
// Owned by Sync; every method but stop() may be called from any thread. Versions that wait and are small are
// published together, in one commit. Jobs (parts of bulk builds and the like) run one at a time between those
// commits, and garbage is collected in small steps when there is nothing else, or once a second where there
// always is. Bounded by its callers: one publication or one job a zone under way.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "backend/zone_table.h"
#include "sync/reasons.h"
#include "sync/turns.h"

namespace understudy::sync {

// A version on its way; `done` is called on the store thread.
struct Publication {
  std::shared_ptr<backend::ZoneEntry> entry;
  backend::NewVersion version;
  std::function<void(Result<backend::ZoneRow>)> done;
  // A source has just delivered it; false: an operator's, which says nothing of how fresh the zone is.
  bool of_source = true;

  // Lets readers see it, after its commit. On the store thread.
  void show(const backend::ZoneRow& row, std::uint64_t commit) const;
};

class StoreThread {
 public:
  using Job = std::function<void(backend::Writer&)>;

  explicit StoreThread(backend::Writer& writer, Turns turns = {});
  ~StoreThread() { stop(); }
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  // False after stop().
  bool post(Job job);
  void publish(Publication publication);
  // Runs `call(writer)` there and waits for what it returns. Not for the sync thread while it runs, nor for
  // jobs.
  template <class T>
  Result<T> run(std::function<Result<T>(backend::Writer&)> call) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    std::future<Result<T>> future = promise->get_future();
    if (!post([promise, call = std::move(call)](backend::Writer& w) { promise->set_value(call(w)); })) {
      return Error{reason::stopping, "the store is being closed"};
    }
    while (turns_ && future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) take_turn();
    return future.get();
  }

  // Does what is queued, then ends and joins.
  void stop();

 private:
  void work();
  void wake();
  void take_turn();
  bool do_work();
  bool wait_for_work(std::unique_lock<std::mutex>& lock);
  std::vector<Publication> take_batch();
  void publish_batch(std::vector<Publication> batch);
  void collect();

  backend::Writer& writer_;
  const Turns turns_;  // instead of the thread
  std::mutex mutex_;   // of the queues and stopping_
  std::condition_variable wake_;
  std::deque<Publication> publications_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  bool garbage_ = true;  // store thread only: there may be some, from before the start too
  std::chrono::steady_clock::time_point collected_{};
  std::thread thread_;
};

}  // namespace understudy::sync
