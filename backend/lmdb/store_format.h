// Keys and values of the mirror's databases. On disk, so frozen (docs/formats.md); numbers are in network
// order.
#pragma once

#include <array>
#include <cstring>
#include <string_view>

#include "backend/mirror.h"

namespace understudy::backend::lmdb::store_format {

inline constexpr std::uint32_t schema_version = 3, oldest_schema_version = 1;
inline constexpr std::string_view schema_key = "schema", next_zone_key = "next-zone",
                                  next_bulk_key = "next-bulk-generation",
                                  next_small_key = "next-small-generation";

// Generations of bulk builds have this bit, so that their keys are the last of `nodes`.
inline constexpr Generation bulk_bit = 1ull << 47;
inline constexpr std::size_t generation_octets = 6;

inline void store_generation(std::uint8_t* out, Generation generation) {
  std::array<std::uint8_t, 8> wide;
  dns::store64(wide.data(), generation);
  std::memcpy(out, wide.data() + 2, generation_octets);
}
inline Generation load_generation(const std::uint8_t* in) {
  std::array<std::uint8_t, 8> wide{};
  std::memcpy(wide.data() + 2, in, generation_octets);
  return dns::load64(wide.data());
}

// zones: 01 + name key of the apex -> the row.
inline constexpr std::uint8_t zone_key_prefix = 1;
using ZoneValue = std::array<std::uint8_t, 84>;
ZoneValue encode(const ZoneRow& row);
std::optional<ZoneRow> decode_zone(Octets value);

// timers: zone id, 8 octets -> the row.
using TimerValue = std::array<std::uint8_t, 32>;
TimerValue encode(const TimerRow& row);
std::optional<TimerRow> decode_timers(Octets value);

// changes: zone id 8, version 8, chunk 4 -> chunk 0 is the row of the version, the others are its change.
using ChangeKey = std::array<std::uint8_t, 20>;
ChangeKey change_key(ZoneId zone, Version version, std::uint32_t chunk);
inline constexpr std::size_t version_head_octets = 111;  // then the source's text
std::vector<std::uint8_t> encode(const VersionRow& row);
std::optional<VersionRow> decode_version(Octets key, Octets value);

// held: zone id 8, chunk 4 -> chunk 0 is the version that is held, the others are its change.
using HeldKey = std::array<std::uint8_t, 12>;
HeldKey held_key(ZoneId zone, std::uint32_t chunk);
std::vector<std::uint8_t> encode(const HeldVersion& held);
std::optional<HeldVersion> decode_held(Octets value);

// standing: zone id, 8 octets -> what was decided about it.
using StandingValue = std::array<std::uint8_t, 13>;
StandingValue encode(const Standing& standing);
std::optional<Standing> decode_standing(Octets value);

// added: 01 + name key -> when, 8 octets, and each option: length 1, key, length 2, value.
std::vector<std::uint8_t> encode(const AddedZone& zone);
std::optional<AddedZone> decode_added(const Name& apex, Octets value);

// unserved: 01 + name key -> since when, 8 octets.
using UnservedValue = std::array<std::uint8_t, 8>;
UnservedValue encode(const UnservedZone& zone);
std::optional<UnservedZone> decode_unserved(const Name& apex, Octets value);

// garbage: generation, 6 octets -> state, 1 octet, and zone id, 8.
enum class GarbageState : std::uint8_t { building = 1, dead = 2 };
using GarbageValue = std::array<std::uint8_t, 9>;
GarbageValue encode_garbage(GarbageState state, ZoneId zone);

}  // namespace understudy::backend::lmdb::store_format
