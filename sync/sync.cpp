#include "sync/sync.h"

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "sync/zone_changes.h"

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

}  // namespace

struct Sync::Impl {
  Impl(boost::asio::io_context& io, backend::Mirror& m, backend::ZoneTables& t, const Clock& c, SyncOptions o)
      : executor(io.get_executor()),
        mirror(m),
        clock(c),
        options(std::move(o)),
        keys(options.keys ? options.keys : std::make_shared<const dns::TsigKeyRing>()),
        pool(options.pool_threads, options.turns),
        store(m.writer(), options.turns),
        gate(executor),
        publisher(store, executor),
        notify_sender(executor, clock),
        workshop{executor,
                 clock,
                 options.data_directory,
                 mirror,
                 pool,
                 store,
                 publisher,
                 gate,
                 health,
                 notify_sender,
                 *keys,
                 options.tls,
                 tallies,
                 listeners,
                 [this](backend::ZoneId zone, const backend::TimerRow& row) { dirty_timers[zone] = row; },
                 [this](const std::shared_ptr<ZoneAgent>& agent) { scheduler.reschedule(agent); }},
        scheduler(executor, c),
        roster(workshop, t),
        changes(workshop, m, roster, scheduler, dirty_timers),
        flush_timer(io),
        file_timer(io) {}

  Result<> start(std::vector<ZoneSettings> zones);
  Result<> enter(std::vector<ZoneSettings> zones);
  void flush_later();
  void flush();
  void look_at_files_later();
  void files_seen(const std::vector<backend::ZoneId>& changed);
  void take_notices();
  void want(dns::NameView apex, bool whole, Done done);
  void order(dns::NameView apex, ZoneAgent::Order order, backend::Version version, bool force, Done done);
  void stop();

  boost::asio::any_io_executor executor;
  backend::Mirror& mirror;
  const Clock& clock;
  const SyncOptions options;
  const dns::TsigKeyRingPtr keys;
  Pool pool;
  StoreThread store;
  BulkGate gate;
  Publisher publisher;
  PrimaryHealth health;
  NotifySender notify_sender;
  Tallies tallies;
  std::vector<backend::PublicationListener*> listeners;
  Roster::Timers dirty_timers;
  Workshop workshop;
  Scheduler scheduler;
  Roster roster;
  ZoneChanges changes;
  boost::asio::steady_timer flush_timer, file_timer;

  std::mutex notices_mutex;  // of what follows: workers add, the sync thread takes all
  std::vector<Notice> notices;
  std::uint64_t notices_dropped = 0;
};

Result<> Sync::Impl::start(std::vector<ZoneSettings> zones) {
  if (Result<> entered = enter(std::move(zones)); !entered) return entered;
  roster.publish_table();
  for (const auto& agent : roster.agents()) scheduler.add(agent);
  flush_later();
  look_at_files_later();
  return changes.start();
}

Result<> Sync::Impl::enter(std::vector<ZoneSettings> zones) {
  std::vector<dns::Name> apexes;
  apexes.reserve(zones.size());
  for (const ZoneSettings& zone : zones) apexes.push_back(zone.apex);
  const auto rows =
      store.run<std::vector<backend::ZoneRow>>([&apexes, now = clock.wall()](backend::Writer& writer) {
        return note_all_served(writer, apexes, now);
      });
  if (!rows) return rows.error();
  const Result<std::unique_ptr<backend::Reader>> reader = mirror.reader();
  if (!reader) return reader.error();
  const Result<std::uint64_t> commit = (*reader)->renew();
  if (!commit) return commit.error();
  roster.enter(std::move(zones), *rows, **reader, *commit, dirty_timers);
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

void Sync::save_audit(std::vector<backend::AuditRow> rows) {
  impl_->store.post([rows = std::move(rows)](backend::Writer& writer) {
    const Result<> saved = writer.save_audit(rows);
    if (!saved)
      log::error("comparison-not-saved",
                 {{"reason", saved.error().reason}, {"message", saved.error().message}});
  });
}

void Sync::Impl::look_at_files_later() {
  file_timer.expires_after(file_period);
  file_timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    std::vector<std::pair<backend::ZoneId, FileState>> watched = roster.files();
    if (watched.empty()) return look_at_files_later();
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
    const auto agent = roster.find(zone);
    if (!agent) continue;  // removed meanwhile
    agent->want_check({});
    scheduler.reschedule(agent);
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
    const auto agent = roster.find(notice.zone);
    if (!agent) continue;
    agent->notified(notice.from, notice.serial);
    scheduler.reschedule(agent);
  }
}

