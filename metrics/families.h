// The rows that declare each metric family: name, type, help, labels. Dashboards hang on them (a contract).
//
// A constant table; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace understudy::metrics {

enum class FamilyId : std::uint8_t {
  build_info,
  zones,
  zones_suppressed,
  zones_held,
  zones_out_of_sync,
  zones_mismatching,
  mismatches,
  primary_zones,
  primary_mismatches,
  zone_serial,
  zone_version,
  zone_records,
  zone_last_check,
  zone_last_success,
  zone_expire,
  zone_out_of_sync,
  zone_held,
  zone_stale,
  zone_rrsig_min_expiry,
  catalog_members,
  catalog_members_refused,
  catalog_broken,
  zone_parent_ds,
  primary_up,
  primary_soa_rtt,
  transfers_in,
  transfer_in_duration,
  transfer_in_fallback,
  versions_held,
  versions_warned,
  notify_received,
  notify_sent,
  transfers_out,
  compare,
  compare_mismatches,
  compare_primary_up,
  compare_expected,
  compare_coverage,
  compare_last_full_pass,
  compare_oldest_mismatch,
  zone_requests,
  dns_requests,
  dns_responses,
  dns_request_duration,
  dns_dropped,
  dns_rate_limited,
  lmdb_map_used,
  mirror_free,
  lmdb_oldest_reader_age,
  count,
};

enum class FamilyType : std::uint8_t { counter, gauge, histogram, summary };

struct FamilyRow {
  FamilyId id;
  std::string_view name;
  FamilyType type;
  std::span<const std::string_view> labels;  // every sample has all of them, in this order
  std::string_view help;
};

// In the order of FamilyId, which is the order of exposition.
std::span<const FamilyRow> families();

}  // namespace understudy::metrics
