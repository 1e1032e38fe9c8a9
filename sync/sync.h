// Sync: everything between the primaries and the mirror, behind one door.
//
// Owned by main(); runs every coroutine on the io_context of the sync thread, LMDB writes on a store thread
// and heavy work on a small pool that it owns. Unless said otherwise a method is called on the sync thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "backend/events.h"
#include "base/clock.h"
#include "sync/catalog_settings.h"
#include "sync/turns.h"
#include "sync/zone_status.h"

namespace understudy::sync {

struct SyncOptions {
  std::string data_directory;  // for spool files
  unsigned pool_threads = 2;
  Credentials credentials = {};
  Turns turns = {};                                                // none: store and pool have threads
  std::optional<std::chrono::milliseconds> connections_kept = {};  // to primaries; none: the usual time
};

class Sync final : public backend::NotifySink {
 public:
  Sync(boost::asio::io_context& context, backend::Mirror& mirror, backend::ZoneTables& tables,
       const Clock& clock, SyncOptions options);
  ~Sync() override;

  // Before start(): who is told of publications.
  void add_listener(backend::PublicationListener& listener);
  // `zones` are all that are served, those among them that were added at run time too, but for the members of
  // `catalogs`. Reads the mirror and swaps in the zone table: from now on the workers may answer, and until
  // start() nothing else happens, so that a restart with ten thousand zones costs their clients next to
  // nothing. Called before the sync thread runs.
  Result<> open(std::vector<ZoneSettings> zones, std::vector<CatalogSettings> catalogs = {});
  // Begins to look after the zones that open() was given. Of every other zone in the mirror it is noted that
  // it is served no more. Called before the sync thread runs.
  Result<> start();
  // Both at once, where nobody is answered meanwhile.
  Result<> start(std::vector<ZoneSettings> zones, std::vector<CatalogSettings> catalogs = {});
  // Ends all work and joins store thread and pool. Called after the sync thread has ended.
  void stop();

  // Checks a zone's primaries now; retransfer takes the zone whole whatever the serial. `done` is called
  // once, on the sync thread, with what came out ("up to date", "transferred version 3", or the failure).
  using Done = std::function<void(Result<std::string>)>;
  void refresh(dns::NameView apex, Done done);
  void retransfer(dns::NameView apex, Done done);

  // An operator's decisions about a zone; `done` as above. See ZoneAgent for what they do.
  void hold(dns::NameView apex, Done done);
  void accept(dns::NameView apex, backend::Version version, Done done);
  void rollback(dns::NameView apex, backend::Version version, bool force, Done done);
  void resume(dns::NameView apex, Done done);

  // A zone more, or one fewer of those that were added so, at once and kept across restarts. `done` is called
  // once, on the sync thread, with what happened in words. `options` are what `settings` were made from.
  void add(ZoneSettings settings, backend::ZoneOptions options, Done done);
  void remove(dns::NameView apex, Done done);

  // What start() was given, anew: zones come, go and change in one moment, without a query that is lost, and
  // so do keys and certificates. What goes keeps its data for a while. Errors leave everything as it was:
  // "zone-busy" where zones are changing, which in_turn() avoids.
  using ReloadDone = std::function<void(Result<ReloadOutcome>)>;
  void reload(std::vector<ZoneSettings> zones, std::vector<CatalogSettings> catalogs, Credentials credentials,
              ReloadDone done);
  // Calls `turn` when no zone is being added, removed or reloaded and no catalog changes members: at once, or
  // when it is so. What it asks for at once is next.
  void in_turn(std::function<void()> turn);
  // Before start(): who is told which zones came, went or changed since a catalog said so.
  void on_members_changed(std::function<void(const ReloadOutcome&)> listener);

  // Of a zone that is served; nullptr where there is none. Until zones come or go.
  const SharedSettings* settings(dns::NameView apex) const;
  // Of all of them.
  void visit_settings(const std::function<void(dns::NameView apex, const SharedSettings&)>& look) const;

  std::vector<ZoneStatus> statuses() const;
  // The same one by one, for who keeps little of each.
  void visit(const std::function<void(const ZoneStatus&)>& look) const;
  std::optional<ZoneStatus> status(dns::NameView apex) const;
  // Rows for the mirror, with its next commit; where that fails they are lost, and the log says so.
  void save_audit(std::vector<backend::AuditRow> rows);
  // Zones that are served no more, and whose data are still kept.
  std::vector<UnservedStatus> unserved() const;
  SyncTotals totals() const;
  // Each zone loaded, or its sources tried once.
  bool all_tried() const;

  // Any thread: posts to the sync thread.
  void notified(const backend::ZoneEntry& zone, const boost::asio::ip::address& from,
                std::optional<std::uint32_t> serial) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::sync
