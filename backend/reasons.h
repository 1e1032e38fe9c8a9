// Why what was to be built, changed or read back could not be: what this room's Errors give as their reasons,
// the same in logs, metrics, `status` and JSON. sync/reasons.h has all of them.
#pragma once

#include <string_view>

namespace understudy::backend::reason {

// What came was no whole, sane zone.
inline constexpr std::string_view soa_missing = "soa-missing";                    // none at the apex
inline constexpr std::string_view second_soa = "second-soa";                      // one away from the apex
inline constexpr std::string_view apex_ns_missing = "apex-ns-missing";            // no name servers
inline constexpr std::string_view rrset_too_large = "rrset-too-large";            // it fits no message
inline constexpr std::string_view too_many_at_name = "limit-name";                // more than limits allow
inline constexpr std::string_view cname_and_other_data = "cname-and-other-data";  // at one name
inline constexpr std::string_view ixfr_conflict =
    "ixfr-conflict";  // a difference removes what is not there, or adds what is

inline constexpr std::string_view version_unknown = "version-unknown";  // never there, or forgotten
inline constexpr std::string_view stopping = "stopping";                // we are being shut down

// The mirror, and the disk below it.
inline constexpr std::string_view mirror_io = "mirror-io";            // our own disk or map, or it is damaged
inline constexpr std::string_view disk_full = "disk-full";            // no space in the data directory
inline constexpr std::string_view map_full = "map-full";              // the map cannot grow any more
inline constexpr std::string_view mirror_readers = "mirror-readers";  // too many processes read it
inline constexpr std::string_view mirror_missing = "mirror-missing";  // there is none to read
inline constexpr std::string_view mirror_in_use = "mirror-in-use";    // another server writes it
inline constexpr std::string_view mirror_schema = "mirror-schema";    // newer than this program, or foreign

}  // namespace understudy::backend::reason
