// What sync knows of a zone at this moment, as values that can leave the sync thread: for `status`, HTTP and
// metrics.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backend/mirror.h"
#include "net/address.h"

namespace understudy::sync {

// Exclusive. fresh: the last check succeeded; retrying: the last check failed, data is served and not
// expired; stale: served past expire by policy; expired: SERVFAIL; empty: never had data.
enum class ZoneState : std::uint8_t { empty, fresh, retrying, stale, expired };
std::string_view to_string(ZoneState state);

struct Failure {
  std::string_view reason;  // the shared vocabulary
  std::string message;
  UnixTime when = 0;
};

// What the gate found in a version that it let through, since the policy says no more than to tell.
struct Warning {
  std::string_view reason;  // the shared vocabulary
  std::string message;
};

// up and not failing: it answered and was believed; up and failing: it answers, but what it tells is not
// taken; neither: it was not asked yet. Silence that another zone met at the same address counts here too.
struct PrimaryStatus {
  std::string source;                     // as configured
  std::optional<net::Endpoint> address;   // none for files
  bool up = false;                        // the last attempt was answered
  std::optional<std::uint32_t> serial;    // the last one it told of this zone
  UnixTime last_answer = 0;               // about this zone
  std::optional<double> soa_rtt_seconds;  // of its last answer to a question for an SOA
  std::optional<Failure> failure;         // the last one, kept after recovery
  UnixTime failing_since = 0;             // 0: not failing
  bool pinned = false;                    // what is live came from it, and differences do
  // What it turned out not to do, for any zone, and is not asked for a while: "no-edns", "no-ixfr",
  // "no-reuse" (of connections).
  std::vector<std::string_view> learnt = {};
};

// What the parent of a zone that is served without DNSKEY says of it.
struct ParentDs {
  enum class State : std::uint8_t {
    unasked,  // there is nobody to ask, or the zone is signed
    none,     // no DS record: nobody expects signatures
    present,  // a DS record: validating resolvers refuse the zone
    unknown,  // who was asked could not tell
  };
  State state = State::unasked;
  std::string message;  // where it is present or unknown
};
std::string_view to_string(ParentDs::State state);

// The newest NOTIFY to a secondary of ours.
struct NotifyStatus {
  net::Endpoint secondary;
  std::uint32_t serial = 0;
  std::string_view result;  // "ok" or a reason; while pending that of the one before, empty: there was none
  UnixTime when = 0;        // of the result; while pending since when
  bool pending = false;
};

// Of a catalog: what became of what it lists.
struct CatalogStatus {
  static constexpr std::size_t shown = 20;
  struct Refused {
    dns::Name zone;
    std::string_view reason;
    std::string message;
  };
  bool published = false;  // we make it; false: we obey it
  std::uint64_t members = 0;
  std::uint64_t refused = 0;           // listed, and not taken
  std::vector<Refused> first_refused;  // at most `shown`
  std::optional<Failure> failure;      // it cannot be read: its members stay what they were
};

struct ZoneStatus {
  dns::Name apex;
  bool added = false;  // at run time; false: the configuration has it, or a catalog
  std::optional<backend::MemberZone> member = {};
  std::optional<CatalogStatus> catalog = {};
  ZoneState state = ZoneState::empty;
  backend::ZoneRow row;  // what is served
  backend::TimerRow timers;
  dns::Soa soa{};                               // of what is served
  std::optional<std::uint32_t> primary_serial;  // the newest that any primary told
  UnixTime out_of_sync_since = 0;               // 0: in sync, as far as serials tell
  std::optional<Failure> last_refusal;          // of a version that was transferred and not taken
  std::uint64_t out_of_zone_dropped = 0;        // records, in the version that is served
  bool transferring = false;
  std::string_view last_transfer;  // the type of the last one that was published; empty: none since the start
  backend::Standing standing;
  std::optional<backend::HeldVersion> held;
  // Of what is served, as it came; not kept by the mirror. What its parent says of it is parent_ds.
  std::vector<Warning> warnings = {};
  bool raises_serial = false;   // where a version's own would not be newer
  Seconds accept_after{0};      // a held version is published by itself after that; 0: never
  UnixTime signatures_end = 0;  // the first of them; 0: not signed, or not counted yet
  ParentDs parent_ds = {};
  std::vector<PrimaryStatus> primaries;
  std::vector<NotifyStatus> secondaries;  // that were told of a version since the start
};

// A zone that is served no more, and whose data are kept for a while: so long.
inline constexpr Seconds unserved_kept{7 * 86400};
struct UnservedStatus {
  dns::Name apex;
  UnixTime since = 0;
  backend::ZoneRow row;
};

// What a reload changed.
struct ReloadOutcome {
  std::vector<dns::Name> added, removed, changed;
  std::size_t same = 0;
  std::vector<dns::Name> keys;  // that came, went or are not like they were
};

// Totals since the start, for metrics. Read on the sync thread.
struct SyncTotals {
  // result: "ok" or a reason; the exposition pre-sets "ok" and "failed".
  struct Transfer {
    std::string_view type, transport, result;
    std::uint64_t count = 0;
  };
  std::vector<Transfer> transfers_in;
  std::vector<std::pair<std::string_view, std::uint64_t>> transfer_fallbacks;  // by reason
  std::vector<double> transfer_durations_sum_count{0, 0};                      // seconds, transfers
  std::vector<std::pair<std::string_view, std::uint64_t>> notify_received;     // by result
  std::vector<std::pair<std::string_view, std::uint64_t>> notify_sent;         // by result
  std::vector<std::pair<std::string_view, std::uint64_t>> versions_held;       // by reason
  std::vector<std::pair<std::string_view, std::uint64_t>> versions_warned;     // by reason
};

}  // namespace understudy::sync
