#include "sync/roster.h"

#include <algorithm>

#include "backend/soa_record.h"

namespace understudy::sync {
namespace {

std::optional<dns::Soa> soa_of(backend::Reader& reader, const dns::Name& apex, const backend::ZoneRow& row) {
  const auto record = backend::soa_record(reader, apex, row.generation);
  if (!record) return std::nullopt;
  return dns::Soa::of(record->rdata);
}

bool is_signed(backend::Reader& reader, const dns::Name& apex, const backend::ZoneRow& row) {
  dns::NameKey key(apex);
  backend::FoundNode found;
  if (row.generation == 0 || !reader.find_exact(row.generation, key, key.size(), found)) return false;
  const auto soa = found.node.find(dns::RRType::SOA);
  return soa && soa->signature_count() != 0;
}

}  // namespace

Roster::Entries Roster::entries_of(const std::vector<ZoneSettings>& zones, const Rows& rows,
                                   std::uint64_t commit) {
  Entries entries;
  entries.reserve(zones.size());
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const backend::ZoneRow& row = rows[i];
    auto entry = std::make_shared<backend::ZoneEntry>(zones[i].apex, row.id, settings_.share(zones[i]).policy,
                                                      requests_.next());
    // No reader knows the entry yet, so that this is as good as the store thread.
    if (row.generation != 0) entry->publish({row.generation, row.version}, commit);
    entries.push_back(std::move(entry));
  }
  return entries;
}

Roster::Entries Roster::open(const std::vector<ZoneSettings>& zones, const Rows& rows,
                             backend::Reader& reader, std::uint64_t commit) {
  Entries entries = entries_of(zones, rows, commit);
  const UnixTime now = workshop_.clock.wall();
  for (std::size_t i = 0; i < zones.size(); ++i) {
    if (rows[i].generation == 0) continue;
    // Whatever is not as plain as this waits for its agent (RefreshTimer::start), with SERVFAIL.
    const auto timers = reader.timers(rows[i].id);
    if (is_local(zones[i]) || (timers && timers->expires > now))
      entries[i]->set_service(backend::Service::serving);
  }
  tables_.swap(std::make_unique<backend::ZoneTable>(entries));
  return entries;
}

void Roster::enter(std::vector<ZoneSettings> zones, const Rows& rows, backend::Reader& reader,
                   std::uint64_t commit, const Timers& timers, Entries entries) {
  if (entries.empty()) entries = entries_of(zones, rows, commit);
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const backend::ZoneRow& row = rows[i];
    auto agent = std::make_shared<ZoneAgent>(workshop_, zones[i], settings_.share(zones[i]).settings,
                                             std::move(entries[i]));
    const dns::Name& apex = zones[i].apex;
    const auto newer = timers.find(row.id);
    const backend::TimerRow remembered =
        newer != timers.end() ? newer->second : reader.timers(row.id).value_or(backend::TimerRow{});
    ZoneAgent::Remembered of_zone{soa_of(reader, apex, row),    remembered,
                                  reader.standing(row.id),      reader.held(row.id),
                                  is_signed(reader, apex, row), {}};
    if (agent->settings().sources.size() > 1) {
      const auto version = reader.version(row.id, row.version);
      if (version) of_zone.source = version->source;
    }
    agent->start(row, std::move(of_zone));
    by_id_[row.id] = agent.get();
    by_apex_.insert(agent.get());
    const std::vector<SourceSpec>& sources = agent->settings().sources;
    if (std::any_of(sources.begin(), sources.end(),
                    [](const SourceSpec& source) { return std::holds_alternative<FileSource>(source); })) {
      file_agents_.push_back(agent);
    }
    if (publishes_catalog(agent->settings())) catalog_agents_.push_back(agent);
    agents_.push_back(std::move(agent));
  }
}

std::shared_ptr<ZoneAgent> Roster::leave(dns::NameView apex) {
  const auto known = by_apex_.find(apex);
  if (known == by_apex_.end()) return nullptr;
  std::shared_ptr<ZoneAgent> agent = (*known)->shared_from_this();
  by_apex_.erase(known);
  by_id_.erase(agent->shared_entry()->id());
  std::erase(agents_, agent);
  std::erase(file_agents_, agent);
  std::erase(catalog_agents_, agent);
  return agent;
}

void Roster::publish_table() {
  std::vector<std::shared_ptr<backend::ZoneEntry>> entries;
  for (const auto& agent : agents_) entries.push_back(agent->shared_entry());
  tables_.swap(std::make_unique<backend::ZoneTable>(std::move(entries)));
  for (const auto& agent : catalog_agents_) {
    agent->want_check({});
    workshop_.reschedule(agent);
  }
}

std::vector<std::pair<dns::Name, backend::ZoneId>> Roster::served() const {
  std::vector<std::pair<dns::Name, backend::ZoneId>> zones;
  for (const auto& agent : agents_) {
    if (!is_catalog(agent->settings())) zones.emplace_back(agent->apex(), agent->shared_entry()->id());
  }
  return zones;
}

ZoneAgent* Roster::find(dns::NameView apex) const {
  const auto found = by_apex_.find(apex);
  return found == by_apex_.end() ? nullptr : *found;
}

std::shared_ptr<ZoneAgent> Roster::find(backend::ZoneId zone) const {
  const auto found = by_id_.find(zone);
  return found == by_id_.end() ? nullptr : found->second->shared_from_this();
}

std::vector<std::pair<backend::ZoneId, FileState>> Roster::files() const {
  std::vector<std::pair<backend::ZoneId, FileState>> files;
  for (const auto& agent : file_agents_) {
    if (const FileState* state = agent->file_to_watch())
      files.emplace_back(agent->shared_entry()->id(), *state);
  }
  return files;
}

}  // namespace understudy::sync
