// Zones that come and go at run time: the databases `added` and `unserved`.
#include <unordered_set>

#include "backend/lmdb/audit_rows.h"
#include "backend/lmdb/held_store.h"
#include "backend/lmdb/reader.h"
#include "backend/lmdb/store_format.h"
#include "backend/lmdb/version_store.h"
#include "backend/lmdb/writer.h"

namespace understudy::backend::lmdb {

using namespace store_format;

namespace {

// The key of a zone, and the buffer that it stands in.
class ZoneKey {
 public:
  explicit ZoneKey(NameView apex) : name_(apex) { name_.data()[-1] = zone_key_prefix; }
  MDB_val val() { return {name_.size() + 1, name_.data() - 1}; }

 private:
  dns::NameKey name_;
};

std::string text_of(const MDB_val& val) { return {static_cast<const char*>(val.mv_data), val.mv_size}; }

int remove_if_there(MDB_txn* txn, MDB_dbi database, MDB_val key) {
  const int code = mdb_del(txn, database, &key, nullptr);
  return code == MDB_NOTFOUND ? 0 : code;
}

bool is_there(MDB_txn* txn, MDB_dbi database, MDB_val key) {
  MDB_val value{};
  return mdb_get(txn, database, &key, &value) == 0;
}

// Rows of a database whose keys are zones, each made a value by `decode`; those that cannot be read are left
// out.
template <class Decode>
auto rows_of(MDB_txn* txn, MDB_dbi database, Decode decode) {
  std::vector<typename decltype(decode(Name(), Octets()))::value_type> rows;
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(txn, database, &cursor) != 0) return rows;
  MDB_val key{}, value{};
  while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
    const auto apex = dns::name_of_key(to_octets(key).subspan(1));
    if (!apex) continue;
    if (auto row = decode(*apex, to_octets(value))) rows.push_back(std::move(*row));
  }
  mdb_cursor_close(cursor);
  return rows;
}

int note_unserved(MDB_txn* txn, const Environment::Databases& databases, MDB_val key, UnixTime now) {
  const UnservedValue since = encode(UnservedZone{Name(), now});
  MDB_val value = to_val(Octets(since));
  // The first time counts.
  const int code = mdb_put(txn, databases.unserved, &key, &value, MDB_NOOVERWRITE);
  return code == MDB_KEYEXIST ? 0 : code;
}

// Everything of the zone but its nodes, which are collected as garbage.
int forget_zone(MDB_txn* txn, const Environment::Databases& databases, MDB_val key, std::size_t& erased) {
  MDB_val value{};
  int code = mdb_get(txn, databases.zones, &key, &value);
  if (code == 0) {
    const auto row = decode_zone(to_octets(value));
    if (!row) return MDB_CORRUPTED;
    std::array<std::uint8_t, 8> id;
    dns::store64(id.data(), row->id);
    code = remove_if_there(txn, databases.timers, to_val(Octets(id)));
    if (code == 0) code = forget_versions(txn, databases, row->id, erased);
    if (code == 0) code = forget_decisions(txn, databases, row->id);
    if (code == 0) code = forget_audit(txn, databases, row->id);
    if (code == 0 && row->generation != 0) {
      std::array<std::uint8_t, generation_octets> generation;
      store_generation(generation.data(), row->generation);
      const GarbageValue dead = encode_garbage(GarbageState::dead, row->id);
      MDB_val garbage_key = to_val(Octets(generation)), garbage = to_val(Octets(dead));
      code = mdb_put(txn, databases.garbage, &garbage_key, &garbage, 0);
    }
    if (code == 0) code = mdb_del(txn, databases.zones, &key, nullptr);
  }
  if (code != 0 && code != MDB_NOTFOUND) return code;
  return remove_if_there(txn, databases.unserved, key);
}

}  // namespace

std::vector<AddedZone> LmdbReader::added() {
  return rows_of(txn_, environment_.databases().added, decode_added);
}

std::vector<UnservedZone> LmdbReader::unserved() {
  return rows_of(txn_, environment_.databases().unserved, decode_unserved);
}

