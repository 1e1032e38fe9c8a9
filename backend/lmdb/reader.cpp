#include "backend/lmdb/reader.h"

#include "backend/lmdb/held_store.h"
#include "backend/lmdb/store_format.h"
#include "backend/lmdb/transaction.h"
#include "backend/lmdb/version_store.h"

namespace understudy::backend::lmdb {

using namespace store_format;

namespace {

static_assert(generation_octets <= dns::NameKey::headroom);

// The generation goes into the key's headroom: no copy of the key for a look-up.
MDB_val full_key(Generation generation, dns::NameKey& key, std::size_t size) {
  std::uint8_t* start = key.data() - generation_octets;
  store_generation(start, generation);
  return {generation_octets + size, start};
}

}  // namespace

Result<std::unique_ptr<Reader>> LmdbReader::open(Environment& environment) {
  std::unique_ptr<LmdbReader> made(new LmdbReader(environment));
  made->passage_.enter();
  int code = mdb_txn_begin(environment.handle(), nullptr, MDB_RDONLY, &made->txn_);
  if (code == MDB_READERS_FULL) {
    // Processes that died may have left their slots taken.
    int dead = 0;
    mdb_reader_check(environment.handle(), &dead);
    code = mdb_txn_begin(environment.handle(), nullptr, MDB_RDONLY, &made->txn_);
  }
  if (code == 0) code = mdb_cursor_open(made->txn_, environment.databases().nodes, &made->cursor_);
  if (made->txn_ != nullptr) mdb_txn_reset(made->txn_);
  made->passage_.leave();
  if (code != 0) return lmdb_error(code, "beginning to read");
  return std::unique_ptr<Reader>(std::move(made));
}

LmdbReader::~LmdbReader() {
  reset();
  if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

Result<std::uint64_t> LmdbReader::renew() {
  reset();
  passage_.enter();
  int code = mdb_txn_renew(txn_);
  if (code == MDB_MAP_RESIZED) [[unlikely]] {
    // Another process enlarged the file: take its size over.
    passage_.leave();
    if (auto resized = environment_.resize(0); !resized) return resized.error();
    passage_.enter();
    code = mdb_txn_renew(txn_);
  }
  if (code == 0) code = mdb_cursor_renew(txn_, cursor_);
  if (code != 0) [[unlikely]] {
    mdb_txn_reset(txn_);
    passage_.leave();
    return lmdb_error(code, "renewing a read");
  }
  renewed_ = true;
  return mdb_txn_id(txn_);
}

void LmdbReader::reset() {
  if (!renewed_) return;
  mdb_txn_reset(txn_);
  passage_.leave();
  renewed_ = false;
}

bool LmdbReader::take(Generation generation, const MDB_val& key, const MDB_val& value,
                      FoundNode& found) const {
  const Octets octets = to_octets(key);
  if (octets.size() < generation_octets || load_generation(octets.data()) != generation) return false;
  found.key = octets.subspan(generation_octets);
  found.node = NodeView(to_octets(value));
  return true;
}

bool LmdbReader::find(Generation generation, dns::NameKey& key, FoundNode& found) {
  const MDB_val wanted = full_key(generation, key, key.size());
  MDB_val at = wanted, value{};
  const int code = mdb_cursor_get(cursor_, &at, &value, MDB_SET_RANGE);
  if (code == 0 && at.mv_size == wanted.mv_size && std::memcmp(at.mv_data, wanted.mv_data, at.mv_size) == 0) {
    found.exact = true;
    found.key = key.octets();
    found.node = NodeView(to_octets(value));
    return true;
  }
  found.exact = false;
  if (mdb_cursor_get(cursor_, &at, &value, code == 0 ? MDB_PREV : MDB_LAST) != 0) return false;
  return take(generation, at, value, found);
}

bool LmdbReader::find_exact(Generation generation, dns::NameKey& key, std::size_t prefix, FoundNode& found) {
  MDB_val wanted = full_key(generation, key, prefix);
  MDB_val value{};
  if (mdb_cursor_get(cursor_, &wanted, &value, MDB_SET) != 0) return false;
  found.exact = true;
  found.key = key.octets().first(prefix);
  found.node = NodeView(to_octets(value));
  return true;
}

bool LmdbReader::seek(Generation generation, Octets from, FoundNode& found) {
  std::array<std::uint8_t, generation_octets + dns::NameKey::max_octets> wanted;
  if (from.size() > dns::NameKey::max_octets) return false;
  store_generation(wanted.data(), generation);
  if (!from.empty()) std::memcpy(wanted.data() + generation_octets, from.data(), from.size());
  walking_ = generation;
  MDB_val at{generation_octets + from.size(), wanted.data()};
  MDB_val value{};
  found.exact = false;
  return mdb_cursor_get(cursor_, &at, &value, MDB_SET_RANGE) == 0 && take(generation, at, value, found);
}

bool LmdbReader::next(FoundNode& found) {
  MDB_val at{}, value{};
  return mdb_cursor_get(cursor_, &at, &value, MDB_NEXT) == 0 && take(walking_, at, value, found);
}

std::optional<ZoneRow> LmdbReader::zone(NameView apex) {
  dns::NameKey key(apex);
  key.data()[-1] = zone_key_prefix;
  MDB_val wanted{key.size() + 1, key.data() - 1}, value{};
  if (mdb_get(txn_, environment_.databases().zones, &wanted, &value) != 0) return std::nullopt;
  return decode_zone(to_octets(value));
}

std::optional<TimerRow> LmdbReader::timers(ZoneId zone) {
  std::array<std::uint8_t, 8> id;
  dns::store64(id.data(), zone);
  MDB_val wanted = to_val(id), value{};
  if (mdb_get(txn_, environment_.databases().timers, &wanted, &value) != 0) return std::nullopt;
  return decode_timers(to_octets(value));
}

std::vector<std::pair<Name, ZoneRow>> LmdbReader::zones() {
  std::vector<std::pair<Name, ZoneRow>> out;
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(txn_, environment_.databases().zones, &cursor) != 0) return out;
  MDB_val key{}, value{};
  for (int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); code == 0;
       code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
    const auto apex = dns::name_of_key(to_octets(key).subspan(1));
    const auto row = decode_zone(to_octets(value));
    if (apex && row) out.emplace_back(*apex, *row);
  }
  mdb_cursor_close(cursor);
  return out;
}

