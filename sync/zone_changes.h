// Zones that come and go while we serve: added and removed by an operator or by catalogs, kept for a while
// when they are served no more, then forgotten.
//
// Owned by Sync; sync thread, but for stop(). Every change is in the mirror before anything else happens, so
// that a restart finds what the operator was told. Bounded by the requests of operators that are under way.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <set>

#include "sync/roster.h"
#include "sync/zone_key.h"

namespace understudy::sync {

// What the mirror is told of members, when what is served is said anew.
struct MemberNotes {
  std::vector<dns::Name> left;            // no catalog has them any more
  std::vector<backend::MemberZone> came;  // and these have one now
  bool empty() const { return left.empty() && came.empty(); }
};
// The rows of `apexes`, which are entered where the mirror does not know them, and what it is told of
// members.
Result<std::vector<backend::ZoneRow>> enter_zones(backend::Writer& writer,
                                                  const std::vector<dns::Name>& apexes,
                                                  const MemberNotes& members, UnixTime now);
// The same where `apexes` are all that are served: of every other zone it is noted that it is not.
Result<std::vector<backend::ZoneRow>> note_all_served(backend::Writer& writer,
                                                      const std::vector<dns::Name>& apexes,
                                                      const MemberNotes& members, UnixTime now);

// What catalogs change.
struct MemberChange {
  std::vector<ZoneSettings> come;  // members from now on, or members with other settings
  std::vector<dns::Name> reset;    // of them: what the mirror has of the zone is forgotten before
  std::vector<dns::Name> leave;
};

class ZoneChanges {
 public:
  using Done = ZoneAgent::Done;

  // `unsaved`: timers that the mirror does not have yet.
  ZoneChanges(Workshop& workshop, backend::Mirror& mirror, Roster& roster, Scheduler& scheduler,
              const Roster::Timers& unsaved);

  // Begins to forget what is over, zones and versions, now and every hour. After the roster was filled.
  Result<> start();
  // `idle` is called whenever zones came or went by any of these ways, but for members.
  void when_idle(std::function<void()> idle) { idle_ = std::move(idle); }
  // Calls `turn` while nothing is under way: at once, or in the order of asking when what is under way is
  // over, before anything that catalogs want. Bounded by who asks: reloads, one at a time.
  void in_turn(std::function<void()> turn);
  // Something is under way, or waits for its turn: only an operator's orders for other zones can go on beside
  // it.
  bool busy() const { return is_changing() || !turns_.empty(); }
  void stop() { sweep_timer_.cancel(); }

  // Errors: "zone-exists", "zone-busy", and those of the mirror. `options` are what `settings` were made
  // from.
  void add(ZoneSettings settings, backend::ZoneOptions options, Done done);
  // Errors: "no-source" (no such zone), "zone-configured", "zone-of-catalog", "zone-busy", and those of the
  // mirror.
  void remove(dns::NameView apex, Done done);
  // From now on `zones` are served, those that were added at run time among them, and no others, and others
  // are asked with these credentials. Zones whose settings are the same go on undisturbed, but are checked
  // where what they are asked with is new; what is served of the others, and how, changes in one moment.
  // Errors: "zone-busy" where it is nobody's turn, and those of the mirror; then nothing has changed.
  using ReloadDone = std::function<void(Result<ReloadOutcome>)>;
  void reload(std::vector<ZoneSettings> zones, MemberNotes members, Credentials credentials, ReloadDone done);
  // While nothing is under way. Errors: those of the mirror.
  void change_members(MemberChange change, ReloadDone done);
  std::vector<UnservedStatus> unserved();

 private:
  // A reload under way.
  struct Plan {
    std::vector<ZoneSettings> coming;  // new ones, and those whose settings changed
    std::vector<std::shared_ptr<ZoneAgent>> going;
    std::optional<Credentials> credentials;  // new ones, of a reload
    ReloadOutcome outcome;
    ReloadDone done;
  };
  std::shared_ptr<Plan> plan(std::vector<ZoneSettings> zones) const;
  void take_over(ZoneSettings settings, backend::AddedZone zone, Done done);
  void members_leave(const std::shared_ptr<MemberChange>& change, ReloadDone done);
  void members_come(const std::shared_ptr<MemberChange>& change, ReloadDone done);
  bool is_changing() const { return reloading_ || !under_way_.empty(); }
  void take_turns();
  void ended();
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
  std::shared_ptr<Plan> under_way_plan_;
  std::deque<std::function<void()>> turns_;
  std::function<void()> idle_;
  boost::asio::steady_timer sweep_timer_;
};

}  // namespace understudy::sync
