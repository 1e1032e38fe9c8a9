#include "sync/sync.h"

#include <boost/asio/post.hpp>
#include <unordered_map>

#include "base/log.h"
#include "sync/scheduler.h"

namespace understudy::sync {
namespace {

constexpr Seconds flush_period{5};  // timer rows to the mirror
constexpr Seconds file_period{1};   // looks at zone files
constexpr std::size_t notify_backlog =
    1 << 16;  // NOTIFY that workers handed over and the sync thread has not seen yet

struct Notice {
  backend::ZoneId zone;
  boost::asio::ip::address from;
  std::optional<std::uint32_t> serial;
};

std::optional<dns::Soa> soa_of(backend::Reader& reader, const dns::Name& apex, const backend::ZoneRow& row) {
  if (row.generation == 0) return std::nullopt;
  dns::NameKey key(apex);
  backend::FoundNode found;
  if (!reader.find_exact(row.generation, key, key.size(), found)) return std::nullopt;
  const std::optional<backend::RRsetView> rrset = found.node.find(dns::RRType::SOA);
  if (!rrset || rrset->size() == 0) return std::nullopt;
  return dns::Soa::of(rrset->expand(apex).front());
}

backend::ZonePolicy policy_of(const ZoneSettings& settings) {
  backend::ZonePolicy policy{settings.allow_transfer, settings.allow_notify};
  for (const SourceSpec& source : settings.sources) {
    if (const auto* axfr = std::get_if<AxfrSource>(&source))
      policy.allow_notify.emplace_back(axfr->primary.address);
  }
  return policy;
}

}  // namespace

struct Sync::Impl {
  Impl(boost::asio::io_context& io, backend::Mirror& m, backend::ZoneTables& t, const Clock& c, SyncOptions o)
      : executor(io.get_executor()),
        mirror(m),
        tables(t),
        clock(c),
        options(std::move(o)),
        pool(options.pool_threads),
        store(m.writer()),
        gate(executor),
        publisher(store, executor),
        notify_sender(executor),
        workshop{executor,
                 clock,
                 options.data_directory,
                 pool,
                 store,
                 publisher,
                 gate,
                 health,
                 notify_sender,
                 tallies,
                 listeners,
                 [this](backend::ZoneId zone, const backend::TimerRow& row) { dirty_timers[zone] = row; }},
        scheduler(executor, c),
        flush_timer(io),
        file_timer(io) {}

  Result<> start(std::vector<ZoneSettings> zones);
  Result<> add_zones(std::vector<ZoneSettings> zones, const std::vector<backend::ZoneRow>& rows);
  void flush_later();
  void flush();
  void look_at_files_later();
  void files_seen(const std::vector<backend::ZoneId>& changed);
  void take_notices();
  ZoneAgent* find(dns::NameView apex) const;
  void want(dns::NameView apex, bool whole, Done done);
  void stop();

  boost::asio::any_io_executor executor;
  backend::Mirror& mirror;
  backend::ZoneTables& tables;
  const Clock& clock;
  const SyncOptions options;
  Pool pool;
  StoreThread store;
  BulkGate gate;
  Publisher publisher;
  PrimaryHealth health;
  NotifySender notify_sender;
  Tallies tallies;
  std::vector<backend::PublicationListener*> listeners;
  std::unordered_map<backend::ZoneId, backend::TimerRow> dirty_timers;
  Workshop workshop;
  Scheduler scheduler;
  std::unordered_map<backend::ZoneId, std::shared_ptr<ZoneAgent>> by_id;
  std::vector<std::shared_ptr<ZoneAgent>> agents;      // in the order of the configuration
  std::unordered_map<std::string, ZoneAgent*> by_key;  // name key of the apex
  std::vector<std::shared_ptr<ZoneAgent>> file_agents;
  boost::asio::steady_timer flush_timer, file_timer;

