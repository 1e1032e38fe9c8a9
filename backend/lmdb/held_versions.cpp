// Versions that are stored without being live: held, and taken from there when they are published.
#include "backend/lmdb/held_store.h"
#include "backend/lmdb/store_format.h"
#include "backend/lmdb/version_store.h"
#include "backend/lmdb/writer.h"
#include "base/failpoint.h"

namespace understudy::backend::lmdb {

using namespace store_format;

int LmdbWriter::note_standing(const WriteTransaction& txn, const NewVersion& version, bool live) {
  const auto& databases = environment_.databases();
  Standing standing;
  if (version.standing) {
    standing = *version.standing;
  } else {
    const int code = get_standing(txn.handle(), databases, version.row.id, standing);
    if (code != 0) return code;
    if (live) standing.source_serial = version.row.serial;
  }
  standing.last = std::max(standing.last, version.row.version);
  return put_standing(txn.handle(), databases, version.row.id, standing);
}

int LmdbWriter::store_held(const WriteTransaction& txn, NewVersion& version, HeldVersion& held) {
  const auto& databases = environment_.databases();
  int code = drop_held(txn.handle(), databases, version.row.id, 0);
  if (code != 0) return code;
  held.patch = version.content == Content::patch;
  held.generation = version.row.generation;
  if (version.content == Content::generation) {
    // It is not to be buried at the next start.
    std::array<std::uint8_t, generation_octets> octets;
    store_generation(octets.data(), held.generation);
    MDB_val key = to_val(Octets(octets));
    code = mdb_del(txn.handle(), databases.garbage, &key, nullptr);
  } else {
    code = next_number(txn, next_small_key, held.generation);
    if (code == 0) code = put_nodes(txn, held.generation, version.nodes);
  }
  failpoint("hold-nodes");
  if (code == 0) code = put_held(txn.handle(), databases, version.row.id, held, version.change.chunks);
  failpoint("hold-row");
  return code != 0 ? code : note_standing(txn, version, false);
}

Result<HeldVersion> LmdbWriter::hold(NewVersion& version, HeldVersion held) {
  const Change& change = version.change;
  held.row = first_row(version.row);
  held.row.how = change.how;
  held.row.added = change.added;
  held.row.removed = change.removed;
  held.row.zone_octets = change.zone_octets;
  held.row.source = change.source;
  held.row.chunks = static_cast<std::uint32_t>(change.chunks.size());
  const auto done = commit_work("holding a version of " + to_string(version.apex),
                                [&](const WriteTransaction& txn) { return store_held(txn, version, held); });
  failpoint("held");
  if (!done) return done.error();
  return held;
}

// Fills in, from what is held, what publish() would have been given.
int LmdbWriter::take_held(const WriteTransaction& txn, const ZoneRow& before, NewVersion& version) {
  const auto& databases = environment_.databases();
  std::optional<HeldVersion> held;
  int code = get_held(txn.handle(), databases, before.id, held);
  if (code != 0) return code;
  if (!held || held->row.version != version.row.version || held->base != before.version) return MDB_CORRUPTED;
  version.change = {held->row.how,         held->row.added,  held->row.removed,
                    held->row.zone_octets, held->row.source, {}};
  code = get_held_chunks(txn.handle(), databases, before.id, *held, version.change.chunks);
  if (code != 0 || !held->patch) {
    version.row.generation = held->generation;
    return code;
  }
  version.row.generation = before.generation;
  std::vector<StoredNode> nodes;
  code = get_held_nodes(txn.handle(), databases, *held, nodes);
  return code != 0 ? code : patch_nodes(txn, before.generation, nodes);
}

Result<> LmdbWriter::save_standing(ZoneId zone, const Standing& standing) {
  const auto done = commit_work("saving what was decided", [&](const WriteTransaction& txn) {
    failpoint("standing");
    return put_standing(txn.handle(), environment_.databases(), zone, standing);
  });
  if (!done) return done.error();
  return {};
}

}  // namespace understudy::backend::lmdb