Result<std::vector<ZoneRow>> LmdbWriter::add_zones(const std::vector<AddedZone>& zones,
                                                   const std::vector<Name>& anew) {
  const auto& databases = environment_.databases();
  if (!anew.empty()) {
    const auto done = commit_work("forgetting zones", [&](const WriteTransaction& txn) {
      std::size_t erased = 0;
      for (const Name& apex : anew) {
        ZoneKey key(apex);
        if (const int code = forget_zone(txn.handle(), databases, key.val(), erased); code != 0) return code;
      }
      return 0;
    });
    if (!done) return done.error();
  }
  // Rows without anything that refers to them do no harm where the last commit fails.
  std::vector<Name> apexes;
  for (const AddedZone& zone : zones) apexes.push_back(zone.apex);
  auto rows = ensure_zones(apexes);
  if (!rows) return rows.error();
  const auto done = commit_work("adding zones", [&](const WriteTransaction& txn) {
    for (const AddedZone& zone : zones) {
      const std::vector<std::uint8_t> encoded = encode(zone);
      ZoneKey zone_key(zone.apex);
      MDB_val key = zone_key.val(), value = to_val(Octets(encoded));
      int code = mdb_put(txn.handle(), databases.added, &key, &value, 0);
      if (code == 0) code = remove_if_there(txn.handle(), databases.unserved, key);
      if (code != 0) return code;
    }
    return 0;
  });
  if (!done) return done.error();
  return rows;
}

Result<> LmdbWriter::remove_zones(const std::vector<Name>& apexes, UnixTime now) {
  const auto& databases = environment_.databases();
  const auto done = commit_work("removing zones", [&](const WriteTransaction& txn) {
    for (const Name& apex : apexes) {
      ZoneKey key(apex);
      int code = remove_if_there(txn.handle(), databases.added, key.val());
      if (code == 0) code = note_unserved(txn.handle(), databases, key.val(), now);
      if (code != 0) return code;
    }
    return 0;
  });
  if (!done) return done.error();
  return {};
}

Result<> LmdbWriter::note_served(const std::vector<Name>& served, UnixTime now) {
  const auto& databases = environment_.databases();
  std::unordered_set<std::string> keys;
  for (const Name& apex : served) keys.insert(text_of(ZoneKey(apex).val()));
  const auto done = commit_work("noting which zones are served", [&](const WriteTransaction& txn) {
    WriteCursor zones(txn, databases.zones);
    MDB_val key{}, value{};
    int code = zones.get(key, value, MDB_FIRST);
    for (; code == 0; code = zones.get(key, value, MDB_NEXT)) {
      // An added zone that is not served has options that this program does not understand: no reason to lose
      // it.
      const bool stays = keys.contains(text_of(key)) || is_there(txn.handle(), databases.added, key);
      const int noted = stays ? remove_if_there(txn.handle(), databases.unserved, key)
                              : note_unserved(txn.handle(), databases, key, now);
      if (noted != 0) return noted;
    }
    return code == MDB_NOTFOUND ? 0 : code;
  });
  if (!done) return done.error();
  return {};
}

Result<std::vector<Name>> LmdbWriter::forget_unserved(UnixTime until) {
  std::vector<Name> forgotten;
  const auto& databases = environment_.databases();
  const auto done = commit_work("forgetting zones", [&](const WriteTransaction& txn) {
    forgotten.clear();
    std::size_t erased = 0;
    for (const UnservedZone& zone : rows_of(txn.handle(), databases.unserved, decode_unserved)) {
      if (zone.since > until) continue;
      if (erased >= limits::collect_nodes) break;
      ZoneKey key(zone.apex);
      if (const int code = forget_zone(txn.handle(), databases, key.val(), erased); code != 0) return code;
      forgotten.push_back(zone.apex);
      ++erased;
    }
    return 0;
  });
  if (!done) return done.error();
  return forgotten;
}

}  // namespace understudy::backend::lmdb
