#include "backend/lmdb/conversion.h"

#include "backend/key_order.h"
#include "backend/lmdb/store_format.h"
#include "backend/lmdb/transaction.h"
#include "backend/lmdb/version_store.h"

namespace understudy::backend::lmdb {

using namespace store_format;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t nodes_at_once = 1000;

struct Move {
  Bytes from, to, block;  // keys with their generation
};

bool begins_with(Octets octets, Octets prefix) {
  return octets.size() >= prefix.size() && order(octets.first(prefix.size()), prefix) == 0;
}

// Where the NSEC3 of that key belongs; nothing where the node is none, or has something else as well.
std::optional<Move> move_of(Octets key, Octets block) {
  const NodeView node(block);
  if (dns::is_nsec3_key(key.subspan(generation_octets))) return std::nullopt;  // there already
  if (node.rrset_count() != 1 || node.type_at(0) != RRType::NSEC3) return std::nullopt;
  const auto owner = dns::name_of_key(key.subspan(generation_octets));
  if (!owner || owner->view().is_root()) return std::nullopt;
  const auto hash = dns::nsec3_hash_of_label(owner->view().first_label());
  if (!hash) return std::nullopt;
  dns::NameKey place(owner->view().parent());
  place.append_nsec3(*hash);
  Move move{Bytes(key.begin(), key.end()), Bytes(key.begin(), key.begin() + generation_octets),
            Bytes(block.begin(), block.end())};
  move.to.insert(move.to.end(), place.octets().begin(), place.octets().end());
  move.block[0] &= node_flag::owner_case;
  move.block[1] = 0;
  return move;
}

// The next ones to move, from `from` on, which is then where to go on; empty: at the end of the generation.
int gather(MDB_txn* txn, MDB_dbi nodes, Generation generation, Bytes& from, std::vector<Move>& moves) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, nodes, &cursor); code != 0) return code;
  MDB_val key = to_val(Octets(from)), value{};
  int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  while (code == 0 && moves.size() < nodes_at_once &&
         load_generation(static_cast<const std::uint8_t*>(key.mv_data)) == generation) {
    std::optional<Move> move = move_of(to_octets(key), to_octets(value));
    code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    // One with names below stays a name.
    if (move && (code != 0 || !begins_with(to_octets(key), move->from))) moves.push_back(std::move(*move));
  }
  from.clear();
  if (code == 0 && moves.size() == nodes_at_once) from.assign(to_octets(key).begin(), to_octets(key).end());
  mdb_cursor_close(cursor);
  return code == MDB_NOTFOUND ? 0 : code;
}

int move_nsec3(MDB_txn* txn, MDB_dbi nodes, Generation generation) {
  Bytes from(generation_octets);
  store_generation(from.data(), generation);
  while (!from.empty()) {
    std::vector<Move> moves;
    if (const int code = gather(txn, nodes, generation, from, moves); code != 0) return code;
    for (const Move& move : moves) {
      MDB_val old_key = to_val(Octets(move.from)), key = to_val(Octets(move.to)),
              block = to_val(Octets(move.block));
      int code = mdb_del(txn, nodes, &old_key, nullptr);
      if (code == 0) code = mdb_put(txn, nodes, &key, &block, 0);
      if (code != 0) return code;
    }
  }
  return 0;
}

int convert_zone(MDB_txn* txn, const Environment::Databases& databases, const ZoneRow& zone) {
  if (zone.generation == 0) return 0;
  if (const int code = move_nsec3(txn, databases.nodes, zone.generation); code != 0) return code;
  return put_version(txn, databases.changes, zone.id, first_row(zone));
}

}  // namespace

int convert_from_schema_1(MDB_txn* txn, const Environment::Databases& databases) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, databases.zones, &cursor); code != 0) return code;
  MDB_val key{}, value{};
  int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
  for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
    const auto zone = decode_zone(to_octets(value));
    code = zone ? convert_zone(txn, databases, *zone) : MDB_CORRUPTED;
    if (code != 0) break;
  }
  mdb_cursor_close(cursor);
  return code == MDB_NOTFOUND ? 0 : code;
}

}  // namespace understudy::backend::lmdb
