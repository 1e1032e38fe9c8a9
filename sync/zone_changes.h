// Zones that come and go while we serve: added and removed by an operator, kept for a while when they are
// served no more, then forgotten.
//
// Owned by Sync; sync thread, but for stop(). Every change is in the mirror before anything else happens, so
// that a restart finds what the operator was told. Bounded by the requests of operators that are under way.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <set>

#include "sync/roster.h"

namespace understudy::sync {

// The rows of `apexes`, which are all that are served: of every other zone it is noted that it is not.
Result<std::vector<backend::ZoneRow>> note_all_served(backend::Writer& writer,
                                                      const std::vector<dns::Name>& apexes, UnixTime now);

class ZoneChanges {
 public:
  using Done = ZoneAgent::Done;

  // `unsaved`: timers that the mirror does not have yet.
  ZoneChanges(Workshop& workshop, backend::Mirror& mirror, Roster& roster, Scheduler& scheduler,
              const Roster::Timers& unsaved);

  // Begins to forget what is over, zones and versions, now and every hour. After the roster was filled.
  Result<> start();
  void stop() { sweep_timer_.cancel(); }

  // Errors: "zone-exists", "zone-busy", and those of the mirror. `options` are what `settings` were made
  // from.
  void add(ZoneSettings settings, backend::ZoneOptions options, Done done);
  // Errors: "no-source" (no such zone), "zone-configured", "zone-busy", and those of the mirror.
  void remove(dns::NameView apex, Done done);
  // From now on `zones` are served, those that were added at run time among them, and no others, and others
  // are asked with these credentials. Zones whose settings are the same go on undisturbed, but are checked
  // where what they are asked with is new; what is served of the others, and how, changes in one moment.
  // Errors: "zone-busy", and those of the mirror; then nothing has changed.
  using ReloadDone = std::function<void(Result<ReloadOutcome>)>;
  void reload(std::vector<ZoneSettings> zones, Credentials credentials, ReloadDone done);
  std::vector<UnservedStatus> unserved();

 private:
  // A reload under way.
  struct Plan {
    std::vector<ZoneSettings> coming;  // new ones, and those whose settings changed
    std::vector<std::shared_ptr<ZoneAgent>> going;
    Credentials credentials;
    ReloadOutcome outcome;
    ReloadDone done;
  };
  std::shared_ptr<Plan> plan(std::vector<ZoneSettings> zones) const;
  void retire_going(const std::shared_ptr<Plan>& plan);
  Result<ReloadOutcome> carry_out(Plan& plan);
  void believe(Credentials credentials, ReloadOutcome& outcome);
  Result<std::string> added(ZoneSettings settings, const backend::ZoneRow& row);
  void removed(const std::string& key, const dns::Name& apex, Done done);
  void sweep();
  void trim();
  void sweep_later();
  Workshop& workshop_;
  backend::Mirror& mirror_;
  Roster& roster_;
  Scheduler& scheduler_;
  const Roster::Timers& unsaved_;
  std::unique_ptr<backend::Reader> reader_;
  std::set<std::string> under_way_;  // name keys of the zones that are being added or removed
  bool reloading_ = false;
  boost::asio::steady_timer sweep_timer_;
};

}  // namespace understudy::sync
