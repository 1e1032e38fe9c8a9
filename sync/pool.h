// A few threads for hard work that would hold up the sync thread: decoding, sorting, reading zone files.
//
// Owned by Sync. post() may be called from any thread. The queue is bounded by its callers: each zone under
// way has at most one job here, and there are at most limits::concurrent_refreshes of them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "sync/turns.h"

namespace understudy::sync {

class Pool {
 public:
  using Job = std::function<void()>;

  explicit Pool(unsigned threads, Turns turns = {});
  ~Pool() { stop(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // A job must not wait for the network, nor for another job. After stop() jobs are dropped.
  void post(Job job);
  // Lets running jobs end, drops the rest, joins.
  void stop();

 private:
  void work();

  const Turns turns_;  // instead of threads
  std::mutex mutex_;   // of jobs_ and stopping_
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace understudy::sync
