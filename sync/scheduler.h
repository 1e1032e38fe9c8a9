// The scheduler: which zone is looked after next. One timer and one heap for all zones; a coroutine only for
// those under way, at most limits::concurrent_refreshes of them.
//
// Zones of one primary wait in a lane of their own, and a lane may start another zone only while it has fewer
// under way than there are places free: so one dead or dripping primary takes at most half of the places, a
// second one half of the rest, and there is always a place for the zones of a healthy one (and for files).
//
// Sync thread, but for stop().
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <queue>

#include "sync/zone_agent.h"

namespace understudy::sync {

class Scheduler {
 public:
  Scheduler(boost::asio::any_io_executor executor, const Clock& clock);

  // From now on the agent is looked after.
  void add(std::shared_ptr<ZoneAgent> agent);
  // The agent's due() changed, or it retired.
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
  struct Lane {
    std::deque<std::shared_ptr<ZoneAgent>> ready;
    std::size_t under_way = 0;
  };
  void push(const std::shared_ptr<ZoneAgent>& agent);
  void queue(const std::shared_ptr<ZoneAgent>& agent);
  void start(Lane& lane);
  void arm();
  void run_due();
  void start_ready();

  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  boost::asio::steady_timer timer_;
  SteadyTime armed_for_ = SteadyTime::max();
  std::priority_queue<Due> heap_;      // entries whose ticket is not the agent's are stale
  std::map<std::string, Lane> lanes_;  // by the first source's primary
  std::deque<Lane*> waiting_;          // those with ready zones, taking turns
  std::size_t under_way_ = 0;
  std::uint64_t last_ticket_ = 0;
  bool stopped_ = false;
};

}  // namespace understudy::sync