  std::mutex notices_mutex;  // of what follows: workers add, the sync thread takes all
  std::vector<Notice> notices;
  std::uint64_t notices_dropped = 0;
};

namespace {
std::string key_of(dns::NameView apex) {
  const dns::NameKey key(apex);
  return std::string(key.data(), key.data() + key.size());
}
}  // namespace

Result<> Sync::Impl::start(std::vector<ZoneSettings> zones) {
  std::vector<dns::Name> apexes;
  apexes.reserve(zones.size());
  for (const ZoneSettings& zone : zones) apexes.push_back(zone.apex);
  const auto rows = store.run<std::vector<backend::ZoneRow>>(
      [&apexes](backend::Writer& writer) { return writer.ensure_zones(apexes); });
  if (!rows) return rows.error();
  if (Result<> added = add_zones(std::move(zones), *rows); !added) return added;
  std::vector<std::shared_ptr<backend::ZoneEntry>> entries;
  for (const auto& agent : agents) entries.push_back(agent->shared_entry());
  tables.swap(std::make_unique<backend::ZoneTable>(std::move(entries)));
  for (const auto& agent : agents) scheduler.add(agent);
  flush_later();
  if (!file_agents.empty()) look_at_files_later();
  return {};
}

Result<> Sync::Impl::add_zones(std::vector<ZoneSettings> zones, const std::vector<backend::ZoneRow>& rows) {
  const Result<std::unique_ptr<backend::Reader>> reader = mirror.reader();
  if (!reader) return reader.error();
  const Result<std::uint64_t> commit = (*reader)->renew();
  if (!commit) return commit.error();
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const backend::ZoneRow& row = rows[i];
    auto entry = std::make_shared<backend::ZoneEntry>(zones[i].apex, row.id, policy_of(zones[i]));
    // No reader knows the entry yet, so that this is as good as the store thread.
    if (row.generation != 0) entry->publish({row.generation, row.version}, *commit);
    auto agent = std::make_shared<ZoneAgent>(workshop, std::move(zones[i]), std::move(entry));
    const dns::Name& apex = agent->settings().apex;
    agent->start(row, soa_of(**reader, apex, row), (*reader)->timers(row.id).value_or(backend::TimerRow{}));
    by_id[row.id] = agent;
    by_key[key_of(apex)] = agent.get();
    const std::vector<SourceSpec>& sources = agent->settings().sources;
    if (std::any_of(sources.begin(), sources.end(),
                    [](const SourceSpec& source) { return std::holds_alternative<FileSource>(source); })) {
      file_agents.push_back(agent);
    }
    agents.push_back(std::move(agent));
  }
  return {};
}

void Sync::Impl::flush_later() {
  flush_timer.expires_after(flush_period);
  flush_timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    flush();
    flush_later();
  });
}

// A check is no durable commit: what timers became goes to the mirror every few seconds, all zones at once.
void Sync::Impl::flush() {
  if (dirty_timers.empty()) return;
  std::vector<std::pair<backend::ZoneId, backend::TimerRow>> rows(dirty_timers.begin(), dirty_timers.end());
  dirty_timers.clear();
  store.post([rows = std::move(rows)](backend::Writer& writer) {
    const Result<> saved = writer.save_timers(rows);
    if (!saved)
      log::error("timers-not-saved", {{"reason", saved.error().reason}, {"message", saved.error().message}});
  });
}

void Sync::Impl::look_at_files_later() {
  file_timer.expires_after(file_period);
  file_timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    std::vector<std::pair<backend::ZoneId, FileState>> watched;
    for (const auto& agent : file_agents) {
      if (const FileState* state = agent->file_to_watch())
        watched.emplace_back(agent->shared_entry()->id(), *state);
    }
    // One job for all of them; the next look is only after it, so that a disk that hangs gathers no jobs.
    pool.post([this, watched = std::move(watched)] {
      std::vector<backend::ZoneId> changed;
      for (const auto& [zone, state] : watched) {
        if (has_changed(state)) changed.push_back(zone);
      }
      boost::asio::post(executor, [this, changed = std::move(changed)] { files_seen(changed); });
    });
  });
}

void Sync::Impl::files_seen(const std::vector<backend::ZoneId>& changed) {
  for (const backend::ZoneId zone : changed) {
    by_id[zone]->want_check({});
    scheduler.reschedule(by_id[zone]);
  }
  look_at_files_later();
}