void Sync::Impl::want(dns::NameView apex, bool whole, Done done) {
  ZoneAgent* agent = roster.find(apex);
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

void Sync::Impl::order(dns::NameView apex, ZoneAgent::Order order, backend::Version version, bool force,
                       Done done) {
  ZoneAgent* agent = roster.find(apex);
  if (agent == nullptr) {
    return done(Error{reason::no_source, dns::to_string(apex) + " is no zone of this server"});
  }
  agent->order(order, version, force, std::move(done));
}

void Sync::Impl::stop() {
  scheduler.stop();
  flush_timer.cancel();
  file_timer.cancel();
  changes.stop();
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

void Sync::hold(dns::NameView apex, Done done) {
  impl_->order(apex, ZoneAgent::Order::hold, 0, false, std::move(done));
}

void Sync::accept(dns::NameView apex, backend::Version version, Done done) {
  impl_->order(apex, ZoneAgent::Order::accept, version, false, std::move(done));
}

void Sync::rollback(dns::NameView apex, backend::Version version, bool force, Done done) {
  impl_->order(apex, ZoneAgent::Order::rollback, version, force, std::move(done));
}

void Sync::resume(dns::NameView apex, Done done) {
  impl_->order(apex, ZoneAgent::Order::resume, 0, false, std::move(done));
}

void Sync::add(ZoneSettings settings, backend::ZoneOptions options, Done done) {
  impl_->changes.add(std::move(settings), std::move(options), std::move(done));
}

void Sync::remove(dns::NameView apex, Done done) { impl_->changes.remove(apex, std::move(done)); }

void Sync::reload(std::vector<ZoneSettings> zones, ReloadDone done) {
  impl_->changes.reload(std::move(zones), std::move(done));
}

std::vector<UnservedStatus> Sync::unserved() const { return impl_->changes.unserved(); }

std::vector<ZoneStatus> Sync::statuses() const {
  std::vector<ZoneStatus> all;
  all.reserve(impl_->roster.agents().size());
  for (const auto& agent : impl_->roster.agents()) all.push_back(agent->status());
  return all;
}

std::optional<ZoneStatus> Sync::status(dns::NameView apex) const {
  const ZoneAgent* agent = impl_->roster.find(apex);
  if (agent == nullptr) return std::nullopt;
  return agent->status();
}

SyncTotals Sync::totals() const {
  SyncTotals totals;
  const Tallies& tallies = impl_->tallies;
  for (const auto& [key, count] : tallies.transfers_in) {
    totals.transfers_in.push_back({key.first, "tcp", key.second, count});
  }
  totals.transfer_fallbacks.assign(tallies.transfer_fallbacks.begin(), tallies.transfer_fallbacks.end());
  totals.transfer_durations_sum_count = {tallies.transfer_seconds,
                                         static_cast<double>(tallies.transfers_timed)};
  totals.notify_received.assign(tallies.notify_received.begin(), tallies.notify_received.end());
  totals.versions_held.assign(tallies.versions_held.begin(), tallies.versions_held.end());
  totals.notify_sent.assign(impl_->notify_sender.counts().begin(), impl_->notify_sender.counts().end());
  return totals;
}

bool Sync::all_tried() const {
  const auto& agents = impl_->roster.agents();
  return std::all_of(agents.begin(), agents.end(), [](const auto& agent) { return agent->tried(); });
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
