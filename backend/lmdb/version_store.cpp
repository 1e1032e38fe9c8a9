#include "backend/lmdb/version_store.h"

#include "backend/lmdb/store_format.h"
#include "backend/lmdb/transaction.h"

namespace understudy::backend::lmdb {

using namespace store_format;

namespace {

// What a version's row and the keys around it cost the file, beside its chunks.
constexpr std::uint64_t row_octets = 160;

int get_version(MDB_txn* txn, MDB_dbi changes, ZoneId zone, Version version, VersionRow& row) {
  const ChangeKey key = change_key(zone, version, 0);
  MDB_val k = to_val(key), v{};
  if (const int code = mdb_get(txn, changes, &k, &v); code != 0) return code;
  const auto decoded = decode_version(key, to_octets(v));
  if (!decoded) return MDB_CORRUPTED;
  row = *decoded;
  return 0;
}

int erase(MDB_txn* txn, MDB_dbi changes, ZoneId zone, Version version, std::uint32_t chunk) {
  const ChangeKey key = change_key(zone, version, chunk);
  MDB_val k = to_val(key);
  const int code = mdb_del(txn, changes, &k, nullptr);
  return code == MDB_NOTFOUND ? 0 : code;
}

// Takes from a version what led back to the one before it, which is forgotten.
int strip(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, VersionRow& row) {
  for (std::uint32_t chunk = 1; chunk <= row.chunks; ++chunk) {
    if (const int code = erase(txn, databases.changes, zone, row.version, chunk); code != 0) return code;
  }
  if (row.before != 0) {
    if (const int code = bury(txn, databases.garbage, row.before, zone); code != 0) return code;
  }
  row.chunks = 0;
  row.before = 0;
  row.octets = row_octets;
  return put_version(txn, databases.changes, zone, row);
}

// The oldest and the newest row of a zone; MDB_NOTFOUND where it has none.
int ends(MDB_txn* txn, MDB_dbi changes, ZoneId zone, VersionRow& oldest, VersionRow& newest) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, changes, &cursor); code != 0) return code;
  const auto of_zone = [&](const MDB_val& key) {
    return key.mv_size == sizeof(ChangeKey) && dns::load64(to_octets(key).data()) == zone;
  };
  ChangeKey first = change_key(zone, 0, 0);
  MDB_val key = to_val(first), value{};
  int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  if (code == 0 && !of_zone(key)) code = MDB_NOTFOUND;
  if (code == 0) {
    const auto row = decode_version(to_octets(key), to_octets(value));
    if (row) oldest = *row;
    if (!row) code = MDB_CORRUPTED;
  }
  if (code == 0) {
    const ChangeKey behind = change_key(zone + 1, 0, 0);
    key = to_val(behind);
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    code = mdb_cursor_get(cursor, &key, &value, code == 0 ? MDB_PREV : MDB_LAST);
  }
  const Version last = code == 0 ? dns::load64(to_octets(key).data() + 8) : 0;
  mdb_cursor_close(cursor);
  return code != 0 ? code : get_version(txn, changes, zone, last, newest);
}

// Whether there are more rows than that between two. Numbers of versions that were held and never published
// are missing, so that they are counted where the numbers alone do not tell.
bool more_versions_than(MDB_txn* txn, MDB_dbi changes, ZoneId zone, const VersionRow& oldest,
                        const VersionRow& newest, std::uint64_t bound) {
  if (newest.version - oldest.version < bound) return false;
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(txn, changes, &cursor) != 0) return false;
  std::uint64_t count = 1;
  for (Version at = oldest.version; at < newest.version && count <= bound; ++count) {
    const ChangeKey from = change_key(zone, at + 1, 0);
    MDB_val key = to_val(from), value{};
    if (mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) != 0) break;
    at = dns::load64(to_octets(key).data() + 8);
  }
  mdb_cursor_close(cursor);
  return count > bound;
}

}  // namespace

int bury(MDB_txn* txn, MDB_dbi garbage, Generation generation, ZoneId zone) {
  std::array<std::uint8_t, generation_octets> key;
  store_generation(key.data(), generation);
  const GarbageValue dead = encode_garbage(GarbageState::dead, zone);
  MDB_val k = to_val(key), v = to_val(dead);
  return mdb_put(txn, garbage, &k, &v, 0);
}

