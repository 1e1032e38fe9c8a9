// The roster: which zones this server has, and the agent that looks after each. The zone table that the
// workers answer from is made here.
//
// Owned by Sync; sync thread, but for open(), enter() and publish_table() before it runs.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "sync/scheduler.h"
#include "sync/settings_pool.h"

namespace understudy::sync {

class Roster {
 public:
  Roster(Workshop& workshop, backend::ZoneTables& tables) : workshop_(workshop), tables_(tables) {}

  using Entries = std::vector<std::shared_ptr<backend::ZoneEntry>>;
  using Rows = std::vector<backend::ZoneRow>;
  // At start, before there are agents: from now on queries are answered from what the mirror holds of these
  // zones and has surely not expired. `rows` are the zones' own; `reader` is renewed to `commit`. The entries
  // are for enter().
  Entries open(const std::vector<ZoneSettings>& zones, const Rows& rows, backend::Reader& reader,
               std::uint64_t commit);
  // An agent for each zone, beginning with what the mirror holds of it. `rows`, `reader` and `commit` as
  // above; `timers` of this process that have not reached the mirror yet go before those in it. `entries` are
  // the zones' where there are any already.
  using Timers = std::unordered_map<backend::ZoneId, backend::TimerRow>;
  void enter(std::vector<ZoneSettings> zones, const Rows& rows, backend::Reader& reader, std::uint64_t commit,
             const Timers& timers, Entries entries = {});
  // No query finds the zone any more, once the table is published. The agent is to be retired.
  std::shared_ptr<ZoneAgent> leave(dns::NameView apex);
  // From now on queries are answered from the zones that are here. Catalogs that list them are made anew.
  void publish_table();
  // The zones, but for catalogs.
  std::vector<std::pair<dns::Name, backend::ZoneId>> served() const;

  ZoneAgent* find(dns::NameView apex) const;
  std::shared_ptr<ZoneAgent> find(backend::ZoneId zone) const;
  // In the order of the configuration, then as they were added.
  const std::vector<std::shared_ptr<ZoneAgent>>& agents() const { return agents_; }
  // The zone files that were read and may have changed.
  std::vector<std::pair<backend::ZoneId, FileState>> files() const;

 private:
  Entries entries_of(const std::vector<ZoneSettings>& zones, const Rows& rows, std::uint64_t commit);
  struct ApexOf {
    dns::NameView operator()(const ZoneAgent* agent) const { return agent->shared_entry()->apex(); }
  };
  using ByApex = backend::ByApex<ApexOf>;

  Workshop& workshop_;
  backend::ZoneTables& tables_;
  SettingsPool settings_;
  backend::RequestCounts requests_;
  std::vector<std::shared_ptr<ZoneAgent>> agents_;
  std::unordered_map<backend::ZoneId, ZoneAgent*> by_id_;
  std::unordered_set<ZoneAgent*, ByApex, ByApex> by_apex_;
  std::vector<std::shared_ptr<ZoneAgent>> file_agents_;
  std::vector<std::shared_ptr<ZoneAgent>> catalog_agents_;  // whose zones are catalogs of what is here
};

}  // namespace understudy::sync
