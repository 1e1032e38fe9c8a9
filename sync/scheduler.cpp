#include "sync/scheduler.h"

#include <boost/asio/co_spawn.hpp>

#include "base/log.h"

namespace understudy::sync {
namespace {

// Which zones wait for one another: those whose first source is the same primary, and all files together.
std::string lane_of(const SharedSettings& settings) {
  if (settings.sources.empty()) return {};
  const auto* axfr = std::get_if<AxfrSource>(&settings.sources.front());
  return axfr == nullptr ? std::string() : net::to_string(axfr->primary);
}

}  // namespace

Scheduler::Scheduler(boost::asio::any_io_executor executor, const Clock& clock)
    : executor_(executor), clock_(clock), timer_(executor) {}

void Scheduler::add(std::shared_ptr<ZoneAgent> agent) { reschedule(agent); }

void Scheduler::push(const std::shared_ptr<ZoneAgent>& agent) {
  agent->ticket = ++last_ticket_;
  const SteadyTime due = agent->retired() ? SteadyTime::max() : agent->due();
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
      queue(due.agent);
    } else {
      push(due.agent);
    }
  }
  start_ready();
  arm();
}

void Scheduler::queue(const std::shared_ptr<ZoneAgent>& agent) {
  Lane& lane = lanes_[lane_of(agent->settings())];
  if (lane.ready.empty()) waiting_.push_back(&lane);
  lane.ready.push_back(agent);
}

void Scheduler::start_ready() {
  // Lanes that may not start hold at least as many places as are free, so that few of them are passed over
  // here.
  for (std::size_t passed = 0; !stopped_ && passed < waiting_.size();) {
    const std::size_t free = limits::concurrent_refreshes - under_way_;
    if (free == 0) return;
    Lane& lane = *waiting_.front();
    waiting_.pop_front();
    if (lane.under_way < free) {
      start(lane);
      passed = 0;
    } else {
      ++passed;
    }
    if (!lane.ready.empty()) waiting_.push_back(&lane);
  }
}

void Scheduler::start(Lane& lane) {
  const std::shared_ptr<ZoneAgent> agent = lane.ready.front();
  lane.ready.pop_front();
  ++under_way_;
  ++lane.under_way;
  agent->begin_cycle();
  push(agent);  // an expiry does not wait for a check that hangs
  auto cycle = agent->cycle();
  boost::asio::co_spawn(executor_, std::move(cycle), [this, agent, &lane](std::exception_ptr failure) {
    // Nothing throws by design; what does (no memory) must not end the other zones' service.
    if (failure) log::error("check-failed", {{"zone", dns::to_string(agent->apex())}});
    --under_way_;
    --lane.under_way;
    agent->scheduled = false;
    push(agent);
    start_ready();
    arm();
  });
}

void Scheduler::stop() {
  stopped_ = true;
  waiting_.clear();
}

}  // namespace understudy::sync