int next_version(MDB_txn* txn, MDB_dbi changes, ZoneId zone, Version version, VersionRow& row) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, changes, &cursor); code != 0) return code;
  const ChangeKey from = change_key(zone, version + 1, 0);
  MDB_val key = to_val(from), value{};
  int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  if (code == 0 && (key.mv_size != sizeof(ChangeKey) || dns::load64(to_octets(key).data()) != zone))
    code = MDB_NOTFOUND;
  if (code == 0) {
    auto decoded = decode_version(to_octets(key), to_octets(value));
    if (decoded) row = std::move(*decoded);
    if (!decoded) code = MDB_CORRUPTED;
  }
  mdb_cursor_close(cursor);
  return code;
}

VersionRow first_row(const ZoneRow& live) {
  VersionRow row;
  row.version = live.version;
  row.serial = live.serial;
  row.published = live.published;
  row.records = live.records;
  row.nodes = live.nodes;
  row.digest = live.digest;
  row.added = live.records;
  row.octets = row.total_octets = row_octets;
  return row;
}

int put_version(MDB_txn* txn, MDB_dbi changes, ZoneId zone, const VersionRow& row) {
  const ChangeKey key = change_key(zone, row.version, 0);
  const std::vector<std::uint8_t> value = encode(row);
  MDB_val k = to_val(key), v = to_val(Octets(value));
  return mdb_put(txn, changes, &k, &v, 0);
}

int record_version(MDB_txn* txn, const Environment::Databases& databases, const ZoneRow& before,
                   const NewVersion& next) {
  VersionRow row = first_row(next.row), previous;
  const Change& change = next.change;
  row.how = change.how;
  row.added = change.added;
  row.removed = change.removed;
  row.zone_octets = change.zone_octets;
  row.source = change.source;
  if (before.generation != 0) {
    const int code = get_version(txn, databases.changes, before.id, before.version, previous);
    if (code != 0 && code != MDB_NOTFOUND) return code;
    if (change.how == How::whole && before.generation != next.row.generation) {
      row.before = before.generation;
      row.octets += previous.zone_octets;
    }
  }
  for (const auto& chunk : change.chunks) {
    const ChangeKey key = change_key(before.id, row.version, ++row.chunks);
    MDB_val k = to_val(key), v = to_val(Octets(chunk));
    if (const int code = mdb_put(txn, databases.changes, &k, &v, 0); code != 0) return code;
    row.octets += sizeof key + chunk.size();
  }
  row.total_octets = previous.total_octets + row.octets;
  return put_version(txn, databases.changes, before.id, row);
}

int trim_versions(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, const Keep& keep,
                  UnixTime now, bool& more) {
  more = false;
  VersionRow oldest, newest;
  if (const int code = ends(txn, databases.changes, zone, oldest, newest); code != 0)
    return code == MDB_NOTFOUND ? 0 : code;
  for (std::size_t steps = 0; oldest.version < newest.version; ++steps) {
    const std::uint64_t octets = newest.total_octets - oldest.total_octets + oldest.octets;
    const bool over = more_versions_than(txn, databases.changes, zone, oldest, newest, keep.versions) ||
                      oldest.published + keep.age.count() < now || octets > keep.octets;
    if (!over) return 0;
    if (steps == limits::trimmed_versions) {
      more = true;
      return 0;
    }
    VersionRow following;
    int code = next_version(txn, databases.changes, zone, oldest.version, following);
    for (std::uint32_t chunk = 0; code == 0 && chunk <= oldest.chunks; ++chunk) {
      code = erase(txn, databases.changes, zone, oldest.version, chunk);
    }
    if (code == 0) code = strip(txn, databases, zone, following);
    if (code != 0) return code;
    oldest = following;
  }
  return 0;
}

int forget_versions(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, std::size_t& erased) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, databases.changes, &cursor); code != 0) return code;
  const ChangeKey first = change_key(zone, 0, 0);
  int code = 0;
  for (; code == 0; ++erased) {
    MDB_val key = to_val(first), value{};
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (code != 0 || key.mv_size != sizeof(ChangeKey) || dns::load64(to_octets(key).data()) != zone) break;
    const auto row = decode_version(to_octets(key), to_octets(value));
    if (row && row->before != 0) code = bury(txn, databases.garbage, row->before, zone);
    if (code == 0) code = mdb_cursor_del(cursor, 0);
  }
  mdb_cursor_close(cursor);
  return code == MDB_NOTFOUND ? 0 : code;
}

}  // namespace understudy::backend::lmdb
