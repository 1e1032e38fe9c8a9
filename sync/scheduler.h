// The scheduler: which zone is looked after next. One timer and one heap for all zones; a coroutine only for
// those under way, at most limits::concurrent_refreshes of them.
//
// Sync thread, but for stop().
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <queue>

#include "sync/zone_agent.h"

namespace understudy::sync {

class Scheduler {
 public:
  Scheduler(boost::asio::any_io_executor executor, const Clock& clock);

  // From now on the agent is looked after.
  void add(std::shared_ptr<ZoneAgent> agent);
  // The agent's due() changed.
  void reschedule(const std::shared_ptr<ZoneAgent>& agent);
  // No further cycle begins.
  void stop();

 private:
  struct Due {
    SteadyTime when;
    std::uint64_t ticket;
    std::shared_ptr<ZoneAgent> agent;
    bool operator<(const Due& other) const { return when > other.when; }  // the earliest on top
  };
  void push(const std::shared_ptr<ZoneAgent>& agent);
  void arm();
  void run_due();
  void start_ready();

  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  boost::asio::steady_timer timer_;
  SteadyTime armed_for_ = SteadyTime::max();
  std::priority_queue<Due> heap_;  // entries whose ticket is not the agent's are stale
  std::deque<std::shared_ptr<ZoneAgent>> ready_;
  std::size_t under_way_ = 0;
  std::uint64_t last_ticket_ = 0;
  bool stopped_ = false;
};

}  // namespace understudy::sync
