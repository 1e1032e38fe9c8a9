// Zones that come and go as catalogs say, and those that an operator takes from them.
#include "base/log.h"
#include "sync/store_then.h"
#include "sync/zone_changes.h"

namespace understudy::sync {

// An operator adds what a catalog has: the zone is theirs from now on, with the data that are there.
void ZoneChanges::take_over(ZoneSettings settings, backend::AddedZone zone, Done done) {
  const dns::Name apex = settings.apex;
  auto what = std::make_shared<Plan>();
  what->going.push_back(roster_.find(apex)->shared_from_this());
  what->outcome.changed.push_back(apex);
  what->coming.push_back(std::move(settings));
  what->done = [this, apex, done = std::move(done)](const Result<ReloadOutcome>& outcome) {
    if (!outcome) {
      done(outcome.error());
    } else {
      done(Result<std::string>(
          boost::system::in_place_value,
          "added; its catalog has " + dns::to_string(apex) + " no more, until `understudy remove`"));
    }
    ended();
  };
  reloading_ = true;
  store_then<backend::ZoneRow>(
      workshop_, [zone = std::move(zone)](backend::Writer& writer) { return writer.add_zone(zone); },
      [this, what](const Result<backend::ZoneRow>& row) {
        if (row) return retire_going(what);
        reloading_ = false;
        what->done(row.error());
      });
}

// First those that go, and those whose data are to be forgotten: nobody may write what is being forgotten.
// The mirror knows these by their old labels until they come back, so that a start in between does it again.
void ZoneChanges::change_members(MemberChange change, ReloadDone then) {
  reloading_ = true;
  const auto shared = std::make_shared<MemberChange>(std::move(change));
  ReloadDone done = [this, then = std::move(then)](Result<ReloadOutcome> outcome) {
    then(std::move(outcome));
    if (!turns_.empty()) ended();  // otherwise catalogs go on by themselves, or wait after a failure
  };
  if (shared->leave.empty() && shared->reset.empty()) return members_come(shared, std::move(done));
  members_leave(shared, std::move(done));
}

void ZoneChanges::members_leave(const std::shared_ptr<MemberChange>& change, ReloadDone done) {
  auto what = std::make_shared<Plan>();
  for (const auto* zones : {&change->leave, &change->reset}) {
    for (const dns::Name& apex : *zones) {
      if (ZoneAgent* const agent = roster_.find(apex)) what->going.push_back(agent->shared_from_this());
    }
  }
  what->outcome.removed = change->leave;
  what->done = [this, change, done](const Result<ReloadOutcome>& gone) {
    if (!gone || change->come.empty()) return done(gone);
    reloading_ = true;
    members_come(change, [done, removed = gone->removed](Result<ReloadOutcome> outcome) {
      if (outcome) outcome->removed = removed;
      done(std::move(outcome));
    });
  };
  store_then<void>(
      workshop_,
      [change, now = workshop_.clock.wall()](backend::Writer& writer) {
        return writer.remove_zones(change->leave, now);
      },
      [this, what](const Result<>& removed) {
        if (removed) return retire_going(what);
        reloading_ = false;
        what->done(removed.error());
      });
}

void ZoneChanges::members_come(const std::shared_ptr<MemberChange>& change, ReloadDone done) {
  auto what = std::make_shared<Plan>();
  std::vector<backend::AddedZone> rows;
  for (const ZoneSettings& zone : change->come) {
    rows.push_back(backend::remembered(*zone.member, workshop_.clock.wall()));
    ZoneAgent* const agent = roster_.find(zone.apex);
    if (agent != nullptr) what->going.push_back(agent->shared_from_this());
    (agent == nullptr ? what->outcome.added : what->outcome.changed).push_back(zone.apex);
  }
  for (const dns::Name& apex : change->reset) log::info("zone-reset", {{"zone", dns::to_string(apex)}});
  what->coming = change->come;
  what->done = std::move(done);
  store_then<std::vector<backend::ZoneRow>>(
      workshop_,
      [change, rows = std::move(rows)](backend::Writer& writer) {
        return writer.add_zones(rows, change->reset);
      },
      [this, what](const Result<std::vector<backend::ZoneRow>>& entered) {
        if (entered) return retire_going(what);
        reloading_ = false;
        what->done(entered.error());
      });
}

}  // namespace understudy::sync
