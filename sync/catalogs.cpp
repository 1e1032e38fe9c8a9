#include "sync/catalogs.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/log.h"

namespace understudy::sync {
namespace {

// After the mirror could not be changed.
constexpr Seconds retry_period{60};

Result<Catalog> read_live(backend::Mirror& mirror, const dns::Name& apex) {
  const auto reader = mirror.reader();
  if (!reader) return reader.error();
  if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
  // Of one moment: a generation that was live a moment ago may be collected by now.
  const auto row = (*reader)->zone(apex);
  if (!row || row->generation == 0) return Error{reason::soa_missing, "it has no data yet"};
  const auto walk = backend::walk_generation(**reader, row->generation);
  return read_catalog(apex, *walk);
}

}  // namespace

Catalogs::Catalogs(Workshop& workshop, backend::Mirror& mirror, Roster& roster, ZoneChanges& changes)
    : workshop_(workshop),
      mirror_(mirror),
      roster_(roster),
      changes_(changes),
      retry_timer_(workshop.executor) {}

void Catalogs::remember(const std::vector<backend::AddedZone>& added) {
  for (const backend::AddedZone& zone : added) {
    if (auto member = backend::member_of(zone)) members_.emplace(key_of(zone.apex), std::move(*member));
  }
}

// Members stay what they were, and what catalogs say of them follows when they were read. But a zone that
// nobody else has from now on and that a catalog lists is the catalog's at once: it was served until now, and
// clients must not be refused for as long as reading takes.
Catalogs::Plan Catalogs::plan(std::vector<CatalogSettings> settings,
                              const std::vector<ZoneSettings>& zones) const {
  std::set<std::string> others;  // of use to members only
  for (const ZoneSettings& zone : zones) {
    if (!members_.empty()) others.insert(key_of(zone.apex));
  }
  std::vector<CatalogView> views;
  for (const CatalogSettings& catalog : settings) views.push_back({&catalog, nullptr});
  const Taken taken_by_others = [&others](const dns::Name& zone) {
    return others.contains(key_of(zone)) ? std::string_view("others have it") : std::string_view();
  };
  Membership membership = resolve(views, members_, taken_by_others);
  Plan plan;
  for (CatalogView& view : views) {
    const auto state = states_.find(key_of(view.settings->zone));
    if (state != states_.end()) view.content = state->second.content.get();
  }
  for (const auto& [key, member] : resolve(views, members_, taken_by_others).members) {
    if (members_.contains(key) || roster_.find(member.apex) == nullptr) continue;
    membership.members.emplace(key, member);
    plan.notes.came.push_back(member);
  }
  for (const auto& [key, member] : membership.members) {
    const auto catalog = std::find_if(settings.begin(), settings.end(),
                                      [&](const auto& one) { return one.zone == member.catalog; });
    plan.zones.push_back(settings_of(*catalog, member));
  }
  for (const auto& [key, member] : members_) {
    if (!membership.members.contains(key)) plan.notes.left.push_back(member.apex);
  }
  plan.members = std::move(membership.members);
  plan.settings = std::move(settings);
  return plan;
}

void Catalogs::adopt(Plan plan) {
  settings_ = std::move(plan.settings);
  std::map<std::string, State> states;
  for (const CatalogSettings& catalog : settings_) {
    const std::string key = key_of(catalog.zone);
    states[key] = std::move(states_[key]);
  }
  states_ = std::move(states);
  take_members(std::move(plan.members));
  for (const CatalogSettings& catalog : settings_) look(key_of(catalog.zone), catalog.zone);
}

void Catalogs::take_members(Members members) {
  members_ = std::move(members);
  for (auto& [key, state] : states_) state.members = 0;
  for (const auto& [key, member] : members_) {
    const auto state = states_.find(key_of(member.catalog));
    if (state != states_.end()) ++state->second.members;
  }
}

void Catalogs::published(const backend::ZoneEntry& zone, const backend::ZoneRow&) {
  const std::string key = key_of(zone.apex());
  if (states_.contains(key)) look(key, dns::Name(zone.apex()));
}

void Catalogs::look(const std::string& key, const dns::Name& apex) {
  State& state = states_[key];
  if (state.reading) {
    state.again = true;  // what is being read may be the version before
    return;
  }
  state.reading = true;
  workshop_.pool.post([this, key, apex, &mirror = mirror_, executor = workshop_.executor] {
    auto read = std::make_shared<Result<Catalog>>(read_live(mirror, apex));
    boost::asio::post(executor, [this, key, apex, read] { seen(key, apex, read); });
  });
}

void Catalogs::seen(const std::string& key, const dns::Name& apex,
                    const std::shared_ptr<Result<Catalog>>& read) {
  const auto found = states_.find(key);
  if (found == states_.end()) return;  // not obeyed any more
  State& state = found->second;
  state.reading = false;
  if (std::exchange(state.again, false)) return look(key, apex);
  state.content.reset();
  if (*read) {
    state.content = std::make_shared<const Catalog>(std::move(**read));
    state.failure.reset();
  } else if (read->error().reason != reason::soa_missing) {
    state.failure = Failure{read->error().reason, read->error().message, workshop_.clock.wall()};
    log::error("catalog-not-read", {{"zone", dns::to_string(apex)},
                                    {"reason", read->error().reason},
                                    {"message", read->error().message}});
  }
  settle();
}

std::string_view Catalogs::taken(const dns::Name& zone) const {
  const ZoneAgent* const agent = roster_.find(zone);
  if (agent == nullptr || agent->member() != nullptr) return {};
  return agent->was_added() ? "it was added at run time" : "the configuration has it";
}

void Catalogs::settle() {
  if (settings_.empty()) return;
  if (changing_ || changes_.busy()) {
    wanted_ = true;
    return;
  }
  wanted_ = false;
  std::vector<CatalogView> views;
  for (const CatalogSettings& catalog : settings_)
    views.push_back({&catalog, states_[key_of(catalog.zone)].content.get()});
  auto next = std::make_shared<Membership>(
      resolve(views, members_, [this](const dns::Name& zone) { return taken(zone); }));
  note(*next);
  MemberChange change = change_to(*next);
  if (change.come.empty() && change.leave.empty()) return take_members(std::move(next->members));
  changing_ = true;
  changes_.change_members(std::move(change),
                          [this, next](const Result<ReloadOutcome>& outcome) { changed(*next, outcome); });
}

MemberChange Catalogs::change_to(const Membership& next) const {
  MemberChange change;
  for (const auto& [key, member] : next.members) {
    const auto before = members_.find(key);
    const bool reset = next.reset.contains(key);
    if (before != members_.end() && before->second == member && !reset) continue;
    const auto catalog = std::find_if(settings_.begin(), settings_.end(),
                                      [&m = member](const auto& one) { return one.zone == m.catalog; });
    change.come.push_back(settings_of(*catalog, member));
    if (reset) change.reset.push_back(member.apex);
  }
  for (const auto& [key, member] : members_) {
    // What others took over by now is theirs.
    if (!next.members.contains(key) && taken(member.apex).empty()) change.leave.push_back(member.apex);
  }
  return change;
}

void Catalogs::changed(const Membership& next, const Result<ReloadOutcome>& outcome) {
  changing_ = false;
  if (!outcome) {
    log::error("catalog-not-followed",
               {{"reason", outcome.error().reason}, {"message", outcome.error().message}});
    retry_timer_.expires_after(retry_period);
    retry_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) settle();
    });
    return;
  }
  take_members(next.members);
  if (listener_) listener_(*outcome);
  if (wanted_) settle();
}

