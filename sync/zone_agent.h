// A zone agent looks after one zone: which source to ask, when, and what to make of the answer.
//
// Sync thread. An agent is a few hundred octets and no coroutine while nothing is due; the scheduler calls
// cycle() when its timer says so, one cycle at a time. What agents share stands in Workshop.
//
//   cycle:  for each source, in order of preference
//             primary:  SOA probe --not newer--> current        file:  unchanged --> current
//                         | newer, no data yet, or retransfer            | changed
//                         v                                              v
//                       transfer --> build --> publish  <------------- build
//           a transfer of a newer version is IXFR first, and AXFR once where that fails for whatever reason
//           the first source that is current or delivers ends the cycle; where none does, the cycle failed
#pragma once

#include <functional>

#include "backend/events.h"
#include "sync/file_source.h"
#include "sync/notify_sender.h"
#include "sync/primary_health.h"
#include "sync/refresh_timer.h"
#include "sync/transfer_client.h"

namespace understudy::sync {

// Counts by word, for metrics.
struct Tallies {
  std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> transfers_in;  // by type and result
  std::map<std::string_view, std::uint64_t> transfer_fallbacks, notify_received;
  double transfer_seconds = 0;
  std::uint64_t transfers_timed = 0;
};

// What all agents use; owned by Sync, outlives them while the sync thread runs.
struct Workshop {
  boost::asio::any_io_executor executor;
  const Clock& clock;
  std::string spool_directory;
  backend::Mirror& mirror;
  Pool& pool;
  StoreThread& store;
  Publisher& publisher;
  BulkGate& gate;
  PrimaryHealth& health;
  NotifySender& notify;
  const dns::TsigKeyRing& keys;
  const std::shared_ptr<const net::TlsClient>& tls;  // none: sources over TLS fail
  Tallies& tallies;
  std::vector<backend::PublicationListener*>& listeners;
  // Timer rows changed: kept for the next flush.
  std::function<void(backend::ZoneId, const backend::TimerRow&)> save_timers;
};

class ZoneAgent : public std::enable_shared_from_this<ZoneAgent> {
 public:
  using Done = std::function<void(Result<std::string>)>;

  ZoneAgent(Workshop& workshop, ZoneSettings settings, std::shared_ptr<backend::ZoneEntry> entry);

  // What the mirror holds. Before the first cycle.
  void start(const backend::ZoneRow& row, const std::optional<dns::Soa>& soa,
             const backend::TimerRow& timers);

  // A check at once. `done` may be empty.
  void want_check(Done done);
  void want_transfer(Done done);
  void notified(const boost::asio::ip::address& from, std::optional<std::uint32_t> serial);
  // The zone is served no more: what waits is answered, and nothing is published from now on. `ended` is
  // called once a publication that is under way is over; at once where there is none. What else is under way
  // ends by itself.
  void retire(std::function<void()> ended);
  bool retired() const { return retired_; }
  // Tells an expiry. Whenever due() has passed.
  void tick();
  // Runs one check to its end, after begin_cycle(); the agent is kept alive by whoever spawned it.
  void begin_cycle();
  boost::asio::awaitable<void> cycle();

  const ZoneSettings& settings() const { return settings_; }
  const std::shared_ptr<backend::ZoneEntry>& shared_entry() const { return entry_; }
  SteadyTime due() const { return timer_.due(); }
  bool check_due() const { return timer_.check_due(Now::of(workshop_.clock)); }
  bool tried() const { return tried_ || row_.generation != 0; }
  // The zone file as it was read last, where there is one and nothing is under way; nullptr otherwise.
  const FileState* file_to_watch() const;
  ZoneStatus status() const;

  // The scheduler's: the entry in its heap that counts, and whether a cycle is under way or waits for its
  // turn.
  std::uint64_t ticket = 0;
  bool scheduled = false;

 private:
  enum class Outcome : std::uint8_t { current, behind, published, unchanged };
  struct Source {
    SourceSpec spec;
    PrimaryStatus status;
    SteadyTime no_ixfr_until{};  // differences of this zone were asked for in vain
  };

  boost::asio::awaitable<Result<Outcome>> try_source(std::size_t index, bool whole);
  boost::asio::awaitable<Result<Outcome>> try_primary(std::size_t index, bool whole);
  boost::asio::awaitable<std::optional<Result<Outcome>>> try_increment(std::size_t index, SteadyTime began,
                                                                       net::Trust trust);
  bool may_ask_for_increment(const Source& source) const;
  boost::asio::awaitable<Result<Outcome>> try_file(std::size_t index, bool whole);
  boost::asio::awaitable<Result<Outcome>> take_over(std::shared_ptr<BuiltZone> built, TransferCounts counts,
                                                    std::string source, SteadyTime began, bool any_serial);
  Result<Outcome> judge(std::uint32_t serial);
  Result<net::Trust> trust_of(const AxfrSource& source) const;
  std::vector<Secondary> secondaries() const;
  TransferRules rules() const;
  backend::BuildOptions build_options() const;
  std::shared_ptr<ZoneBuild> new_build() const;
  bool has_data() const { return row_.generation != 0; }

  void note_answer(Source& source, std::uint32_t serial, std::chrono::nanoseconds round_trip);
  void note_up(Source& source);
  void note_failure(Source& source, const Error& error);
  void note_serial(std::uint32_t serial);
  void note_fallback(Source& source, const Error& error);
  void note_refusal(const std::string& source, const Error& error);
  void announce(const BuiltZone& built, const TransferCounts& counts, const std::string& source,
                double seconds);
  void end_cycle(const Result<Outcome>& result);
  void answer(const Result<std::string>& outcome);

  Workshop& workshop_;
  const ZoneSettings settings_;
  const std::shared_ptr<backend::ZoneEntry> entry_;
  RefreshTimer timer_;
  backend::ZoneRow row_;
  dns::Soa soa_{};
  std::vector<Source> sources_;
  FileState file_state_;               // of the file as it was read last
  std::optional<Error> file_failure_;  // why it could not be taken then
  std::vector<Done> done_, waiting_;  // who wants the next cycle's outcome, and who that of the one under way
  bool retired_ = false, publishing_ = false;
  std::function<void()> retired_done_;
  bool whole_wanted_ = false, tried_ = false, transferring_ = false, answered_ = false;
  std::optional<std::uint32_t> hint_;  // the serial a NOTIFY told
  std::optional<std::uint32_t> primary_serial_;
  UnixTime out_of_sync_since_ = 0;
  std::optional<Failure> last_refusal_;
  std::uint64_t out_of_zone_dropped_ = 0;
  std::optional<TransferKind> last_transfer_;
};

}  // namespace understudy::sync
