#include "sync/store_thread.h"

#include "base/log.h"
#include "base/priority.h"

namespace understudy::sync {
namespace {

// Published together: what a commit may bring, by weight and by number.
constexpr std::size_t batch_zones = 2000;

std::size_t weight(const backend::NewVersion& version) {
  std::size_t octets = 0;
  for (const backend::StoredNode& node : version.nodes) octets += node.key.size() + node.block.size();
  for (const auto& chunk : version.change.chunks) octets += chunk.size();
  return octets;
}

}  // namespace

void Publication::show(const backend::ZoneRow& row, std::uint64_t commit) const {
  entry->publish({row.generation, row.version}, commit);
  // Where the zone is expired or stale, an operator's version is so too.
  if (of_source || entry->service() == backend::Service::no_data)
    entry->set_service(backend::Service::serving);
}

StoreThread::StoreThread(backend::Writer& writer, Turns turns) : writer_(writer), turns_(std::move(turns)) {
  if (!turns_) thread_ = std::thread([this] { work(); });
}

void StoreThread::wake() {
  if (turns_) return turns_([this] { take_turn(); });
  wake_.notify_one();
}

// A step of what the thread would do.
void StoreThread::take_turn() {
  if (!do_work()) collect();
  if (garbage_) wake();
}

bool StoreThread::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    jobs_.push_back(std::move(job));
  }
  wake();
  return true;
}

void StoreThread::publish(Publication publication) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    publications_.push_back(std::move(publication));
  }
  wake();
}

// True where there is something in a queue; false where it is time to collect, or to end.
bool StoreThread::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto has_work = [this] { return stopping_ || !publications_.empty() || !jobs_.empty(); };
  if (!garbage_) wake_.wait(lock, has_work);
  if (publications_.empty() && jobs_.empty()) return false;
  return !garbage_ || std::chrono::steady_clock::now() - collected_ < std::chrono::seconds(1);
}

std::vector<Publication> StoreThread::take_batch() {
  std::vector<Publication> batch;
  std::size_t octets = 0;
  while (!publications_.empty() && batch.size() < batch_zones && octets < limits::commit_octets) {
    octets += weight(publications_.front().version);
    batch.push_back(std::move(publications_.front()));
    publications_.pop_front();
  }
  return batch;
}

void StoreThread::work() {
  stand_behind_queries();
  for (;;) {
    std::unique_lock lock(mutex_);
    const bool has_work = wait_for_work(lock);
    if (!has_work && stopping_ && publications_.empty() && jobs_.empty()) return;
    lock.unlock();
    if (!has_work || !do_work()) collect();
  }
}

// What is to be published, and one job; false where there was neither.
bool StoreThread::do_work() {
  std::vector<Publication> batch;
  Job job;
  {
    const std::lock_guard lock(mutex_);
    batch = take_batch();
    if (!jobs_.empty()) {
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
  }
  if (batch.empty() && !job) return false;
  if (!batch.empty()) publish_batch(std::move(batch));
  if (job) {
    job(writer_);
    garbage_ = true;  // it may have published or discarded: a look costs little
  }
  return true;
}

void StoreThread::publish_batch(std::vector<Publication> batch) {
  std::vector<backend::NewVersion> versions;
  versions.reserve(batch.size());
  for (Publication& publication : batch) versions.push_back(std::move(publication.version));
  const Result<std::uint64_t> commit = writer_.publish(versions);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!commit) {
      batch[i].done(commit.error());
      continue;
    }
    batch[i].show(versions[i].row, *commit);
    batch[i].done(versions[i].row);
  }
  garbage_ = true;
}

void StoreThread::collect() {
  const Result<bool> more = writer_.collect();
  if (!more)
    log::error("collect-failed", {{"reason", more.error().reason}, {"message", more.error().message}});
  garbage_ = more && *more;
  collected_ = std::chrono::steady_clock::now();
}

void StoreThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  while (turns_ && do_work()) {
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace understudy::sync