// What is refused is told when it is new.
void Catalogs::note(const Membership& next) {
  std::map<std::string, std::vector<RefusedMember>> refused;
  for (const RefusedMember& member : next.refused) refused[key_of(member.catalog)].push_back(member);
  for (auto& [key, state] : states_) {
    std::vector<RefusedMember> now = std::move(refused[key]);
    std::set<std::string> told;
    for (const RefusedMember& member : state.refused) told.insert(key_of(member.zone));
    std::size_t fresh = 0;
    for (const RefusedMember& member : now) {
      if (told.contains(key_of(member.zone)) || ++fresh > CatalogStatus::shown) continue;
      log::warning("catalog-member-refused", {{"catalog", dns::to_string(member.catalog)},
                                              {"zone", dns::to_string(member.zone)},
                                              {"reason", member.reason},
                                              {"message", member.message}});
    }
    if (fresh > CatalogStatus::shown) {
      log::warning("catalog-members-refused", {{"catalog", dns::to_string(now.front().catalog)},
                                               {"more", fresh - CatalogStatus::shown}});
    }
    state.refused = std::move(now);
  }
}

std::optional<CatalogStatus> Catalogs::status(const dns::Name& apex) const {
  const auto found = states_.find(key_of(apex));
  if (found == states_.end()) return std::nullopt;
  CatalogStatus status;
  status.members = found->second.members;
  status.failure = found->second.failure;
  status.refused = found->second.refused.size();
  for (const RefusedMember& member : found->second.refused) {
    if (status.first_refused.size() == CatalogStatus::shown) break;
    status.first_refused.push_back({member.zone, member.reason, member.message});
  }
  return status;
}

}  // namespace understudy::sync
