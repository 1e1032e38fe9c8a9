// Where things stand in a node block. Shared by NodeView and NodeBuilder; on disk, so frozen
// (docs/formats.md).
#pragma once

#include <cstddef>

namespace understudy::backend::node_format {

// flags 1, cover labels 1, RRsets 2
inline constexpr std::size_t head_octets = 4;
inline constexpr std::size_t rrset_count_at = 2;
// type 2, offset of the RRset in the block 4
inline constexpr std::size_t directory_entry_octets = 6;
// TTL 4, RRs 2, signatures 2, patches 2, octets of the RRs 2
inline constexpr std::size_t rrset_head_octets = 12;
inline constexpr std::size_t rr_count_at = 4, signature_count_at = 6, patch_count_at = 8, rrs_octets_at = 10;
// place 2, suffix octets 1
inline constexpr std::size_t patch_octets = 3;
// in front of the signatures, only where there are any
inline constexpr std::size_t signature_ttl_octets = 4;
// a compression pointer
inline constexpr std::size_t pointer_octets = 2;

}  // namespace understudy::backend::node_format
