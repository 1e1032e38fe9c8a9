// A zone agent looks after one zone: which source to ask, when, and what to make of the answer.
//
// Sync thread. An agent is a few hundred octets and no coroutine while nothing is due; the scheduler calls
// cycle() when its timer says so, one cycle at a time. What agents share stands in Workshop.
//
// What arrives goes through the gate: served, or held. An operator's orders (hold, accept, rollback, resume)
// come between cycles or in the midst of one; turn_ keeps publications of the zone apart, and what was built
// against a version that is live no more is not taken.
//
//   cycle:  for each source, in order of preference
//             primary:  SOA probe --not newer--> current        file:  unchanged --> current
//                         | newer, no data yet, or retransfer            | changed
//                         v                                              v
//                       transfer --> build --> gate --> publish or hold  <------------- build
//           a transfer of a newer version is IXFR first, and AXFR once where that fails for whatever reason
//           the first source that is current or delivers ends the cycle; where none does, the cycle failed
#pragma once

#include <functional>

#include "backend/events.h"
#include "sync/file_source.h"
#include "sync/gate.h"
#include "sync/notify_sender.h"
#include "sync/primary_health.h"
#include "sync/refresh_timer.h"
#include "sync/transfer_client.h"

namespace understudy::sync {

// Counts by word, for metrics.
struct Tallies {
  std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> transfers_in;  // by type and result
  std::map<std::string_view, std::uint64_t> transfer_fallbacks, notify_received, versions_held;
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
  // An agent's due() changed while no cycle of it was under way.
  std::function<void(const std::shared_ptr<class ZoneAgent>&)> reschedule;
};

class ZoneAgent : public std::enable_shared_from_this<ZoneAgent> {
 public:
  using Done = std::function<void(Result<std::string>)>;

  ZoneAgent(Workshop& workshop, ZoneSettings settings, std::shared_ptr<backend::ZoneEntry> entry);

  // What the mirror holds. Before the first cycle.
  struct Remembered {
    std::optional<dns::Soa> soa;
    backend::TimerRow timers;
    backend::Standing standing;
    std::optional<backend::HeldVersion> held;
  };
  void start(const backend::ZoneRow& row, Remembered remembered);

  // A check at once. `done` may be empty.
  void want_check(Done done);
  void want_transfer(Done done);
  void notified(const boost::asio::ip::address& from, std::optional<std::uint32_t> serial);
  // What an operator decides. `done` is called once, with what came of it in words. Errors: "not-held",
  // "version-unknown", "signature-ended", "serial-raise", "superseded", and those of the mirror.
  enum class Order : std::uint8_t { hold, accept, rollback, resume };
  void order(Order order, backend::Version version, bool force, Done done);
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
  SteadyTime due() const { return std::min({timer_.due(), accept_at_, signatures_end_at_}); }
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
  enum class Outcome : std::uint8_t { current, behind, published, unchanged, held };
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
  // What arrived: a version, and where from.
  struct Arrival {
    std::shared_ptr<BuiltZone> built;
    TransferCounts counts;
    std::string source;
    SteadyTime began;
  };
  using Findings = std::vector<Finding>;
  boost::asio::awaitable<Result<Findings>> pass_gate(std::shared_ptr<BuiltZone> built);
  boost::asio::awaitable<std::optional<Finding>> ask_command(std::shared_ptr<BuiltZone> built);
  boost::asio::awaitable<Result<Outcome>> settle(Arrival arrival, Findings findings);
  boost::asio::awaitable<Result<Outcome>> publish(Arrival arrival);
  boost::asio::awaitable<Result<Outcome>> hold(Arrival arrival, Finding why);
  boost::asio::awaitable<Result<>> publish_held(backend::Standing standing);
  boost::asio::awaitable<Result<std::string>> obey(Order order, backend::Version version, bool force);
  boost::asio::awaitable<Result<std::string>> accept(backend::Version version);
  boost::asio::awaitable<Result<std::shared_ptr<BuiltZone>>> restore_version(backend::Version version,
                                                                             bool force);
  boost::asio::awaitable<Result<std::string>> roll_back(backend::Version version, bool force);
  boost::asio::awaitable<Result<std::string>> resume();
  boost::asio::awaitable<Result<>> save_standing(backend::Standing standing);
  std::optional<Error> judge_serial(const BuiltZone& built, Findings& findings) const;
  bool is_live(const BuiltZone& built) const;
  bool full_check_due() const;
  Publisher::Order order_of(std::string source, const backend::TimerRow& timers) const;
  void adopt(const backend::ZoneRow& row, std::uint32_t source_serial);
  void tell_others(std::uint32_t soa_ttl, dns::Octets soa_rdata);
  bool tell_others_from_mirror();
  void show_service();
  void became_stale();
  void look_for_signatures();
  void accept_later();
  Error removed() const;

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
  BulkGate turn_;  // of whoever publishes, or holds
  backend::ZoneRow row_;
  backend::Standing standing_;
  std::optional<backend::HeldVersion> held_;
  SteadyTime accept_at_ = SteadyTime::max();          // when the held version is published by itself
  SteadyTime signatures_end_at_ = SteadyTime::max();  // while stale
  UnixTime signatures_end_ = 0;                       // the first end of a signature, where it was looked for
  SteadyTime whole_at_{};                             // when the zone was transferred whole last
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
