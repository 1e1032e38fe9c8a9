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
//             primary:  SOA probe --not newer--> current        file:  unchanged --> current  (catalog:
//             built)
//                         | newer, no data yet, or retransfer;           | changed
//                         | not asked where its NOTIFY told a newer one  |
//                         v                                              v
//                       transfer --> build --> gate --> publish or hold  <------------- build
//           a transfer of a newer version is IXFR first, and AXFR once where that fails for whatever reason
//           the first source that delivers ends the cycle; where none is current either, the cycle failed
//
// Of several primaries the one that gave what is live is pinned: differences lead on from its history only.
// Another that has a newer serial is waited for (ahead) while the pinned one may still follow, then moved to
// (the newest first, whole) and pinned.
#pragma once

#include <functional>

#include "backend/events.h"
#include "sync/file_source.h"
#include "sync/gate.h"
#include "sync/notify_sender.h"
#include "sync/parent_ds.h"
#include "sync/primary_health.h"
#include "sync/refresh_timer.h"
#include "sync/transfer_client.h"

namespace understudy::sync {

// Counts by word, for metrics.
struct Tallies {
  using Transfer = std::tuple<std::string_view, std::string_view, std::string_view>;
  std::map<Transfer, std::uint64_t> transfers_in;  // by type, transport and result
  std::map<std::string_view, std::uint64_t> transfer_fallbacks, notify_received, versions_held,
      versions_warned;
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
  BulkGate& counting;  // of signatures: one zone at a time
  PrimaryHealth& health;
  Connections& connections;
  NotifySender& notify;
  Credentials credentials;  // a ring always
  Tallies& tallies;
  std::vector<backend::PublicationListener*>& listeners;
  // Timer rows changed: kept for the next flush.
  std::function<void(backend::ZoneId, const backend::TimerRow&)> save_timers;
  // The agent of a zone that is served; nullptr where there is none.
  std::function<const class ZoneAgent*(dns::NameView)> find_zone;
  // An agent's due() changed while no cycle of it was under way.
  std::function<void(const std::shared_ptr<class ZoneAgent>&)> reschedule;
  // The zones that a catalog of ours may list.
  std::function<std::vector<std::pair<dns::Name, backend::ZoneId>>()> served;
};

class ZoneAgent : public std::enable_shared_from_this<ZoneAgent> {
 public:
  using Done = std::function<void(Result<std::string>)>;

  // Of `zone` what no other has; `shared` is the rest of it.
  ZoneAgent(Workshop& workshop, const ZoneSettings& zone, std::shared_ptr<const SharedSettings> shared,
            std::shared_ptr<backend::ZoneEntry> entry);

  // What the mirror holds. Before the first cycle.
  struct Remembered {
    std::optional<dns::Soa> soa;
    backend::TimerRow timers;
    backend::Standing standing;
    std::optional<backend::HeldVersion> held;
    bool is_signed = false;  // the live version's SOA is
    std::string source;      // that the live version came from; empty: not known, or there is only one
  };
  void start(const backend::ZoneRow& row, Remembered remembered);

  // A check at once. `done` may be empty.
  void want_check(Done done);
  void want_transfer(Done done);
  // A source is asked with one of these keys, or where `tls` over TLS.
  bool is_asked_with(const std::vector<dns::Name>& keys, bool tls) const;
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

  dns::Name apex() const { return dns::Name(entry_->apex()); }
  const SharedSettings& settings() const { return *settings_; }
  bool was_added() const { return added_; }  // at run time; false: the configuration has it, or a catalog
  const backend::MemberZone* member() const { return member_.get(); }  // nullptr: no catalog has it
  bool has_settings(const ZoneSettings& zone) const;
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
  enum class Outcome : std::uint8_t {
    current,
    behind,  // of the serial: there is something to fetch
    ahead,   // the same, but the pinned primary is waited for
    published,
    unchanged,
    held,
  };
  // What is remembered of a source; see PrimaryStatus.
  struct Source {
    const SourceSpec& spec;  // of settings_
    std::optional<std::uint32_t> serial = {};
    UnixTime last_answer = 0, failing_since = 0;
    std::unique_ptr<Failure> failure = {};
    SteadyTime no_ixfr_until{};  // differences of this zone were asked for in vain
    bool up = false;
  };
  static const net::Endpoint& primary_of(const Source& source);
  static PrimaryStatus status_of(const Source& source);

