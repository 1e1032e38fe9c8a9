// Queries a second and response codes over the last half hour, for the page's plots.
//
// Lives on the HTTP thread, which reads the workers' counters every few seconds; costs the workers nothing.
// Bounded: `kept` samples.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>
#include <deque>

#include "control/rooms.h"

namespace understudy::control {

class Traffic {
 public:
  // Begins to sample as soon as `context` runs. `context` outlives this.
  Traffic(const server::Server& server, const Clock& clock, boost::asio::io_context& context);

  // {"step_seconds", "until", "queries": [q/s ...], "rcodes": {"NOERROR": [...], ...}}: the oldest first.
  boost::json::object report() const;
  // Reads the counters now; the timer does so by itself.
  void sample();

 private:
  static constexpr std::size_t kept = 360;
  static constexpr std::size_t classes = 5;  // NOERROR, NXDOMAIN, SERVFAIL, REFUSED and all others
  struct Counts {
    std::uint64_t queries = 0;
    std::array<std::uint64_t, classes> rcodes{};
  };
  struct Rates {
    double queries = 0;
    std::array<double, classes> rcodes{};
  };
  Counts read() const;
  void wait();

  const server::Server& server_;
  const Clock& clock_;
  boost::asio::steady_timer timer_;
  Counts last_;
  SteadyTime last_time_;
  UnixTime until_ = 0;
  std::deque<Rates> rates_;
};

}  // namespace understudy::control
