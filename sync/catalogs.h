// The catalogs that are obeyed (RFC 9432): zones come and go as they say.
//
// Owned by Sync; sync thread, but for what comes before it runs. Reading a catalog is a pool thread's work;
// what follows from it is decided here, and changed by ZoneChanges as an operator's orders are. Which zone is
// whose stands in the mirror: a start needs neither the network nor the catalogs, and where a catalog cannot
// be read its members stay what they were. Bounded by the members.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "backend/events.h"
#include "sync/membership.h"
#include "sync/zone_changes.h"

namespace understudy::sync {

class Catalogs final : public backend::PublicationListener {
 public:
  Catalogs(Workshop& workshop, backend::Mirror& mirror, Roster& roster, ZoneChanges& changes);

  // What is in force once `settings` are, beside the zones that are no members.
  struct Plan {
    std::vector<CatalogSettings> settings;
    Members members;
    std::vector<ZoneSettings> zones;  // of the members
    MemberNotes notes;
  };
  // Before the first plan: who was a member when the mirror was left.
  void remember(const std::vector<backend::AddedZone>& added);
  Plan plan(std::vector<CatalogSettings> settings, const std::vector<ZoneSettings>& zones) const;
  // The plan is in force. Reads each catalog, and follows it.
  void adopt(Plan plan);

  // A new version of some zone: a catalog's is read and followed.
  void published(const backend::ZoneEntry& zone, const backend::ZoneRow& row) override;
  // Brings about what the catalogs say by now; for whenever zones came or went.
  void settle();
  void stop() { retry_timer_.cancel(); }

  std::optional<CatalogStatus> status(const dns::Name& apex) const;
  // Who is told what membership changed.
  void set_listener(std::function<void(const ReloadOutcome&)> listener) { listener_ = std::move(listener); }

 private:
  struct State {
    std::shared_ptr<const Catalog> content;  // none: not read, or broken
    std::optional<Failure> failure;
    bool reading = false, again = false;
    std::uint64_t members = 0;
    std::vector<RefusedMember> refused;
  };
  void look(const std::string& key, const dns::Name& apex);
  void seen(const std::string& key, const dns::Name& apex, const std::shared_ptr<Result<Catalog>>& read);
  MemberChange change_to(const Membership& next) const;
  void changed(const Membership& next, const Result<ReloadOutcome>& outcome);
  void note(const Membership& next);
  void take_members(Members members);
  std::string_view taken(const dns::Name& zone) const;

  Workshop& workshop_;
  backend::Mirror& mirror_;
  Roster& roster_;
  ZoneChanges& changes_;
  std::vector<CatalogSettings> settings_;
  std::map<std::string, State> states_;  // by key of the catalog
  Members members_;                      // as the mirror has them
  bool changing_ = false, wanted_ = false;
  boost::asio::steady_timer retry_timer_;
  std::function<void(const ReloadOutcome&)> listener_;
};

}  // namespace understudy::sync
