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

HeldKey held_key(ZoneId zone, std::uint32_t chunk) {
  HeldKey key{};
  dns::store64(key.data(), zone);
  dns::store32(key.data() + 8, chunk);
  return key;
}

namespace {

constexpr std::size_t held_head_octets = 27;  // then the reason, the message, and the row

void append_text(std::vector<std::uint8_t>& out, std::string_view text) {
  const std::size_t size = std::min<std::size_t>(text.size(), 0xffff);
  out.resize(out.size() + 2);
  dns::store16(&out[out.size() - 2], static_cast<std::uint16_t>(size));
  out.insert(out.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
}

std::optional<std::string> take_text(Octets& rest) {
  if (rest.size() < 2 || rest.size() - 2u < dns::load16(rest.data())) return std::nullopt;
  const Octets text = rest.subspan(2, dns::load16(rest.data()));
  rest = rest.subspan(2 + text.size());
  return std::string(text.begin(), text.end());
}

}  // namespace

std::vector<std::uint8_t> encode(const HeldVersion& held) {
  std::vector<std::uint8_t> v(held_head_octets);
  dns::store64(v.data(), held.row.version);
  dns::store64(v.data() + 8, held.base);
  store_generation(v.data() + 16, held.generation);
  v[22] = held.patch ? 1 : 0;
  dns::store32(v.data() + 23, held.source_serial);
  append_text(v, held.reason);
  append_text(v, held.message);
  const std::vector<std::uint8_t> row = encode(held.row);
  v.insert(v.end(), row.begin(), row.end());
  return v;
}

std::optional<HeldVersion> decode_held(Octets v) {
  if (v.size() < held_head_octets || v[22] > 1) return std::nullopt;
  HeldVersion held;
  const Version version = dns::load64(v.data());
  held.base = dns::load64(v.data() + 8);
  held.generation = load_generation(v.data() + 16);
  held.patch = v[22] == 1;
  held.source_serial = dns::load32(v.data() + 23);
  Octets rest = v.subspan(held_head_octets);
  auto reason = take_text(rest), message = reason ? take_text(rest) : std::nullopt;
  if (!message) return std::nullopt;
  held.reason = std::move(*reason);
  held.message = std::move(*message);
  auto row = decode_version(change_key(0, version, 0), rest);
  if (!row) return std::nullopt;
  held.row = std::move(*row);
  return held;
}

StandingValue encode(const Standing& standing) {
  StandingValue v{};
  dns::store64(v.data(), standing.last);
  dns::store32(v.data() + 8, standing.source_serial);
  v[12] = static_cast<std::uint8_t>((standing.hold ? 1 : 0) | (standing.rolled_back ? 2 : 0) |
                                    (standing.serial_unmoved ? 4 : 0));
  return v;
}

std::optional<Standing> decode_standing(Octets v) {
  if (v.size() != sizeof(StandingValue)) return std::nullopt;
  return Standing{dns::load64(v.data()), dns::load32(v.data() + 8), (v[12] & 1) != 0, (v[12] & 2) != 0,
                  (v[12] & 4) != 0};
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
