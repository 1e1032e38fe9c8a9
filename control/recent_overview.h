// The overview as it was at most a moment ago, shared by all who look meanwhile: however many pages are open,
// and however often strangers ask, the sync thread is asked about twice a second at most.
//
// Belongs to one thread, that of `context`, which outlives it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "control/overview.h"

namespace understudy::control {

class RecentOverview {
 public:
  RecentOverview(const Rooms& rooms, Audience audience, boost::asio::io_context& context,
                 std::chrono::milliseconds limit)
      : rooms_(rooms), audience_(audience), context_(context), limit_(limit) {}

  // `done` is called once; with nullptr where the sync thread did not answer in time.
  using Done = std::function<void(std::shared_ptr<const Overview>)>;
  void get(Done done);

 private:
  const Rooms rooms_;
  const Audience audience_;
  boost::asio::io_context& context_;
  const std::chrono::milliseconds limit_;
  std::shared_ptr<const Overview> newest_;
  SteadyTime taken_{};
  std::vector<Done> waiting_;  // while a question is under way; as many as there are connections
};

}  // namespace understudy::control
