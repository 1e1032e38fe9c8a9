// The comparer: asks every address of each zone's primary what the mirror says, over and over, at a paced
// rate.
//
// Owned by main(); all of it runs on the sync thread. Our side is the real query pipeline, in process. A walk
// never holds a read transaction across a wait: it takes a batch of names, resets, and resumes by key. How
// far passes came, and the evidence of what differs, is in the mirror and taken up after a restart.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "audit/expectation.h"
#include "backend/audit_row.h"
#include "backend/events.h"

namespace understudy::server {
class QuerySamples;
}

namespace understudy::audit {

struct CompareOptions {
  double queries_per_second = 50;  // to one address
  Seconds period{3600};            // a pass begins at most this often; the budget wins
  Seconds serial_period{30};       // how often each address is asked for its serial
  std::chrono::milliseconds timeout{2000};
  std::chrono::milliseconds confirm_after{5000};  // what differs is asked again for so long, before it counts
  ExpectationsPtr expectations = {};
  // What is to be kept in the mirror; called every `flush_period` and by stop(). None: nothing is kept.
  std::function<void(std::vector<backend::AuditRow>)> save = {};
  Seconds flush_period{10};
  // A zone's answers differ: its primary is worth a look, which no difference goes before. Calls `over` on
  // the sync thread, however it ended. Begins at most once in `refresh_period` for each zone. None: nothing
  // waits.
  std::function<void(const dns::Name& apex, std::function<void()> over)> refresh = {};
  Seconds refresh_period{5};
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
  // Before start(): where clients' queries are sampled; they outlive the comparer.
  void sample_from(std::vector<server::QuerySamples*> samples);
  // After start(), on the sync thread: one zone more, or one fewer (nothing happens where it is not
  // compared).
  void add(CompareTarget target);
  void remove(dns::NameView zone);
  // On the sync thread: another pace and period, and other differences that are expected. What is known
  // stays.
  void change(double queries_per_second, Seconds period, ExpectationsPtr expectations);
  // On the sync thread: no further query is sent; running coroutines end.
  void stop();
  void published(const backend::ZoneEntry& zone, const backend::ZoneRow& row) override;

  std::vector<ZoneComparison> comparisons() const;
  // The same one by one, for who keeps little of each.
  void visit(const std::function<void(const ZoneComparison&)>& look) const;
  std::optional<ZoneComparison> comparison(dns::NameView zone) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::audit
