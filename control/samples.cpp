#include "control/samples.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_set>

#include "dns/types.h"
#include "metrics/exposition.h"
#include "sync/reasons.h"

namespace understudy::control {
namespace {

using metrics::Exposition;
using Id = metrics::FamilyId;

double number(std::uint64_t value) { return static_cast<double>(value); }
double instant(UnixTime time) { return static_cast<double>(time); }

std::string zone_label(const dns::Name& apex) { return dns::to_string(apex.lowered()); }

// A primary is named by its address; a file by its source.
std::string primary_label(const sync::PrimaryStatus& primary) {
  return primary.address ? net::to_string(*primary.address) : primary.source;
}

constexpr audit::Class classes[] = {
    audit::Class::delegation,   audit::Class::wildcard, audit::Class::missing, audit::Class::extra,
    audit::Class::rcode,        audit::Class::rdata,    audit::Class::ttl,     audit::Class::dnssec,
    audit::Class::negative_ttl, audit::Class::flags};

// What holds of all zones, whichever have series of their own.
void add_roll_up(Exposition& out, const RollUp& all) {
  for (const sync::ZoneState state : all_states)
    out.add(Id::zones, {sync::to_string(state)}, number(all.by_state[static_cast<std::size_t>(state)]));
  out.add(Id::zones_suppressed, {}, number(all.suppressed));
  out.add(Id::zones_held, {}, number(all.held));
  out.add(Id::zones_out_of_sync, {}, number(all.out_of_sync));
  out.add(Id::zones_mismatching, {}, number(all.mismatching));
  for (const audit::Class c : classes) {
    const auto found = all.mismatches.find(c);
    out.add(Id::mismatches, {audit::to_string(c)}, found == all.mismatches.end() ? 0 : number(found->second));
  }
  for (const auto& [primary, zones] : all.primaries) {
    out.add(Id::primary_zones, {primary, "up"}, number(zones.up));
    out.add(Id::primary_zones, {primary, "down"}, number(zones.down));
  }
  for (const auto& [address, count] : all.mismatches_by_address)
    out.add(Id::primary_mismatches, {address}, number(count));
}

void add_zone(Exposition& out, const sync::ZoneStatus& zone, UnixTime now) {
  const std::string label = zone_label(zone.apex);
  const bool stored = zone.row.version != 0;
  if (stored) {
    if (zone.state != sync::ZoneState::expired) out.add(Id::zone_serial, {label, "served"}, zone.row.serial);
    // What is held is the newest that is stored.
    out.add(Id::zone_serial, {label, "stored"}, zone.held ? zone.held->row.serial : zone.row.serial);
    // What comes from a file of ours does not expire.
    if (zone.timers.expires != 0) out.add(Id::zone_expire, {label}, instant(zone.timers.expires));
  }
  if (zone.primary_serial) out.add(Id::zone_serial, {label, "primary"}, *zone.primary_serial);
  out.add(Id::zone_version, {label}, number(zone.row.version));
  out.add(Id::zone_records, {label}, number(zone.row.records));
  out.add(Id::zone_last_check, {label}, instant(zone.timers.last_check));
  out.add(Id::zone_last_success, {label}, instant(zone.timers.last_success));
  const UnixTime since = zone.out_of_sync_since;
  out.add(Id::zone_out_of_sync, {label}, since == 0 ? 0 : instant(std::max<UnixTime>(0, now - since)));
  out.add(Id::zone_held, {label}, zone.held ? 1 : 0);
  out.add(Id::zone_stale, {label}, zone.state == sync::ZoneState::stale ? 1 : 0);
  if (zone.catalog) out.add(Id::catalog_members, {label}, number(zone.catalog->members));
  if (zone.catalog && !zone.catalog->published) {
    out.add(Id::catalog_members_refused, {label}, number(zone.catalog->refused));
    out.add(Id::catalog_broken, {label}, zone.catalog->failure ? 1 : 0);
  }
  if (zone.signatures_end != 0) out.add(Id::zone_rrsig_min_expiry, {label}, instant(zone.signatures_end));
  using sync::ParentDs;
  if (zone.parent_ds.state != ParentDs::State::unasked) {
    for (const ParentDs::State state : {ParentDs::State::present, ParentDs::State::unknown})
      out.add(Id::zone_parent_ds, {label, sync::to_string(state)}, zone.parent_ds.state == state ? 1 : 0);
  }
  std::set<std::string> seen;  // a primary may stand twice in a list, a series may not
  for (const sync::PrimaryStatus& primary : zone.primaries) {
    const std::string name = primary_label(primary);
    if (!seen.insert(name).second) continue;
    out.add(Id::primary_up, {label, name}, primary.up ? 1 : 0);
    if (primary.soa_rtt_seconds) out.add(Id::primary_soa_rtt, {label, name}, *primary.soa_rtt_seconds);
  }
}

// It tells its serial, and answers most of what it is asked.
bool answers(const audit::Tally& tally) { return tally.serial_answered && tally.unknown * 2 <= tally.asked; }

// A zone that is compared with nobody has no series: zeros would look like a comparer that fell silent.
void add_comparison(Exposition& out, const audit::ZoneComparison& comparison) {
  if (comparison.against.empty()) return;
  constexpr audit::Verdict verdicts[] = {audit::Verdict::match, audit::Verdict::mismatch,
                                         audit::Verdict::dynamic, audit::Verdict::unknown};
  const std::string label = zone_label(comparison.zone);
  for (const audit::Verdict verdict : verdicts) {
    out.add(Id::compare, {label, audit::to_string(verdict)},
            number(comparison.totals[static_cast<std::size_t>(verdict)]));
  }
  for (std::size_t i = 0; i < comparison.against.size(); ++i) {
    const std::string address = net::to_string(comparison.against[i].address);
    for (const audit::Class c : classes) {
      out.add(Id::compare_mismatches, {label, address, audit::to_string(c)},
              number(comparison.mismatching[i][static_cast<std::size_t>(c)]));
    }
    out.add(Id::compare_primary_up, {label, address}, answers(comparison.against[i]) ? 1 : 0);
  }
  out.add(Id::compare_expected, {label}, number(comparison.expected));
  out.add(Id::compare_coverage, {label}, comparison.coverage);
  out.add(Id::compare_last_full_pass, {label}, instant(comparison.last_full_pass));
  if (comparison.oldest_mismatch != 0)
    out.add(Id::compare_oldest_mismatch, {label}, instant(comparison.oldest_mismatch));
}

// Counts by labels, with those that must be there from the start at 0.
using ByResult = std::map<std::string_view, std::uint64_t>;
using ByTransfer = std::map<std::tuple<std::string_view, std::string_view, std::string_view>, std::uint64_t>;

void add_totals(Exposition& out, const Rooms& rooms, const sync::SyncTotals& totals) {
  ByTransfer in;
  namespace reason = sync::reason;
  // Those that an alarm is likely to be written for; the others appear when they happen.
  for (const std::string_view result :
       {std::string_view("ok"), reason::timeout, reason::connection_refused, reason::unreachable,
        reason::network, reason::malformed, reason::refused, reason::servfail, reason::notauth,
        reason::soa_missing, reason::soa_mismatch, reason::bad_rdata, reason::mirror_io}) {
    in[{"axfr", "tcp", result}] = 0;
  }
  for (const std::string_view type : {"ixfr", "axfr-style"}) in[{type, "tcp", "ok"}] = 0;
  for (const auto& transfer : totals.transfers_in)
    in[{transfer.type, transfer.transport, transfer.result}] += transfer.count;
  for (const auto& [key, count] : in) {
    out.add(Id::transfers_in, {std::get<0>(key), std::get<1>(key), std::get<2>(key)}, number(count));
  }
  for (const auto& transfer : rooms.server.transfers_out()) {
    out.add(Id::transfers_out, {transfer.type, transfer.transport, transfer.result}, number(transfer.count));
  }
  out.add_summary(Id::transfer_in_duration, totals.transfer_durations_sum_count.at(0),
                  static_cast<std::uint64_t>(totals.transfer_durations_sum_count.at(1)));
  ByResult fallbacks;
  for (const std::string_view why :
       {reason::timeout, reason::refused, reason::servfail, reason::formerr, reason::not_implemented,
        reason::ixfr_gap, reason::ixfr_conflict, reason::ixfr_soa_only, reason::truncated}) {
    fallbacks[why] = 0;
  }
  for (const auto& [why, count] : totals.transfer_fallbacks) fallbacks[why] += count;
  for (const auto& [why, count] : fallbacks) out.add(Id::transfer_in_fallback, {why}, number(count));
  ByResult held;
  for (const std::string_view word : reason::held_for) held[word] = 0;
  for (const auto& [word, count] : totals.versions_held) held[word] += count;
  for (const auto& [word, count] : held) out.add(Id::versions_held, {word}, number(count));
  ByResult warned;
  for (const std::string_view word : reason::warned_of) warned[word] = 0;
  for (const auto& [word, count] : totals.versions_warned) warned[word] += count;
  for (const auto& [word, count] : warned) out.add(Id::versions_warned, {word}, number(count));
  ByResult received{{"ok", 0}}, sent{{"ok", 0}};
  for (const auto& [result, count] : totals.notify_received) received[result] += count;
  for (const auto& [result, count] : totals.notify_sent) sent[result] += count;
  for (const auto& [result, count] : received) out.add(Id::notify_received, {result}, number(count));
  for (const auto& [result, count] : sent) out.add(Id::notify_sent, {result}, number(count));
}

std::string type_label(std::size_t slot) {
  using Counters = metrics::WorkerCounters;
  if (slot == Counters::other_slot) return "other";
  return dns::to_string(slot == Counters::caa_slot ? dns::RRType::CAA
                                                   : dns::RRType{Counters::query_types[slot]});
}

// Sums of one cell over the workers.
template <class Select>
double sum(const std::vector<const metrics::WorkerCounters*>& workers, Select cell) {
  std::uint64_t total = 0;
  for (const metrics::WorkerCounters* worker : workers) total += cell(*worker).get();
  return number(total);
}

void add_serving(Exposition& out, const std::vector<const metrics::WorkerCounters*>& workers) {
  using Counters = metrics::WorkerCounters;
  constexpr std::string_view protos[] = {"udp", "tcp", "tls"}, addresses[] = {"ipv4", "ipv6"};
  constexpr std::string_view drops[] = {"malformed",        "response",      "send-failed",
                                        "connection-limit", "tls-handshake", "rate-limited"};
  static_assert(std::size(protos) == static_cast<std::size_t>(metrics::Proto::count));
  static_assert(std::size(drops) == static_cast<std::size_t>(metrics::Dropped::count));
  for (std::size_t p = 0; p < std::size(protos); ++p) {
    for (std::size_t a = 0; a < 2; ++a) {
      for (std::size_t t = 0; t < Counters::type_slots; ++t) {
        out.add(Id::dns_requests, {protos[p], addresses[a], type_label(t)},
                sum(workers, [&](const Counters& c) -> const metrics::Cell& { return c.requests[p][a][t]; }));
      }
    }
  }
  constexpr std::uint16_t always_shown = 6;  // NOERROR to REFUSED
  for (std::uint16_t r = 0; r < Counters::rcode_slots; ++r) {
    const double count =
        sum(workers, [&](const Counters& c) -> const metrics::Cell& { return c.responses[r]; });
    if (r >= always_shown && count == 0) continue;
    out.add(Id::dns_responses, {r + 1u == Counters::rcode_slots ? "other" : dns::to_string(dns::Rcode{r})},
            count);
  }
  for (std::size_t d = 0; d < std::size(drops); ++d) {
    out.add(Id::dns_dropped, {drops[d]},
            sum(workers, [&](const Counters& c) -> const metrics::Cell& { return c.dropped[d]; }));
  }
  constexpr std::string_view actions[] = {"dropped", "truncated", "badcookie", "logged"};
  static_assert(std::size(actions) == static_cast<std::size_t>(metrics::Limited::count));
  for (std::size_t a = 0; a < std::size(actions); ++a) {
    out.add(Id::dns_rate_limited, {actions[a]},
            sum(workers, [&](const Counters& c) -> const metrics::Cell& { return c.limited[a]; }));
  }
  out.add_durations(Id::dns_request_duration, workers);
}

void add_mirror(Exposition& out, backend::Mirror& mirror) {
  const auto statistics = mirror.statistics();
  if (!statistics) return;
  out.add(Id::lmdb_map_used, {},
          number(statistics->used_octets) / number(std::max<std::uint64_t>(1, statistics->map_octets)));
  out.add(Id::mirror_free, {}, number(statistics->free_octets));
  out.add(Id::lmdb_oldest_reader_age, {}, statistics->oldest_reader_age_seconds);
}

}  // namespace

SyncSnapshot take_snapshot(const Rooms& rooms, const ZoneChoice& choice) {
  SyncSnapshot snapshot;
  RollUp& all = snapshot.all;
  std::unordered_set<std::string> chosen;
  rooms.sync.visit([&](const sync::ZoneStatus& zone) {
    ++all.by_state[static_cast<std::size_t>(zone.state)];
    all.held += zone.held ? 1 : 0;
    all.out_of_sync += zone.out_of_sync_since != 0 ? 1 : 0;
    std::set<std::string> seen;  // a primary may stand twice in a list
    for (const sync::PrimaryStatus& primary : zone.primaries) {
      std::string name = primary_label(primary);
      if (!primary.address || !seen.insert(name).second) continue;
      RollUp::Zones& zones = all.primaries[std::move(name)];
      ++(primary.up ? zones.up : zones.down);
    }
    std::string label = zone_label(zone.apex);
    if (!choice.chooses(label, snapshot.zones.size())) {
      ++all.suppressed;
      return;
    }
    snapshot.zones.push_back(zone);
    chosen.insert(std::move(label));
  });
  for (audit::ZoneComparison& comparison : rooms.comparer.comparisons()) {
    all.mismatching += comparison.mismatches.empty() ? 0 : 1;
    for (std::size_t i = 0; i < comparison.against.size(); ++i) {
      std::uint64_t& here = all.mismatches_by_address[net::to_string(comparison.against[i].address)];
      for (const audit::Class c : classes) {
        const std::uint64_t count = comparison.mismatching[i][static_cast<std::size_t>(c)];
        here += count;
        all.mismatches[c] += count;
      }
    }
    if (chosen.contains(zone_label(comparison.zone))) snapshot.comparisons.push_back(std::move(comparison));
  }
  snapshot.totals = rooms.sync.totals();
  return snapshot;
}

std::string metrics_page(const Rooms& rooms, const SyncSnapshot& snapshot, backend::ZoneTables::Pin& pin) {
  Exposition out;
  out.add(Id::build_info, {UNDERSTUDY_VERSION}, 1);
  add_roll_up(out, snapshot.all);
  const UnixTime now = rooms.clock.wall();
  for (const sync::ZoneStatus& zone : snapshot.zones) add_zone(out, zone, now);
  for (const audit::ZoneComparison& comparison : snapshot.comparisons) add_comparison(out, comparison);
  const backend::ZoneTable& table = pin.acquire();
  for (const sync::ZoneStatus& zone : snapshot.zones) {
    if (const backend::ZoneEntry* const entry = table.find_exact(zone.apex))
      out.add(Id::zone_requests, {zone_label(zone.apex)}, number(entry->requests()));
  }
  pin.release();
  add_totals(out, rooms, snapshot.totals);
  add_serving(out, rooms.server.counters());
  add_mirror(out, rooms.mirror);
  return out.take_text();
}

}  // namespace understudy::control
