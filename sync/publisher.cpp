#include "sync/publisher.h"

#include <malloc.h>

#include "base/log.h"
#include "dns/serial.h"

namespace understudy::sync {

Result<> ZoneBuild::record(const dns::RecordView& record) {
  octets_ += record.owner.size() + record.rdata.size() + 10;
  if (record.type == dns::RRType::SOA) {
    built_.soa_rdata.assign(record.rdata.begin(), record.rdata.end());
    built_.soa_ttl = record.ttl;
  }
  return builder_.add(record);
}

Result<> ZoneBuild::last_put() { return putting_.valid() ? putting_.get() : Result<>(); }

Result<> ZoneBuild::put(std::vector<backend::StoredNode> nodes) {
  if (!is_bulk()) {
    built_.nodes.insert(built_.nodes.end(), std::make_move_iterator(nodes.begin()),
                        std::make_move_iterator(nodes.end()));
    return {};
  }
  if (built_.generation == 0) {
    const auto begun =
        store_.run<backend::Generation>([zone = zone_](backend::Writer& w) { return w.begin(zone); });
    if (!begun) return begun.error();
    built_.generation = *begun;
  }
  if (Result<> before = last_put(); !before) return before;
  auto promise = std::make_shared<std::promise<Result<>>>();
  auto batch = std::make_shared<std::vector<backend::StoredNode>>(std::move(nodes));
  putting_ = promise->get_future();
  const bool taken = store_.post([promise, batch, generation = built_.generation](backend::Writer& w) {
    promise->set_value(w.put(generation, *batch));
  });
  if (!taken) promise->set_value(Error{reason::stopping, "the store is being closed"});
  return {};
}

Result<BuiltZone> ZoneBuild::finish() {
  Result<backend::BuildSummary> summary =
      builder_.finish([this](std::vector<backend::StoredNode> nodes) { return put(std::move(nodes)); });
  Result<> written = last_put();
  if (summary && !written) summary = written.error();
  if (!summary) {
    if (built_.generation != 0) {
      store_.post([generation = built_.generation](backend::Writer& w) { (void)w.discard(generation); });
    }
    return std::move(summary).error();
  }
  built_.summary = *summary;
  return std::move(built_);
}

boost::asio::awaitable<void> BulkGate::enter() {
  if (!taken_) {
    taken_ = true;
    co_return;
  }
  auto turn = Later<bool>::make(executor_);
  waiting_.push_back(turn);
  co_await turn->get();
}

void BulkGate::leave() {
  taken_ = !waiting_.empty();
  if (!taken_) return;
  waiting_.front()->set(true);
  waiting_.pop_front();
}

void Publisher::discard(backend::Generation generation) {
  if (generation == 0) return;
  store_.post([generation](backend::Writer& writer) {
    const Result<> discarded = writer.discard(generation);
    if (!discarded) log::error("discard-failed", {{"message", discarded.error().message}});
  });
}

void Publisher::publish_bulk(const Order& order, const backend::ZoneRow& row,
                             std::function<void(Result<backend::ZoneRow>)> done) {
  store_.post(
      [entry = order.entry, timers = order.timers, row, done = std::move(done)](backend::Writer& writer) {
        const Result<std::uint64_t> commit = writer.publish(entry->apex(), row, timers);
        if (!commit) return done(commit.error());
        entry->publish({row.generation, row.version}, *commit);
        entry->set_service(backend::Service::serving);
        done(row);
        // A bulk build leaves tens of megabytes of freed nodes with the allocator; idle, a mirror needs few.
        ::malloc_trim(0);
      });
}

boost::asio::awaitable<Result<Published>> Publisher::publish(Order order, std::shared_ptr<BuiltZone> built) {
  const backend::BuildSummary& summary = built->summary;
  const backend::ZoneRow& live = order.live;
  const bool first = live.generation == 0;
  const dns::Serial serial(summary.serial), live_serial(live.serial);
  if (!first && serial == live_serial && summary.digest == live.digest) {
    discard(built->generation);
    co_return Published{live, false};
  }
  if (!first && !order.any_serial && serial != live_serial && !serial.is_newer_than(live_serial)) {
    discard(built->generation);
    co_return Error{reason::serial_backwards, "serial " + std::to_string(summary.serial) + " came, but " +
                                                  std::to_string(live.serial) +
                                                  " is served: retransfer to take it"};
  }
  backend::ZoneRow row = live;
  row.generation = built->generation;
  row.version = live.version + 1;
  row.serial = summary.serial;
  row.records = summary.records;
  row.nodes = summary.nodes;
  row.digest = summary.digest;
  row.published = order.now;
  auto later = Later<Result<backend::ZoneRow>>::make(executor_);
  std::function<void(Result<backend::ZoneRow>)> done = [later](Result<backend::ZoneRow> r) {
    later->set(std::move(r));
  };
  if (built->generation != 0) {
    publish_bulk(order, row, std::move(done));
  } else {
    store_.publish(
        {order.entry, {order.entry->apex(), row, order.timers, std::move(built->nodes)}, std::move(done)});
  }
  auto waiting = later->get();
  const Result<backend::ZoneRow> published = co_await std::move(waiting);
  if (!published) {
    discard(built->generation);
    co_return published.error();
  }
  co_return Published{*published, true};
}

}  // namespace understudy::sync
