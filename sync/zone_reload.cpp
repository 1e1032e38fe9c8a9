// A new configuration while we serve: which zones come, go and change.
#include "base/log.h"
#include "sync/store_then.h"
#include "sync/zone_changes.h"

namespace understudy::sync {

Result<std::vector<backend::ZoneRow>> enter_zones(backend::Writer& writer,
                                                  const std::vector<dns::Name>& apexes,
                                                  const MemberNotes& members, UnixTime now) {
  if (!members.left.empty()) {
    if (const Result<> removed = writer.remove_zones(members.left, now); !removed) return removed.error();
  }
  if (!members.came.empty()) {
    std::vector<backend::AddedZone> came;
    for (const backend::MemberZone& member : members.came) came.push_back(backend::remembered(member, now));
    if (const auto added = writer.add_zones(came, {}); !added) return added.error();
  }
  return writer.ensure_zones(apexes);
}

Result<std::vector<backend::ZoneRow>> note_all_served(backend::Writer& writer,
                                                      const std::vector<dns::Name>& apexes,
                                                      const MemberNotes& members, UnixTime now) {
  auto rows = enter_zones(writer, apexes, members, now);
  if (!rows) return rows;
  if (const Result<> noted = writer.note_served(apexes, now); !noted) return noted.error();
  return rows;
}

std::shared_ptr<ZoneChanges::Plan> ZoneChanges::plan(std::vector<ZoneSettings> zones) const {
  auto plan = std::make_shared<Plan>();
  std::set<std::string> stay;
  for (ZoneSettings& zone : zones) {
    stay.insert(key_of(zone.apex));
    ZoneAgent* const agent = roster_.find(zone.apex);
    if (agent != nullptr && agent->has_settings(zone)) {
      ++plan->outcome.same;
      continue;
    }
    if (agent != nullptr) plan->going.push_back(agent->shared_from_this());
    (agent == nullptr ? plan->outcome.added : plan->outcome.changed).push_back(zone.apex);
    plan->coming.push_back(std::move(zone));
  }
  for (const auto& agent : roster_.agents()) {
    if (stay.contains(key_of(agent->apex()))) continue;
    plan->outcome.removed.push_back(agent->apex());
    plan->going.push_back(agent);
  }
  return plan;
}

// The mirror first, so that a restart finds the same; then the agents, once none of them publishes; then, in
// one moment, the table.
void ZoneChanges::reload(std::vector<ZoneSettings> zones, MemberNotes members, Credentials credentials,
                         ReloadDone done) {
  if (is_changing())
    return done(Error{reason::zone_busy, "zones are being added, removed or reloaded just now; try again"});
  std::vector<dns::Name> apexes;
  apexes.reserve(zones.size());
  for (const ZoneSettings& zone : zones) apexes.push_back(zone.apex);
  const std::shared_ptr<Plan> what = plan(std::move(zones));
  what->credentials = std::move(credentials);
  what->done = std::move(done);
  if (what->coming.empty() && what->going.empty() && members.empty()) {
    believe(std::move(*what->credentials), what->outcome);
    return what->done(what->outcome);
  }
  what->done = [this, done = std::move(what->done)](Result<ReloadOutcome> outcome) {
    done(std::move(outcome));
    ended();
  };
  reloading_ = true;
  store_then<std::vector<backend::ZoneRow>>(
      workshop_,
      [apexes = std::move(apexes), members = std::move(members), now = workshop_.clock.wall()](
          backend::Writer& writer) { return note_all_served(writer, apexes, members, now); },
      [this, what](const Result<std::vector<backend::ZoneRow>>& rows) {
        if (rows) return retire_going(what);
        reloading_ = false;
        what->done(rows.error());
      });
}

void ZoneChanges::retire_going(const std::shared_ptr<Plan>& plan) {
  auto left = std::make_shared<std::size_t>(plan->going.size() + 1);
  // What an agent calls in the end must not hold the plan, which holds the agent.
  under_way_plan_ = plan;
  const auto one_less = [this, left] {
    if (--*left != 0) return;
    const std::shared_ptr<Plan> whole = std::move(under_way_plan_);
    Result<ReloadOutcome> outcome = carry_out(*whole);
    reloading_ = false;
    whole->done(std::move(outcome));
  };
  for (const auto& agent : plan->going) {
    agent->retire(one_less);
    scheduler_.reschedule(agent);
  }
  one_less();
}

// Before new zones come, which may need them. What is under way has its own hold on those before.
void ZoneChanges::believe(Credentials credentials, ReloadOutcome& outcome) {
  Credentials& now = workshop_.credentials;
  outcome.keys = dns::changed_keys(*now.keys, *credentials.keys);
  const bool new_tls = now.tls && credentials.tls && !now.tls->is_like(*credentials.tls);
  now = std::move(credentials);
  // What was refused with those before may be granted with these, long before the next retry.
  for (const auto& agent : roster_.agents()) {
    if (!agent->is_asked_with(outcome.keys, new_tls)) continue;
    agent->want_check({});
    scheduler_.reschedule(agent);
  }
}

Result<ReloadOutcome> ZoneChanges::carry_out(Plan& plan) {
  const Result<std::uint64_t> commit = reader_->renew();
  if (!commit) return commit.error().within("the new zones are served after a restart");
  std::vector<backend::ZoneRow> rows;
  for (const ZoneSettings& zone : plan.coming)
    rows.push_back(reader_->zone(zone.apex).value_or(backend::ZoneRow{}));
  for (const auto& agent : plan.going) roster_.leave(agent->apex());
  if (plan.credentials) believe(std::move(*plan.credentials), plan.outcome);
  for (const dns::Name& apex : plan.outcome.removed) {
    workshop_.notify.forget(apex);
    log::info("zone-removed", {{"zone", dns::to_string(apex)}});
  }
  std::vector<dns::Name> apexes;
  for (const ZoneSettings& zone : plan.coming) apexes.push_back(zone.apex);
  roster_.enter(std::move(plan.coming), rows, *reader_, *commit, unsaved_);
  reader_->reset();
  roster_.publish_table();
  for (const dns::Name& apex : apexes) {
    ZoneAgent& agent = *roster_.find(apex);
    agent.want_check({});  // what was remembered of the next check was meant for other settings
    scheduler_.add(agent.shared_from_this());
  }
  for (const dns::Name& apex : plan.outcome.added) log::info("zone-added", {{"zone", dns::to_string(apex)}});
  for (const dns::Name& apex : plan.outcome.changed)
    log::info("zone-changed", {{"zone", dns::to_string(apex)}});
  return std::move(plan.outcome);
}

}  // namespace understudy::sync