Octets LmdbReader::change_chunk(ZoneId zone, Version version, std::uint32_t chunk) {
  const ChangeKey key = change_key(zone, version, chunk);
  MDB_val wanted = to_val(key), value{};
  if (mdb_get(txn_, environment_.databases().changes, &wanted, &value) != 0) return {};
  return to_octets(value);
}

std::optional<VersionRow> LmdbReader::version(ZoneId zone, Version version) {
  return decode_version(change_key(zone, version, 0), change_chunk(zone, version, 0));
}

// The next row of the zone, past the chunks of that version.
std::optional<VersionRow> LmdbReader::version_after(ZoneId zone, Version version) {
  VersionRow row;
  if (next_version(txn_, environment_.databases().changes, zone, version, row) != 0) return std::nullopt;
  return row;
}

std::vector<VersionRow> LmdbReader::versions(ZoneId zone) {
  std::vector<VersionRow> out;
  for (auto row = version_after(zone, 0); row; row = version_after(zone, out.back().version))
    out.push_back(std::move(*row));
  return out;
}

std::optional<HeldVersion> LmdbReader::held(ZoneId zone) {
  std::optional<HeldVersion> held;
  if (get_held(txn_, environment_.databases(), zone, held) != 0) return std::nullopt;
  return held;
}

Standing LmdbReader::standing(ZoneId zone) {
  Standing standing;
  get_standing(txn_, environment_.databases(), zone, standing);
  return standing;
}

}  // namespace understudy::backend::lmdb
