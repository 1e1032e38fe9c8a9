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

GarbageValue encode_garbage(GarbageState state, ZoneId zone) {
  GarbageValue v{};
  v[0] = static_cast<std::uint8_t>(state);
  dns::store64(v.data() + 1, zone);
  return v;
}

}  // namespace understudy::backend::lmdb::store_format
