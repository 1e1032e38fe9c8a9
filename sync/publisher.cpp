#include "sync/publisher.h"

#include <malloc.h>

#include "base/log.h"
#include "dns/serial.h"

namespace understudy::sync {

Result<> ZoneBuild::record(const dns::RecordView& record) {
  octets_ += record.owner.size() + record.rdata.size() + 10;
  if (record.type == dns::RRType::SOA) return soa(record);
  const bool signature = record.type == dns::RRType::RRSIG, digest = record.type == dns::RRType::ZONEMD;
  has_signatures_ |= signature || digest;
  built_.breaks_signatures |=  // should it be raised
      digest || (signature && dns::RRType{dns::load16(record.rdata.data())} == dns::RRType::SOA);
  return builder_.add(record);
}

Result<> ZoneBuild::soa(const dns::RecordView& record) {
  built_.soa_rdata.assign(record.rdata.begin(), record.rdata.end());
  built_.soa_ttl = record.ttl;
  const dns::Serial theirs(dns::Soa::of(record.rdata).serial);
  built_.source_serial = theirs.value();
  raised_ = raise_serial_ && live_.generation != 0 && !theirs.is_newer_than(dns::Serial(live_.serial));
  if (raised_) dns::store32(built_.soa_rdata.data() + built_.soa_rdata.size() - 20, live_.serial + 1);
  return builder_.add({record.owner, record.type, record.ttl, built_.soa_rdata});
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
        store_.run<backend::Generation>([zone = live_.id](backend::Writer& w) { return w.begin(zone); });
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

// The first version of a zone: every node is new.
Result<> ZoneBuild::build() {
  std::uint64_t size = 0;
  const auto summary = builder_.finish([&](std::vector<backend::StoredNode> nodes) {
    for (const backend::StoredNode& node : nodes) size += node.key.size() + node.block.size();
    return put(std::move(nodes));
  });
  if (!summary) return summary.error();
  built_.summary = *summary;
  built_.content = is_bulk() ? backend::Content::generation : backend::Content::nodes;
  built_.change.added = summary->records;
  built_.change.zone_octets = size;
  return {};
}

Result<> ZoneBuild::build_beside_live() {
  const auto reader = mirror_.reader();
  if (!reader) return reader.error();
  backend::ZoneMerge merge(**reader, live_,
                           [this](std::vector<backend::StoredNode> nodes) { return put(std::move(nodes)); });
  const auto summary =
      builder_.finish([&](std::vector<backend::StoredNode> nodes) { return merge.add(std::move(nodes)); });
  if (!summary) return summary.error();
  Result<backend::MergedZone> merged = merge.finish();
  if (!merged) return merged.error();
  built_.summary = *summary;
  built_.change = std::move(merged->change);
  built_.content = merged->content;
  if (merged->content == backend::Content::patch) {
    built_.nodes = std::move(merged->nodes);
  } else if (!is_bulk()) {
    built_.content = backend::Content::nodes;
  }
  return {};
}

Result<BuiltZone> ZoneBuild::finish() {
  Result<> built = live_.generation == 0 ? build() : build_beside_live();
  const Result<> written = last_put();
  if (built && !written) built = written;
  if (!built) {
    if (built_.generation != 0) {
      store_.post([generation = built_.generation](backend::Writer& w) { (void)w.discard(generation); });
    }
    return built.error();
  }
  built_.has_signatures = has_signatures_;
  if (has_signatures_ && built_.change.how == backend::How::difference) {
    auto signatures = backend::signatures_in(built_.change);
    if (signatures) built_.signatures = std::move(*signatures);
  }
  built_.bulk = is_bulk();
  built_.base = live_.version;
  built_.breaks_signatures &= raised_;
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
  waiting_.erase(waiting_.begin());
}

void Publisher::discard(backend::Generation generation) {
  if (generation == 0) return;
  store_.post([generation](backend::Writer& writer) {
    const Result<> discarded = writer.discard(generation);
    if (!discarded) log::error("discard-failed", {{"message", discarded.error().message}});
  });
}

void Publisher::publish_bulk(Publication publication) {
  auto shared = std::make_shared<Publication>(std::move(publication));
  store_.post([shared](backend::Writer& writer) {
    std::vector<backend::NewVersion> versions;
    versions.push_back(std::move(shared->version));
    const Result<std::uint64_t> commit = writer.publish(versions);
    if (!commit) return shared->done(commit.error());
    shared->show(versions[0].row, *commit);
    shared->done(versions[0].row);
  });
}

backend::NewVersion Publisher::version_of(Order& order, BuiltZone& built) {
  const backend::BuildSummary& summary = built.summary;
  backend::ZoneRow row = order.live;
  row.generation = built.generation;
  row.version = std::max(order.live.version, order.standing.last) + 1;
  row.serial = summary.serial;
  row.records = summary.records;
  row.nodes = summary.nodes;
  row.digest = summary.digest;
  row.published = order.now;
  order.standing.last = row.version;
  built.change.source = std::move(order.source);
  return {
      dns::Name(order.entry->apex()), row,        order.timers,       built.content, std::move(built.nodes),
      std::move(built.change),        order.keep, order.live.version, order.standing};
}

boost::asio::awaitable<Result<backend::ZoneRow>> Publisher::publish(std::shared_ptr<backend::ZoneEntry> entry,
                                                                    backend::NewVersion version,
                                                                    bool of_source) {
  auto later = Later<Result<backend::ZoneRow>>::make(executor_);
  const bool alone =
      version.content == backend::Content::generation || version.content == backend::Content::held;
  Publication publication{std::move(entry), std::move(version),
                          [later](Result<backend::ZoneRow> r) { later->set(std::move(r)); }, of_source};
  if (alone) {
    publish_bulk(std::move(publication));
  } else {
    store_.publish(std::move(publication));
  }
  auto waiting = later->get();
  co_return co_await std::move(waiting);
}

boost::asio::awaitable<Result<backend::ZoneRow>> Publisher::publish(Order order,
                                                                    std::shared_ptr<BuiltZone> built) {
  order.standing.source_serial = built->source_serial;
  auto publishing = publish(order.entry, version_of(order, *built), order.of_source);
  const Result<backend::ZoneRow> published = co_await std::move(publishing);
  // A bulk build leaves tens of megabytes of freed nodes with the allocator; idle, a mirror needs few.
  if (built->bulk) store_.post([](backend::Writer&) { ::malloc_trim(0); });
  if (!published) discard(built->generation);
  co_return published;
}

boost::asio::awaitable<Result<backend::ZoneRow>> Publisher::publish_held(Order order,
                                                                         backend::HeldVersion held) {
  backend::ZoneRow row = order.live;
  row.version = held.row.version;
  row.serial = held.row.serial;
  row.records = held.row.records;
  row.nodes = held.row.nodes;
  row.digest = held.row.digest;
  row.published = order.now;
  order.standing.source_serial = held.source_serial;
  backend::NewVersion version{dns::Name(order.entry->apex()),
                              row,
                              order.timers,
                              backend::Content::held,
                              {},
                              {},
                              order.keep,
                              order.live.version,
                              order.standing};
  auto publishing = publish(order.entry, std::move(version), order.of_source);
  co_return co_await std::move(publishing);
}

boost::asio::awaitable<Result<backend::HeldVersion>> Publisher::hold(Order order,
                                                                     std::shared_ptr<BuiltZone> built,
                                                                     backend::HeldVersion why) {
  why.base = order.live.version;
  why.source_serial = built->source_serial;
  auto version = std::make_shared<backend::NewVersion>(version_of(order, *built));
  auto later = Later<Result<backend::HeldVersion>>::make(executor_);
  store_.post([later, version, why = std::move(why)](backend::Writer& writer) {
    later->set(writer.hold(*version, why));
  });
  auto waiting = later->get();
  const Result<backend::HeldVersion> held = co_await std::move(waiting);
  if (!held) discard(built->generation);
  co_return held;
}

}  // namespace understudy::sync
