#include "sync/sync.h"

#include <malloc.h>

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "sync/catalogs.h"

namespace understudy::sync {
namespace {

constexpr Seconds flush_period{5};  // timer rows to the mirror
constexpr Seconds file_period{1};   // looks at zone files
constexpr std::size_t many_checks = 1'000;
constexpr std::size_t notify_backlog =
    1 << 16;  // NOTIFY that workers handed over and the sync thread has not seen yet

Credentials with_ring(Credentials credentials) {
  if (!credentials.keys) credentials.keys = std::make_shared<const dns::TsigKeyRing>();
  return credentials;
}

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
        pool(options.pool_threads, options.turns),
        store(m.writer(), options.turns),
        gate(executor),
        counting(executor),
        publisher(store, executor),
        connections(executor, clock, health, options.connections_kept.value_or(Connections::usual)),
        notify_sender(executor, clock),
        workshop{executor,
                 clock,
                 options.data_directory,
                 mirror,
                 pool,
                 store,
                 publisher,
                 gate,
                 counting,
                 health,
                 connections,
                 notify_sender,
                 with_ring(options.credentials),
                 tallies,
                 listeners,
                 [this](backend::ZoneId zone, const backend::TimerRow& row) { dirty_timers[zone] = row; },
                 [this](dns::NameView apex) { return roster.find(apex); },
                 [this](const std::shared_ptr<ZoneAgent>& agent) { scheduler.reschedule(agent); },
                 [this] { return roster.served(); }},
        scheduler(executor, c),
        roster(workshop, t),
        changes(workshop, m, roster, scheduler, dirty_timers),
        catalogs(workshop, m, roster, changes),
        flush_timer(io),
        file_timer(io) {
    listeners.push_back(&catalogs);
    changes.when_idle([this] { catalogs.settle(); });
  }

  Result<> open(std::vector<ZoneSettings> zones, std::vector<CatalogSettings> obeyed);
  Result<> start();
  void reload(std::vector<ZoneSettings> zones, std::vector<CatalogSettings> obeyed, Credentials credentials,
              ReloadDone done);
  ZoneStatus status_of(const ZoneAgent& agent) const;
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
  Pool pool;
  StoreThread store;
  BulkGate gate, counting;
  Publisher publisher;
  PrimaryHealth health;
  Connections connections;
  NotifySender notify_sender;
  Tallies tallies;
  std::vector<backend::PublicationListener*> listeners;
  Roster::Timers dirty_timers;
  Workshop workshop;
  Scheduler scheduler;
  Roster roster;
  ZoneChanges changes;
  Catalogs catalogs;
  boost::asio::steady_timer flush_timer, file_timer;

  // Between open() and start(): who is served and not looked after yet.
  struct Opened {
    std::vector<ZoneSettings> zones;
    std::vector<dns::Name> apexes;
    Roster::Rows rows;
    Roster::Entries entries;
    Catalogs::Plan plan;
  } opened;

