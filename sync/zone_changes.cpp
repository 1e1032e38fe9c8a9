#include "sync/zone_changes.h"

#include "base/log.h"
#include "sync/store_then.h"

namespace understudy::sync {
namespace {

constexpr Seconds sweep_period{3600};

Error busy_with(const dns::Name& apex) {
  return {reason::zone_busy, dns::to_string(apex) + " is being added or removed just now; try again"};
}

}  // namespace

ZoneChanges::ZoneChanges(Workshop& workshop, backend::Mirror& mirror, Roster& roster, Scheduler& scheduler,
                         const Roster::Timers& unsaved)
    : workshop_(workshop),
      mirror_(mirror),
      roster_(roster),
      scheduler_(scheduler),
      unsaved_(unsaved),
      sweep_timer_(workshop.executor) {}

Result<> ZoneChanges::start() {
  auto reader = mirror_.reader();
  if (!reader) return reader.error();
  reader_ = std::move(*reader);
  sweep();
  return {};
}

void ZoneChanges::in_turn(std::function<void()> turn) {
  if (busy()) return turns_.push_back(std::move(turn));
  turn();
}

void ZoneChanges::take_turns() {
  while (!is_changing() && !turns_.empty()) {
    const std::function<void()> turn = std::move(turns_.front());
    turns_.pop_front();
    turn();
  }
}

// Whoever waited for its turn has it.
void ZoneChanges::ended() {
  take_turns();
  if (idle_ && !busy()) idle_();
}

void ZoneChanges::add(ZoneSettings settings, backend::ZoneOptions options, Done done) {
  const dns::Name apex = settings.apex;
  const ZoneAgent* const known = roster_.find(apex);
  if (known != nullptr && known->member() == nullptr) {
    return done(
        Error{reason::zone_exists,
              dns::to_string(apex) + (known->was_added() ? " was added already; remove it first to change it"
                                                         : " is served already: the configuration has it")});
  }
  if (const auto unknown = unknown_key(settings, *workshop_.credentials.keys)) return done(*unknown);
  const std::string key = key_of(apex);
  if (reloading_ || under_way_.contains(key)) return done(busy_with(apex));
  settings.added = true;
  const backend::AddedZone zone{apex, workshop_.clock.wall(), std::move(options)};
  if (known != nullptr) return take_over(std::move(settings), zone, std::move(done));
  under_way_.insert(key);
  store_then<backend::ZoneRow>(
      workshop_, [zone](backend::Writer& writer) { return writer.add_zone(zone); },
      [this, key, settings = std::move(settings), done = std::move(done)](Result<backend::ZoneRow> row) {
        under_way_.erase(key);
        done(row ? added(settings, *row) : Result<std::string>(row.error()));
        ended();
      });
}

Result<std::string> ZoneChanges::added(ZoneSettings settings, const backend::ZoneRow& row) {
  const Result<std::uint64_t> commit = reader_->renew();
  if (!commit) return commit.error().within("added, and served after a restart");
  const dns::Name apex = settings.apex;
  roster_.enter({std::move(settings)}, {row}, *reader_, *commit, unsaved_);
  reader_->reset();
  roster_.publish_table();
  ZoneAgent& agent = *roster_.find(apex);
  agent.want_check({});  // what the mirror remembers of the next check was meant for other sources, perhaps
  scheduler_.add(agent.shared_from_this());
  log::info("zone-added", {{"zone", dns::to_string(apex)}, {"version", row.version}});
  // In place: a string alone could also be meant as an Error's reason.
  if (row.generation == 0)
    return Result<std::string>(boost::system::in_place_value,
                               "added; it is served as soon as its data are there: see `understudy status " +
                                   dns::to_string(apex) + "`");
  return Result<std::string>(boost::system::in_place_value,
                             "added; version " + std::to_string(row.version) + " with serial " +
                                 std::to_string(row.serial) + " was still in the mirror and is served again");
}

void ZoneChanges::remove(dns::NameView apex, Done done) {
  const ZoneAgent* const agent = roster_.find(apex);
  const dns::Name name(apex);
  const std::string key = key_of(apex);
  if (agent == nullptr && under_way_.contains(key)) return done(busy_with(name));
  if (agent == nullptr)
    return done(Error{reason::no_source, dns::to_string(apex) + " is no zone of this server"});
  if (const auto* const member = agent->member()) {
    return done(Error{reason::zone_of_catalog, dns::to_string(apex) + " is a member of the catalog " +
                                                   dns::to_string(member->catalog) +
                                                   ": it goes when the catalog does not list it any more"});
  }
  if (!agent->was_added()) {
    return done(Error{reason::zone_configured,
                      dns::to_string(apex) + " comes from the configuration (or from --zone): take it out "
                                             "there and reload"});
  }
  if (reloading_ || !under_way_.insert(key).second) return done(busy_with(name));
  store_then<void>(
      workshop_,
      [name, now = workshop_.clock.wall()](backend::Writer& writer) { return writer.remove_zone(name, now); },
      [this, key, name, done = std::move(done)](Result<> result) {
        if (result) return removed(key, name, done);
        under_way_.erase(key);
        done(result.error());
        ended();
      });
}

void ZoneChanges::removed(const std::string& key, const dns::Name& apex, Done done) {
  const std::shared_ptr<ZoneAgent> agent = roster_.leave(apex);
  roster_.publish_table();
  workshop_.notify.forget(apex);
  log::info("zone-removed", {{"zone", dns::to_string(apex)}});
  // Only when no publication is under way may another agent look after this zone.
  agent->retire([this, key, done = std::move(done)] {
    under_way_.erase(key);
    done(Result<std::string>(boost::system::in_place_value,
                             "removed; it is served no more, and its data are kept for 7 days"));
    ended();
  });
  scheduler_.reschedule(agent);
}

std::vector<UnservedStatus> ZoneChanges::unserved() {
  std::vector<UnservedStatus> zones;
  if (!reader_ || !reader_->renew()) return zones;
  for (const backend::UnservedZone& zone : reader_->unserved()) {
    zones.push_back({zone.apex, zone.since, reader_->zone(zone.apex).value_or(backend::ZoneRow{})});
  }
  reader_->reset();
  return zones;
}

namespace {

// Some zones in one commit, the rest in jobs of their own, so that others get their turn.
void forget(StoreThread& store, backend::Writer& writer, UnixTime until) {
  const auto forgotten = writer.forget_unserved(until);
  if (!forgotten) return log::error("zones-not-forgotten", {{"message", forgotten.error().message}});
  for (const dns::Name& apex : *forgotten) log::info("zone-forgotten", {{"zone", dns::to_string(apex)}});
  if (forgotten->empty()) return;
  store.post([&store, until](backend::Writer& again) { forget(store, again, until); });
}

}  // namespace

void ZoneChanges::sweep() {
  workshop_.store.post([&store = workshop_.store, until = workshop_.clock.wall() - unserved_kept.count()](
                           backend::Writer& writer) { forget(store, writer, until); });
  trim();
  sweep_later();
}

// Versions of zones that do not change grow old all the same.
void ZoneChanges::trim() {
  std::vector<std::pair<backend::ZoneId, backend::Keep>> zones;
  for (const auto& agent : roster_.agents())
    zones.emplace_back(agent->shared_entry()->id(), agent->settings().keep);
  store_then<bool>(
      workshop_,
      [zones = std::move(zones), now = workshop_.clock.wall()](backend::Writer& writer) {
        return writer.trim(zones, now);
      },
      [this](const Result<bool>& more) {
        if (!more)
          log::error("versions-not-forgotten", {{"message", more.error().message}});
        else if (*more)
          trim();
      });
}

void ZoneChanges::sweep_later() {
  sweep_timer_.expires_after(sweep_period);
  sweep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) sweep();
  });
}

}  // namespace understudy::sync