  boost::asio::awaitable<Result<Outcome>> try_source(std::size_t index, bool whole);
  boost::asio::awaitable<Result<Outcome>> try_primary(std::size_t index, bool whole);
  boost::asio::awaitable<Result<Outcome>> move_on(std::vector<std::size_t> ahead);
  // How a primary is asked in this check, and what it told on the way.
  struct Approach {
    net::Trust trust;
    bool edns = true;
    std::optional<std::uint32_t> expire = {};  // of its answer to the SOA question (RFC 7314)
    SteadyTime began = {};
  };
  boost::asio::awaitable<Result<Outcome>> ask_for_serial(std::size_t index, Approach& approach);
  boost::asio::awaitable<Result<Transferred>> fetch_whole(std::size_t index, Approach& approach);
  boost::asio::awaitable<std::optional<Result<Outcome>>> try_increment(std::size_t index, Approach approach);
  bool gave_what_is_live(std::size_t index) const;
  bool may_ask_for_increment(std::size_t index) const;
  bool told_of_newer(std::size_t index) const;
  boost::asio::awaitable<Result<Outcome>> try_file(std::size_t index, bool whole);
  boost::asio::awaitable<Result<Outcome>> try_catalog(std::size_t index);
  // What arrived: a version, and where from.
  struct Arrival {
    std::shared_ptr<BuiltZone> built;
    TransferCounts counts;
    std::size_t source;  // of sources_
    SteadyTime began;
    bool any_serial = false;  // it was asked for by name
    std::vector<Warning> warnings = {};
  };
  boost::asio::awaitable<Result<Outcome>> take_over(Arrival arrival);
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
  void adopt(const backend::ZoneRow& row, std::uint32_t source_serial, std::string_view source,
             std::vector<Warning> warnings);
  void note_warnings(std::vector<Warning> warnings);
  void pin(std::string_view source);
  bool may_move() const;
  void tell_others(std::uint32_t soa_ttl, dns::Octets soa_rdata);
  bool tell_others_from_mirror();
  void show_service();
  void follow_signatures(const BuiltZone& built);
  void begin_counting();
  boost::asio::awaitable<void> count_signatures();
  bool take_count(std::optional<std::pair<backend::Version, backend::SignatureEnds>> counted);
  void apply(const backend::SignatureChange& change);
  void show_signatures();
  std::optional<ParentDs> ask_own_parent() const;
  boost::asio::awaitable<ParentDs> ask_parent();
  boost::asio::awaitable<std::optional<Finding>> judge_parent(bool may_hold);
  void look_at_parent();
  boost::asio::awaitable<void> watch_parent(backend::Version version);
  void accept_later();
  Error removed() const;
  Error no_source() const;

  Result<Outcome> judge(std::size_t index, std::uint32_t serial);
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
  void note_expire(std::optional<std::uint32_t> told);
  void note_refusal(const Source& source, const Error& error);
  void count_transfer(TransferKind kind, const Source& source, std::string_view result);
  void announce(const Arrival& arrival);
  void end_cycle(const Result<Outcome>& result);
  void answer(const Result<std::string>& outcome);

  Workshop& workshop_;
  const std::shared_ptr<const SharedSettings> settings_;
  const std::shared_ptr<backend::ZoneEntry> entry_;
  const bool added_;
  const std::unique_ptr<const backend::MemberZone> member_;
  RefreshTimer timer_;
  BulkGate turn_;  // of whoever publishes, or holds
  backend::ZoneRow row_;
  backend::Standing standing_;
  std::unique_ptr<const backend::HeldVersion> held_;
  // Of what is live and of what is held. None: the gate warned of nothing, or it came before the start.
  struct Warnings {
    std::vector<Warning> live, held;
  };
  std::unique_ptr<Warnings> warnings_;
  SteadyTime accept_at_ = SteadyTime::max();          // when the held version is published by itself
  SteadyTime signatures_end_at_ = SteadyTime::max();  // while stale
  UnixTime signatures_end_ = 0;                       // the first end of a signature, where it is known
  struct Signatures {
    using Changes = std::vector<std::pair<backend::Version, std::optional<backend::SignatureChange>>>;
    std::unique_ptr<backend::SignatureEnds> ends;  // none: there are none
    backend::Version counted_to = 0;               // the version that `ends` is of; 0: of none
    // Published while they are counted; without a change: that could not be told. None: nobody counts.
    std::unique_ptr<Changes> since;
  } signatures_;
  // Of what is live, and of what the gate looks at. None: unasked.
  std::unique_ptr<const ParentDs> parent_ds_, asked_parent_;
  std::optional<SteadyTime> parent_asked_;
  SteadyTime whole_at_{};  // when the zone was transferred whole last
  dns::Soa soa_{};
  std::vector<Source> sources_;
  // The file as it was read last, and why it could not be taken then.
  struct FileNote {
    FileState state;
    std::optional<Error> failure;
  };
  std::unique_ptr<FileNote> file_;
  bool retired_ = false, publishing_ = false;
  bool whole_wanted_ = false, tried_ = false, transferring_ = false, answered_ = false;
  bool moving_ = false;  // whoever has a newer version gives it
  bool looking_at_parent_ = false;
  // What a NOTIFY told; the first is of the one that came last, the second of the one that the check under
  // way is for.
  struct Hint {
    std::optional<std::uint32_t> serial;
    bool first;  // it came from the address of the first source
    // That there is nothing which is not served already.
    bool nothing_after(std::uint32_t ours) const {
      return serial && !dns::Serial(*serial).is_newer_than(dns::Serial(ours));
    }
  };
  // What an agent at rest has nothing of.
  struct Errands {
    std::vector<Done> next, now;  // who wants the next cycle's outcome, and who that of the one under way
    std::optional<Hint> hint, heard;
    std::optional<ToldExpire> told;  // by those that were asked in the check under way
    std::function<void()> ended;     // for whoever retired it
  };
  Errands& errands();  // made where there are none
  void rest();         // gives them back after a cycle
  std::optional<Hint> heard() const { return errands_ ? errands_->heard : std::nullopt; }
  ToldExpire told() const { return errands_ ? errands_->told.value_or(ToldExpire{}) : ToldExpire{}; }
  std::unique_ptr<Errands> errands_;       // none: nothing is wanted, and no cycle under way
  std::optional<std::size_t> pinned_;      // the source of what is live, where there are several
  std::optional<SteadyTime> ahead_since_;  // another has a newer version, and the pinned one has not
  std::optional<std::uint32_t> primary_serial_;
  UnixTime out_of_sync_since_ = 0;
  std::unique_ptr<Failure> last_refusal_;
  std::uint64_t out_of_zone_dropped_ = 0;
  std::uint64_t listed_ = 0;  // zones in the catalog that was made last
  std::optional<TransferKind> last_transfer_;
};

}  // namespace understudy::sync
