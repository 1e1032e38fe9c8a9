#include "metrics/families.h"

#include <array>

namespace understudy::metrics {
namespace {

using Id = FamilyId;
using Type = FamilyType;
template <std::size_t n>
using Labels = std::array<std::string_view, n>;

constexpr Labels<1> version{"version"}, state{"state"}, zone{"zone"}, result{"result"}, rcode{"rcode"},
    reason{"reason"}, action{"action"}, primary{"primary"}, difference{"class"};
constexpr Labels<2> zone_role{"zone", "role"}, zone_primary{"zone", "primary"}, zone_result{"zone", "result"},
    primary_state{"primary", "state"}, zone_state{"zone", "state"};
constexpr Labels<3> transfer{"type", "transport", "result"}, zone_primary_class{"zone", "primary", "class"},
    proto_family_type{"proto", "family", "type"};

constexpr FamilyRow rows[] = {
    {Id::build_info, "understudy_build_info", Type::gauge, version, "Always 1; the version is the label."},
    {Id::zones, "understudy_zones", Type::gauge, state, "Zones by state; each zone is in exactly one."},
    {Id::zones_suppressed,
     "understudy_zones_suppressed",
     Type::gauge,
     {},
     "Zones that have no series of their own, since there are too many."},
    {Id::zones_held,
     "understudy_zones_held",
     Type::gauge,
     {},
     "Zones of which a version is stored and not served; of all zones, as are the next ones."},
    {Id::zones_out_of_sync,
     "understudy_zones_out_of_sync",
     Type::gauge,
     {},
     "Zones of which a primary has told a newer serial than the one that is served."},
    {Id::zones_mismatching,
     "understudy_zones_mismatching",
     Type::gauge,
     {},
     "Zones with an answer that differs from a primary's now."},
    {Id::mismatches, "understudy_mismatches", Type::gauge, difference,
     "Answers that differ from a primary's now, by class, over all zones."},
    {Id::primary_zones, "understudy_primary_zones", Type::gauge, primary_state,
     "Zones that are learned from this primary, by whether its last attempt was answered: up or down."},
    {Id::primary_mismatches, "understudy_primary_mismatches", Type::gauge, primary,
     "Answers that differ from this primary's now, over all zones."},
    {Id::zone_serial, "understudy_zone_serial", Type::gauge, zone_role,
     "SOA serial: served to clients, stored in the mirror, newest told by a primary."},
    {Id::zone_version, "understudy_zone_version", Type::gauge, zone,
     "Version of the mirror that is served; counted by us from 1."},
    {Id::zone_records, "understudy_zone_records", Type::gauge, zone,
     "Records in the version that is served."},
    {Id::zone_last_check, "understudy_zone_last_check_timestamp_seconds", Type::gauge, zone,
     "When a primary last answered about the serial; 0: never."},
    {Id::zone_last_success, "understudy_zone_last_success_timestamp_seconds", Type::gauge, zone,
     "When the zone was last known to be current; 0: never."},
    {Id::zone_expire, "understudy_zone_expire_timestamp_seconds", Type::gauge, zone,
     "When the zone expires unless a primary answers before; absent where it never does."},
    {Id::zone_out_of_sync, "understudy_zone_out_of_sync_seconds", Type::gauge, zone,
     "For how long a primary has told a newer serial than the one that is served; 0: in sync."},
    {Id::zone_held, "understudy_zone_held", Type::gauge, zone,
     "Whether a version is stored and not served: by the gate, or by an operator."},
    {Id::zone_stale, "understudy_zone_stale", Type::gauge, zone,
     "Whether the zone is served past its expire time, as its policy says."},
    {Id::zone_rrsig_min_expiry, "understudy_zone_rrsig_min_expiry_timestamp_seconds", Type::gauge, zone,
     "When the first signature of the zone ends or ended, to the day; absent where it is not signed."},
    {Id::catalog_members, "understudy_catalog_members", Type::gauge, zone,
     "Zones that are served since this catalog lists them, or that it lists where it is made here."},
    {Id::catalog_members_refused, "understudy_catalog_members_refused", Type::gauge, zone,
     "Zones that this catalog lists and that are not taken from it: not allowed, or somebody else's "
     "already."},
    {Id::catalog_broken, "understudy_catalog_broken", Type::gauge, zone,
     "Whether the version of this catalog that is stored as the live one cannot be obeyed."},
    {Id::zone_parent_ds, "understudy_zone_parent_ds", Type::gauge, zone_state,
     "Of a zone that is served without DNSKEY: whether its parent publishes a DS record (present), or could "
     "not be asked (unknown); absent where nobody is asked."},
    {Id::primary_up, "understudy_primary_up", Type::gauge, zone_primary,
     "Whether the last attempt at this primary was answered."},
    {Id::primary_soa_rtt, "understudy_primary_soa_rtt_seconds", Type::gauge, zone_primary,
     "How long this primary took to answer the last SOA query."},
    {Id::transfers_in, "understudy_transfers_in_total", Type::counter, transfer,
     "Transfers from primaries by outcome."},
    {Id::transfer_in_duration,
     "understudy_transfer_in_duration_seconds",
     Type::summary,
     {},
     "How long transfers from primaries took, from the first octet asked to the version published."},
    {Id::transfer_in_fallback, "understudy_transfer_in_fallback_total", Type::counter, reason,
     "Whole transfers that followed an IXFR which failed, by what it failed for."},
    {Id::versions_held, "understudy_versions_held_total", Type::counter, reason,
     "Versions that were stored and not served, by what the gate found, or the operator's order."},
    {Id::versions_warned, "understudy_versions_warned_total", Type::counter, reason,
     "Versions that were served although the gate found something, by what it was told to warn of."},
    {Id::notify_received, "understudy_notify_received_total", Type::counter, result,
     "NOTIFY messages that came in, by outcome."},
    {Id::notify_sent, "understudy_notify_sent_total", Type::counter, result,
     "NOTIFY messages that went out, by outcome."},
    {Id::transfers_out, "understudy_transfers_out_total", Type::counter, transfer,
     "Transfers to secondaries of ours by outcome."},
    {Id::compare, "understudy_compare_total", Type::counter, zone_result,
     "Comparisons with a primary's answer, by verdict."},
    {Id::compare_mismatches, "understudy_compare_mismatches", Type::gauge, zone_primary_class,
     "Answers that differ from a primary's now, by class."},
    {Id::compare_primary_up, "understudy_compare_primary_up", Type::gauge, zone_primary,
     "1 where the address that is compared with tells its serial and answers most questions; else 0."},
    {Id::compare_expected, "understudy_compare_expected", Type::gauge, zone,
     "Answers that differ from a primary's now as [[compare.expect]] says."},
    {Id::compare_coverage, "understudy_compare_coverage_ratio", Type::gauge, zone,
     "Share of the zone that the running comparison pass has covered."},
    {Id::compare_last_full_pass, "understudy_compare_last_full_pass_timestamp_seconds", Type::gauge, zone,
     "When a comparison pass last covered the whole zone; 0: never."},
    {Id::compare_oldest_mismatch, "understudy_compare_oldest_mismatch_timestamp_seconds", Type::gauge, zone,
     "Since when the oldest of the present disagreements stands; absent where there is none."},
    {Id::zone_requests, "understudy_zone_requests_total", Type::counter, zone,
     "Queries that this zone answered."},
    {Id::dns_requests, "understudy_dns_requests_total", Type::counter, proto_family_type,
     "Queries by transport, address family and type."},
    {Id::dns_responses, "understudy_dns_responses_total", Type::counter, rcode,
     "Responses by response code."},
    {Id::dns_request_duration,
     "understudy_dns_request_duration_seconds",
     Type::histogram,
     {},
     "From a worker's wake-up to the answers being sent, counted once for each query of the batch."},
    {Id::dns_dropped, "understudy_dns_dropped_total", Type::counter, reason,
     "Messages that got no response and connections that were refused, by reason."},
    {Id::dns_rate_limited, "understudy_dns_rate_limited_total", Type::counter, action,
     "Responses over the rate limit, by what was done with them."},
    {Id::lmdb_map_used,
     "understudy_lmdb_map_used_ratio",
     Type::gauge,
     {},
     "Share of the mirror's map that is in use."},
    {Id::mirror_free,
     "understudy_mirror_free_bytes",
     Type::gauge,
     {},
     "What disk and map still allow the mirror to grow by."},
    {Id::lmdb_oldest_reader_age,
     "understudy_lmdb_oldest_reader_age_seconds",
     Type::gauge,
     {},
     "Age of the oldest read transaction; an old one keeps the mirror from reusing space."},
};

consteval bool in_order() {
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    if (static_cast<std::size_t>(rows[i].id) != i) return false;
  }
  return std::size(rows) == static_cast<std::size_t>(Id::count);
}
static_assert(in_order(), "rows stand in the order of FamilyId, each once");

}  // namespace

std::span<const FamilyRow> families() { return rows; }

}  // namespace understudy::metrics
