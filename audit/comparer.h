// The comparer: asks every address of each zone's primary what the mirror says, over and over, at a paced
// rate.
//
// Owned by main(); all of it runs on the sync thread. Our side is the real query pipeline, in process. A walk
// never holds a read transaction across a wait: it takes a batch of names, resets, and resumes by key.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "audit/comparison.h"
#include "backend/events.h"
#include "base/clock.h"

namespace understudy::audit {

struct CompareOptions {
  double queries_per_second = 50;  // to one address
  Seconds period{3600};            // a pass begins at most this often; the budget wins
  Seconds serial_period{30};       // how often each address is asked for its serial
  std::chrono::milliseconds timeout{2000};
  std::chrono::milliseconds confirm_after{5000};  // a mismatch is asked again after this, before it counts
};

struct CompareTarget {
  dns::Name zone;
  std::vector<net::Endpoint> addresses;  // none: everything stays unknown
};

class Comparer final : public backend::PublicationListener {
 public:
  Comparer(boost::asio::io_context& context, backend::Mirror& mirror, backend::ZoneTables& tables,
           const Clock& clock, CompareOptions options);
  ~Comparer() override;

  // Begins to compare these zones. Before the sync thread runs, or on it.
  Result<> start(std::vector<CompareTarget> targets);
  // After start(), on the sync thread: one zone more, or one fewer (nothing happens where it is not
  // compared).
  void add(CompareTarget target);
  void remove(dns::NameView zone);
  // On the sync thread: no further query is sent; running coroutines end.
  void stop();
  void published(const backend::ZoneEntry& zone, const backend::ZoneRow& row) override;

  std::vector<ZoneComparison> comparisons() const;
  std::optional<ZoneComparison> comparison(dns::NameView zone) const;

  // One pass over the zone against these addresses, as fast as `rate` a second allows; `done` is called once.
  // `progress` (may be empty): asked so far, in all.
  using Done = std::function<void(Result<ZoneComparison>)>;
  using Progress = std::function<void(std::uint64_t, std::uint64_t)>;
  void compare_once(dns::NameView zone, std::vector<net::Endpoint> addresses, double rate, Progress progress,
                    Done done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::audit
