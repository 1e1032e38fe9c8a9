#include "backend/lmdb/held_store.h"

#include "backend/lmdb/store_format.h"
#include "backend/lmdb/transaction.h"
#include "backend/lmdb/version_store.h"

namespace understudy::backend::lmdb {

using namespace store_format;

namespace {

std::array<std::uint8_t, 8> id_key(ZoneId zone) {
  std::array<std::uint8_t, 8> id;
  dns::store64(id.data(), zone);
  return id;
}

int erase(MDB_txn* txn, MDB_dbi database, Octets key) {
  MDB_val k = to_val(key);
  const int code = mdb_del(txn, database, &k, nullptr);
  return code == MDB_NOTFOUND ? 0 : code;
}

}  // namespace

int get_held(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone,
             std::optional<HeldVersion>& held) {
  held.reset();
  const HeldKey key = held_key(zone, 0);
  MDB_val k = to_val(Octets(key)), v{};
  const int code = mdb_get(txn, databases.held, &k, &v);
  if (code == MDB_NOTFOUND) return 0;
  if (code != 0) return code;
  held = decode_held(to_octets(v));
  return held ? 0 : MDB_CORRUPTED;
}

int put_held(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, const HeldVersion& held,
             const std::vector<std::vector<std::uint8_t>>& chunks) {
  const std::vector<std::uint8_t> row = encode(held);
  for (std::uint32_t chunk = 0; chunk <= chunks.size(); ++chunk) {
    const HeldKey key = held_key(zone, chunk);
    MDB_val k = to_val(Octets(key)), v = to_val(Octets(chunk == 0 ? row : chunks[chunk - 1]));
    if (const int code = mdb_put(txn, databases.held, &k, &v, 0); code != 0) return code;
  }
  return 0;
}

int get_held_chunks(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone,
                    const HeldVersion& held, std::vector<std::vector<std::uint8_t>>& chunks) {
  chunks.clear();
  for (std::uint32_t chunk = 1; chunk <= held.row.chunks; ++chunk) {
    const HeldKey key = held_key(zone, chunk);
    MDB_val k = to_val(Octets(key)), v{};
    if (const int code = mdb_get(txn, databases.held, &k, &v); code != 0) return code;
    const Octets octets = to_octets(v);
    chunks.emplace_back(octets.begin(), octets.end());
  }
  return 0;
}

int get_held_nodes(MDB_txn* txn, const Environment::Databases& databases, const HeldVersion& held,
                   std::vector<StoredNode>& nodes) {
  nodes.clear();
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, databases.nodes, &cursor); code != 0) return code;
  std::array<std::uint8_t, generation_octets> prefix;
  store_generation(prefix.data(), held.generation);
  MDB_val key = to_val(Octets(prefix)), value{};
  int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
    const Octets name = to_octets(key), block = to_octets(value);
    if (load_generation(name.data()) != held.generation) break;
    nodes.push_back({{name.begin() + generation_octets, name.end()}, {block.begin(), block.end()}});
  }
  mdb_cursor_close(cursor);
  return code == MDB_NOTFOUND ? 0 : code;
}

int drop_held(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, Generation live) {
  std::optional<HeldVersion> held;
  int code = get_held(txn, databases, zone, held);
  if (code != 0 || !held) return code;
  for (std::uint32_t chunk = 0; code == 0 && chunk <= held->row.chunks; ++chunk) {
    code = erase(txn, databases.held, held_key(zone, chunk));
  }
  if (code != 0 || held->generation == live || held->generation == 0) return code;
  return bury(txn, databases.garbage, held->generation, zone);
}

int get_standing(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, Standing& standing) {
  standing = {};
  const auto key = id_key(zone);
  MDB_val k = to_val(Octets(key)), v{};
  const int code = mdb_get(txn, databases.standing, &k, &v);
  if (code == MDB_NOTFOUND) return 0;
  if (code != 0) return code;
  const auto decoded = decode_standing(to_octets(v));
  if (!decoded) return MDB_CORRUPTED;
  standing = *decoded;
  return 0;
}

int put_standing(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone,
                 const Standing& standing) {
  const auto key = id_key(zone);
  const StandingValue encoded = encode(standing);
  MDB_val k = to_val(Octets(key)), v = to_val(Octets(encoded));
  return mdb_put(txn, databases.standing, &k, &v, 0);
}

int forget_decisions(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone) {
  if (const int code = drop_held(txn, databases, zone, 0); code != 0) return code;
  return erase(txn, databases.standing, id_key(zone));
}

}  // namespace understudy::backend::lmdb