void Sync::Impl::take_notices() {
  std::vector<Notice> taken;
  std::uint64_t dropped = 0;
  {
    const std::lock_guard lock(notices_mutex);
    taken.swap(notices);
    dropped = std::exchange(notices_dropped, 0);
  }
  if (dropped != 0) tallies.notify_received["dropped"] += dropped;
  for (const Notice& notice : taken) {
    const auto found = by_id.find(notice.zone);
    if (found == by_id.end()) continue;
    found->second->notified(notice.from, notice.serial);
    scheduler.reschedule(found->second);
  }
}

ZoneAgent* Sync::Impl::find(dns::NameView apex) const {
  const auto found = by_key.find(key_of(apex));
  return found == by_key.end() ? nullptr : found->second;
}

void Sync::Impl::want(dns::NameView apex, bool whole, Done done) {
  ZoneAgent* agent = find(apex);
  if (agent == nullptr) {
    return done(Error{reason::no_source, dns::to_string(apex) + " is no zone of this server"});
  }
  if (whole) {
    agent->want_transfer(std::move(done));
  } else {
    agent->want_check(std::move(done));
  }
  scheduler.reschedule(agent->shared_from_this());
}

void Sync::Impl::stop() {
  scheduler.stop();
  flush_timer.cancel();
  file_timer.cancel();
  pool.stop();
  flush();
  store.stop();
}

Sync::Sync(boost::asio::io_context& context, backend::Mirror& mirror, backend::ZoneTables& tables,
           const Clock& clock, SyncOptions options)
    : impl_(std::make_unique<Impl>(context, mirror, tables, clock, std::move(options))) {}

Sync::~Sync() { stop(); }

void Sync::add_listener(backend::PublicationListener& listener) { impl_->listeners.push_back(&listener); }

Result<> Sync::start(std::vector<ZoneSettings> zones) { return impl_->start(std::move(zones)); }

void Sync::stop() { impl_->stop(); }

void Sync::refresh(dns::NameView apex, Done done) { impl_->want(apex, false, std::move(done)); }

void Sync::retransfer(dns::NameView apex, Done done) { impl_->want(apex, true, std::move(done)); }

std::vector<ZoneStatus> Sync::statuses() const {
  std::vector<ZoneStatus> all;
  all.reserve(impl_->agents.size());
  for (const auto& agent : impl_->agents) all.push_back(agent->status());
  return all;
}

std::optional<ZoneStatus> Sync::status(dns::NameView apex) const {
  const ZoneAgent* agent = impl_->find(apex);
  if (agent == nullptr) return std::nullopt;
  return agent->status();
}

SyncTotals Sync::totals() const {
  SyncTotals totals;
  const Tallies& tallies = impl_->tallies;
  for (const auto& [result, count] : tallies.transfers_in) {
    totals.transfers_in.push_back({"axfr", "tcp", result, count});
  }
  totals.transfer_durations_sum_count = {tallies.transfer_seconds,
                                         static_cast<double>(tallies.transfers_timed)};
  totals.notify_received.assign(tallies.notify_received.begin(), tallies.notify_received.end());
  totals.notify_sent.assign(impl_->notify_sender.counts().begin(), impl_->notify_sender.counts().end());
  return totals;
}

bool Sync::all_tried() const {
  return std::all_of(impl_->agents.begin(), impl_->agents.end(),
                     [](const auto& agent) { return agent->tried(); });
}

void Sync::notified(const backend::ZoneEntry& zone, const boost::asio::ip::address& from,
                    std::optional<std::uint32_t> serial) {
  bool wake = false;
  {
    const std::lock_guard lock(impl_->notices_mutex);
    if (impl_->notices.size() >= notify_backlog) {
      ++impl_->notices_dropped;
      return;
    }
    wake = impl_->notices.empty();
    impl_->notices.push_back({zone.id(), from, serial});
  }
  if (wake) boost::asio::post(impl_->executor, [impl = impl_.get()] { impl->take_notices(); });
}

}  // namespace understudy::sync
