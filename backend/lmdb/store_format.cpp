#include "backend/lmdb/store_format.h"

namespace understudy::backend::lmdb::store_format {

ZoneValue encode(const ZoneRow& row) {
  ZoneValue v{};
  dns::store64(v.data(), row.id);
  dns::store64(v.data() + 8, row.generation);
  dns::store64(v.data() + 16, row.version);
  dns::store32(v.data() + 24, row.serial);
  dns::store64(v.data() + 28, row.records);
  dns::store64(v.data() + 36, row.nodes);
  dns::store64(v.data() + 44, static_cast<std::uint64_t>(row.published));
  std::memcpy(v.data() + 52, row.digest.data(), row.digest.size());
  return v;
}

std::optional<ZoneRow> decode_zone(Octets v) {
  if (v.size() != sizeof(ZoneValue)) return std::nullopt;
  ZoneRow row;
  row.id = dns::load64(v.data());
  row.generation = dns::load64(v.data() + 8);
  row.version = dns::load64(v.data() + 16);
  row.serial = dns::load32(v.data() + 24);
  row.records = dns::load64(v.data() + 28);
  row.nodes = dns::load64(v.data() + 36);
  row.published = static_cast<UnixTime>(dns::load64(v.data() + 44));
  std::memcpy(row.digest.data(), v.data() + 52, row.digest.size());
  return row;
}

TimerValue encode(const TimerRow& row) {
  TimerValue v{};
  dns::store64(v.data(), static_cast<std::uint64_t>(row.last_check));
  dns::store64(v.data() + 8, static_cast<std::uint64_t>(row.last_success));
  dns::store64(v.data() + 16, static_cast<std::uint64_t>(row.next_check));
  dns::store64(v.data() + 24, static_cast<std::uint64_t>(row.expires));
  return v;
}

std::optional<TimerRow> decode_timers(Octets v) {
  if (v.size() != sizeof(TimerValue)) return std::nullopt;
  const auto time_at = [&](std::size_t at) { return static_cast<UnixTime>(dns::load64(v.data() + at)); };
  return TimerRow{time_at(0), time_at(8), time_at(16), time_at(24)};
}

ChangeKey change_key(ZoneId zone, Version version, std::uint32_t chunk) {
  ChangeKey key{};
  dns::store64(key.data(), zone);
  dns::store64(key.data() + 8, version);
  dns::store32(key.data() + 16, chunk);
  return key;
}

std::vector<std::uint8_t> encode(const VersionRow& row) {
  std::vector<std::uint8_t> v(version_head_octets + row.source.size());
  v[0] = static_cast<std::uint8_t>(row.how);
  dns::store32(v.data() + 1, row.serial);
  dns::store64(v.data() + 5, static_cast<std::uint64_t>(row.published));
  dns::store64(v.data() + 13, row.records);
  dns::store64(v.data() + 21, row.nodes);
  std::memcpy(v.data() + 29, row.digest.data(), row.digest.size());
  dns::store64(v.data() + 61, row.added);
  dns::store64(v.data() + 69, row.removed);
  dns::store64(v.data() + 77, row.zone_octets);
  dns::store64(v.data() + 85, row.octets);
  dns::store64(v.data() + 93, row.total_octets);
  store_generation(v.data() + 101, row.before);
  dns::store32(v.data() + 107, row.chunks);
  std::copy(row.source.begin(), row.source.end(), v.begin() + version_head_octets);
  return v;
}

std::optional<VersionRow> decode_version(Octets key, Octets v) {
  if (key.size() != sizeof(ChangeKey) || dns::load32(key.data() + 16) != 0 || v.size() < version_head_octets)
    return std::nullopt;
  if (v[0] != static_cast<std::uint8_t>(How::whole) && v[0] != static_cast<std::uint8_t>(How::difference))
    return std::nullopt;
  VersionRow row;
  row.version = dns::load64(key.data() + 8);
  row.how = How{v[0]};
  row.serial = dns::load32(v.data() + 1);
  row.published = static_cast<UnixTime>(dns::load64(v.data() + 5));
  row.records = dns::load64(v.data() + 13);
  row.nodes = dns::load64(v.data() + 21);
  std::memcpy(row.digest.data(), v.data() + 29, row.digest.size());
  row.added = dns::load64(v.data() + 61);
  row.removed = dns::load64(v.data() + 69);
  row.zone_octets = dns::load64(v.data() + 77);
  row.octets = dns::load64(v.data() + 85);
  row.total_octets = dns::load64(v.data() + 93);
  row.before = load_generation(v.data() + 101);
  row.chunks = dns::load32(v.data() + 107);
  row.source.assign(v.begin() + version_head_octets, v.end());
  return row;
}

std::vector<std::uint8_t> encode(const AddedZone& zone) {
  std::vector<std::uint8_t> v(8);
  dns::store64(v.data(), static_cast<std::uint64_t>(zone.added));
  for (const auto& [key, value] : zone.options) {
    v.push_back(static_cast<std::uint8_t>(key.size()));
    v.insert(v.end(), key.begin(), key.end());
    v.resize(v.size() + 2);
    dns::store16(&v[v.size() - 2], static_cast<std::uint16_t>(value.size()));
    v.insert(v.end(), value.begin(), value.end());
  }
  return v;
}

std::optional<AddedZone> decode_added(const Name& apex, Octets v) {
  if (v.size() < 8) return std::nullopt;
  AddedZone zone{apex, static_cast<UnixTime>(dns::load64(v.data())), {}};
  const auto text = [](Octets octets) { return std::string(octets.begin(), octets.end()); };
  for (v = v.subspan(8); !v.empty();) {
    const std::size_t key_size = v[0], value_at = 1 + key_size + 2;
    if (v.size() < value_at) return std::nullopt;
    const std::size_t value_size = dns::load16(v.data() + value_at - 2);
    if (v.size() - value_at < value_size) return std::nullopt;
    zone.options.emplace_back(text(v.subspan(1, key_size)), text(v.subspan(value_at, value_size)));
    v = v.subspan(value_at + value_size);
  }
  return zone;
}

UnservedValue encode(const UnservedZone& zone) {
  UnservedValue v{};
  dns::store64(v.data(), static_cast<std::uint64_t>(zone.since));
  return v;
}

std::optional<UnservedZone> decode_unserved(const Name& apex, Octets v) {
  if (v.size() != sizeof(UnservedValue)) return std::nullopt;
  return UnservedZone{apex, static_cast<UnixTime>(dns::load64(v.data()))};
}

GarbageValue encode_garbage(GarbageState state, ZoneId zone) {
  GarbageValue v{};
  v[0] = static_cast<std::uint8_t>(state);
  dns::store64(v.data() + 1, zone);
  return v;
}

}  // namespace understudy::backend::lmdb::store_format
