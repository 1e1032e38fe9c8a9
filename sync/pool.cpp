#include "sync/pool.h"

#include <algorithm>

#include "base/priority.h"

namespace understudy::sync {

Pool::Pool(unsigned threads, Turns turns) : turns_(std::move(turns)) {
  if (turns_) return;
  for (unsigned i = 0; i < std::max(1u, threads); ++i) threads_.emplace_back([this] { work(); });
}

void Pool::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (turns_) return turns_(std::move(job));
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Pool::work() {
  stand_behind_queries();
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

void Pool::stop() {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(jobs_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace understudy::sync
