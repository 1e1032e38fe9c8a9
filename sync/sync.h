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
#include "sync/turns.h"
#include "sync/zone_settings.h"
#include "sync/zone_status.h"

namespace understudy::sync {

struct SyncOptions {
  std::string data_directory;  // for spool files
  unsigned pool_threads = 2;
  dns::TsigKeyRingPtr keys = {};                   // none: no source has one
  std::shared_ptr<const net::TlsClient> tls = {};  // none: no source is asked over TLS
  Turns turns = {};                                // none: store and pool have threads
};

class Sync final : public backend::NotifySink {
 public:
  Sync(boost::asio::io_context& context, backend::Mirror& mirror, backend::ZoneTables& tables,
       const Clock& clock, SyncOptions options);
  ~Sync() override;

  // Before start(): who is told of publications.
  void add_listener(backend::PublicationListener& listener);
  // `zones` are all that are served, those among them that were added at run time too. Of every other zone in
  // the mirror it is noted that it is served no more. Reads the mirror, swaps in the zone table (so that data
  // is served before any primary was asked), begins to check. Called before the sync thread runs.
  Result<> start(std::vector<ZoneSettings> zones);
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

  // What start() was given, anew: zones come, go and change in one moment, without a query that is lost. What
  // goes keeps its data for a while. Errors leave everything as it was.
  using ReloadDone = std::function<void(Result<ReloadOutcome>)>;
  void reload(std::vector<ZoneSettings> zones, ReloadDone done);

  std::vector<ZoneStatus> statuses() const;
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
