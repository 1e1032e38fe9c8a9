#include "sync/scheduler.h"

#include <boost/asio/co_spawn.hpp>

#include "base/log.h"

namespace understudy::sync {

Scheduler::Scheduler(boost::asio::any_io_executor executor, const Clock& clock)
    : executor_(executor), clock_(clock), timer_(executor) {}

void Scheduler::add(std::shared_ptr<ZoneAgent> agent) { reschedule(agent); }

void Scheduler::push(const std::shared_ptr<ZoneAgent>& agent) {
  agent->ticket = ++last_ticket_;
  const SteadyTime due = agent->due();
  if (due != SteadyTime::max()) heap_.push({due, agent->ticket, agent});
}

void Scheduler::reschedule(const std::shared_ptr<ZoneAgent>& agent) {
  push(agent);
  arm();
}

void Scheduler::arm() {
  if (stopped_ || heap_.empty() || heap_.top().when >= armed_for_) return;
  armed_for_ = heap_.top().when;
  timer_.expires_at(armed_for_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // armed for an earlier time meanwhile
    armed_for_ = SteadyTime::max();
    run_due();
  });
}

void Scheduler::run_due() {
  const SteadyTime now = clock_.steady();
  while (!heap_.empty() && heap_.top().when <= now) {
    const Due due = heap_.top();
    heap_.pop();
    if (due.ticket != due.agent->ticket) continue;
    due.agent->tick();
    if (due.agent->scheduled) continue;  // under way: its end brings it back
    if (due.agent->check_due()) {
      due.agent->scheduled = true;
      ready_.push_back(due.agent);
    } else {
      push(due.agent);
    }
  }
  start_ready();
  arm();
}

void Scheduler::start_ready() {
  while (!stopped_ && under_way_ < limits::concurrent_refreshes && !ready_.empty()) {
    const std::shared_ptr<ZoneAgent> agent = ready_.front();
    ready_.pop_front();
    ++under_way_;
    agent->begin_cycle();
    push(agent);  // an expiry does not wait for a check that hangs
    auto cycle = agent->cycle();
    boost::asio::co_spawn(executor_, std::move(cycle), [this, agent](std::exception_ptr failure) {
      // Nothing throws by design; what does (no memory) must not end the other zones' service.
      if (failure) log::error("check-failed", {{"zone", dns::to_string(agent->settings().apex)}});
      --under_way_;
      agent->scheduled = false;
      push(agent);
      start_ready();
      arm();
    });
  }
}

void Scheduler::stop() {
  stopped_ = true;
  ready_.clear();
}

}  // namespace understudy::sync
