// Every bound of the program that is not an option, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace understudy::limits {

// Names and messages: RFC 1035 2.3.4 and 4.2.2.
inline constexpr std::size_t name_octets = 255;
inline constexpr std::size_t label_octets = 63;
inline constexpr std::size_t message_octets = 65535;
inline constexpr std::size_t udp_octets_without_edns = 512;
// What an RRset leaves free in its largest message: an OPT with every option of ours.
inline constexpr std::size_t opt_octets = 200;
// RFC 9715: what is sent over UDP is not fragmented on any ordinary path.
inline constexpr std::size_t udp_octets = 1232;

// CNAME and DNAME links followed inside one zone in one answer; Knot and BIND stop at about as many.
inline constexpr std::size_t chain_links = 16;

// Messages taken from a socket at once, and answered before any is sent.
inline constexpr std::size_t batch = 32;

// The mirror (DESIGN.md, The mirror).
inline constexpr std::size_t commit_octets = 8u << 20;     // a bulk build commits at least this often
inline constexpr std::size_t sort_run_octets = 12u << 20;  // records sorted in memory before a run is spilled
inline constexpr std::size_t collect_nodes = 20'000;  // nodes removed from a dead generation in one commit
inline constexpr std::size_t change_chunk_octets = 64u << 10;  // of a change, before compression
inline constexpr std::size_t patch_octets =
    commit_octets / 2;                                    // changed in place, in one transaction, at most
inline constexpr std::size_t trimmed_versions = 64;       // versions that one commit forgets at most
inline constexpr std::uint64_t map_octets = 64ull << 30;  // address space reserved at first; grows when full
inline constexpr unsigned max_readers = 1024;             // reader slots of the environment, all processes

// What one transfer may bring, unless the zone's options say otherwise.
inline constexpr std::uint64_t transfer_octets = 16ull << 30;
inline constexpr std::uint64_t transfer_records = 200'000'000;
inline constexpr std::uint32_t records_per_name = 100'000;

// Zone files.
inline constexpr std::size_t zone_file_entry_octets = 1u
                                                      << 20;  // 65535 octets of data, each written \DDD, fit
inline constexpr std::size_t include_depth = 10;
inline constexpr std::uint64_t generated_records = 1u << 24;  // one $GENERATE: a /8 of reverse names

// Refreshes under way at once; the rest wait their turn so that file descriptors and memory stay bounded.
inline constexpr std::size_t concurrent_refreshes = 128;

}  // namespace understudy::limits