  std::mutex notices_mutex;  // of what follows: workers add, the sync thread takes all
  std::vector<Notice> notices;
  std::uint64_t notices_dropped = 0;
};

Result<> Sync::Impl::open(std::vector<ZoneSettings> zones, std::vector<CatalogSettings> obeyed) {
  const Result<std::unique_ptr<backend::Reader>> reader = mirror.reader();
  if (!reader) return reader.error();
  if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
  catalogs.remember((*reader)->added());
  (*reader)->reset();
  opened.plan = catalogs.plan(std::move(obeyed), zones);
  zones.insert(zones.end(), opened.plan.zones.begin(), opened.plan.zones.end());
  opened.apexes.reserve(zones.size());
  for (const ZoneSettings& zone : zones) opened.apexes.push_back(zone.apex);
  opened.zones = std::move(zones);
  auto rows = store.run<Roster::Rows>([this, now = clock.wall()](backend::Writer& writer) {
    return enter_zones(writer, opened.apexes, opened.plan.notes, now);
  });
  if (!rows) return rows.error();
  opened.rows = std::move(*rows);
  const Result<std::uint64_t> commit = (*reader)->renew();
  if (!commit) return commit.error();
  opened.entries = roster.open(opened.zones, opened.rows, **reader, *commit);
  return {};
}

Result<> Sync::Impl::start() {
  Opened zones = std::exchange(opened, {});
  const Result<> noted = store.run<void>([&zones, now = clock.wall()](backend::Writer& writer) {
    return writer.note_served(zones.apexes, now);
  });
  if (!noted) return noted;
  const Result<std::unique_ptr<backend::Reader>> reader = mirror.reader();
  if (!reader) return reader.error();
  const Result<std::uint64_t> commit = (*reader)->renew();
  if (!commit) return commit.error();
  roster.enter(std::move(zones.zones), zones.rows, **reader, *commit, dirty_timers, std::move(zones.entries));
  roster.publish_table();
  for (const auto& agent : roster.agents()) scheduler.add(agent);
  catalogs.adopt(std::move(zones.plan));
  flush_later();
  look_at_files_later();
  return changes.start();
}

void Sync::Impl::reload(std::vector<ZoneSettings> zones, std::vector<CatalogSettings> obeyed,
                        Credentials credentials, ReloadDone done) {
  auto plan = std::make_shared<Catalogs::Plan>(catalogs.plan(std::move(obeyed), zones));
  zones.insert(zones.end(), plan->zones.begin(), plan->zones.end());
  changes.reload(std::move(zones), plan->notes, std::move(credentials),
                 [this, plan, done = std::move(done)](Result<ReloadOutcome> outcome) {
                   if (outcome) catalogs.adopt(std::move(*plan));
                   done(std::move(outcome));
                 });
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
    // What so many checks took lies about in pieces between what stays.
    if (rows.size() >= many_checks) ::malloc_trim(0);
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

ZoneStatus Sync::Impl::status_of(const ZoneAgent& agent) const {
  ZoneStatus status = agent.status();
  if (!status.catalog) status.catalog = catalogs.status(status.apex);
  return status;
}

void Sync::Impl::stop() {
  scheduler.stop();
  flush_timer.cancel();
  file_timer.cancel();
  changes.stop();
  catalogs.stop();
  pool.stop();
  flush();
  store.stop();
}

Sync::Sync(boost::asio::io_context& context, backend::Mirror& mirror, backend::ZoneTables& tables,
           const Clock& clock, SyncOptions options)
    : impl_(std::make_unique<Impl>(context, mirror, tables, clock, std::move(options))) {}

Sync::~Sync() { stop(); }

void Sync::add_listener(backend::PublicationListener& listener) { impl_->listeners.push_back(&listener); }

void Sync::on_members_changed(std::function<void(const ReloadOutcome&)> listener) {
  impl_->catalogs.set_listener(std::move(listener));
}

Result<> Sync::open(std::vector<ZoneSettings> zones, std::vector<CatalogSettings> catalogs) {
  return impl_->open(std::move(zones), std::move(catalogs));
}

Result<> Sync::start() { return impl_->start(); }

Result<> Sync::start(std::vector<ZoneSettings> zones, std::vector<CatalogSettings> catalogs) {
  if (Result<> opened = open(std::move(zones), std::move(catalogs)); !opened) return opened;
  return start();
}

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

void Sync::reload(std::vector<ZoneSettings> zones, std::vector<CatalogSettings> catalogs,
                  Credentials credentials, ReloadDone done) {
  impl_->reload(std::move(zones), std::move(catalogs), with_ring(std::move(credentials)), std::move(done));
}

void Sync::in_turn(std::function<void()> turn) { impl_->changes.in_turn(std::move(turn)); }

const SharedSettings* Sync::settings(dns::NameView apex) const {
  const ZoneAgent* agent = impl_->roster.find(apex);
  return agent == nullptr ? nullptr : &agent->settings();
}

void Sync::visit_settings(const std::function<void(dns::NameView apex, const SharedSettings&)>& look) const {
  for (const auto& agent : impl_->roster.agents()) look(agent->shared_entry()->apex(), agent->settings());
}

std::vector<UnservedStatus> Sync::unserved() const { return impl_->changes.unserved(); }

std::vector<ZoneStatus> Sync::statuses() const {
  std::vector<ZoneStatus> all;
  all.reserve(impl_->roster.agents().size());
  for (const auto& agent : impl_->roster.agents()) all.push_back(impl_->status_of(*agent));
  return all;
}

void Sync::visit(const std::function<void(const ZoneStatus&)>& look) const {
  for (const auto& agent : impl_->roster.agents()) look(impl_->status_of(*agent));
}

std::optional<ZoneStatus> Sync::status(dns::NameView apex) const {
  const ZoneAgent* agent = impl_->roster.find(apex);
  if (agent == nullptr) return std::nullopt;
  return impl_->status_of(*agent);
}

SyncTotals Sync::totals() const {
  SyncTotals totals;
  const Tallies& tallies = impl_->tallies;
  for (const auto& [key, count] : tallies.transfers_in) {
    const auto& [type, transport, result] = key;
    totals.transfers_in.push_back({type, transport, result, count});
  }
  totals.transfer_fallbacks.assign(tallies.transfer_fallbacks.begin(), tallies.transfer_fallbacks.end());
  totals.transfer_durations_sum_count = {tallies.transfer_seconds,
                                         static_cast<double>(tallies.transfers_timed)};
  totals.notify_received.assign(tallies.notify_received.begin(), tallies.notify_received.end());
  totals.versions_held.assign(tallies.versions_held.begin(), tallies.versions_held.end());
  totals.versions_warned.assign(tallies.versions_warned.begin(), tallies.versions_warned.end());
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
