#include "backend/lmdb/writer.h"

#include "backend/lmdb/held_store.h"
#include "backend/lmdb/store_format.h"
#include "backend/lmdb/version_store.h"
#include "base/failpoint.h"

namespace understudy::backend::lmdb {

using namespace store_format;

namespace {

struct GenerationKey {
  std::array<std::uint8_t, generation_octets> octets;
  explicit GenerationKey(Generation generation) { store_generation(octets.data(), generation); }
  MDB_val val() { return {octets.size(), octets.data()}; }
};

MDB_val zone_key(dns::NameKey& key) {
  key.data()[-1] = zone_key_prefix;
  return {key.size() + 1, key.data() - 1};
}

// A patch is made against the version before; on any other, or on none, it would mix two.
bool follows(const ZoneRow& before, const NewVersion& version) {
  const Version after = version.after.value_or(version.row.version - 1);
  return before.version == after && version.row.version > after;
}

}  // namespace

template <class Work>
Result<std::uint64_t> LmdbWriter::commit(std::string_view doing, Work work) {
  // The map doubles each time; more than a few times in one commit means that something else is wrong.
  for (unsigned attempt = 0; attempt < 8; ++attempt) {
    auto txn = WriteTransaction::begin(environment_);
    if (!txn) return txn.error();
    const std::uint64_t number = txn->number();
    int code = work(*txn);
    if (code == 0) code = txn->commit();
    if (code == 0) return number;
    if (code != MDB_MAP_FULL) return lmdb_error(code, doing);
    { const WriteTransaction undone = std::move(*txn); }
    if (auto resized = environment_.resize(2); !resized) return resized.error();
  }
  return lmdb_error(MDB_MAP_FULL, doing);
}

Result<std::uint64_t> LmdbWriter::commit_work(std::string_view doing, const AnyWork& work) {
  return commit(doing, work);
}

int LmdbWriter::next_number(const WriteTransaction& txn, std::string_view counter, std::uint64_t& number) {
  const MDB_dbi meta = environment_.databases().meta;
  MDB_val key = to_val(counter), value{};
  const int code = mdb_get(txn.handle(), meta, &key, &value);
  if (code != 0 && code != MDB_NOTFOUND) return code;
  number = code == 0 && value.mv_size == 8 ? dns::load64(static_cast<const std::uint8_t*>(value.mv_data)) : 1;
  std::array<std::uint8_t, 8> following;
  dns::store64(following.data(), number + 1);
  value = to_val(following);
  return mdb_put(txn.handle(), meta, &key, &value, 0);
}

Result<> LmdbWriter::bury_unfinished() {
  const auto done = commit("looking for unfinished work", [&](const WriteTransaction& txn) {
    WriteCursor cursor(txn, environment_.databases().garbage);
    MDB_val key{}, value{};
    int code = cursor.get(key, value, MDB_FIRST);
    for (; code == 0; code = cursor.get(key, value, MDB_NEXT)) {
      const Octets entry = to_octets(value);
      if (entry.size() != sizeof(GarbageValue) ||
          entry[0] != static_cast<std::uint8_t>(GarbageState::building))
        continue;
      const GarbageValue dead = encode_garbage(GarbageState::dead, dns::load64(entry.data() + 1));
      if (const int put = cursor.put(key, to_val(dead), MDB_CURRENT); put != 0) return put;
    }
    return code == MDB_NOTFOUND ? 0 : code;
  });
  if (!done) return done.error();
  return {};
}

// One zone of ensure_zones(): its row, made where there is none.
int LmdbWriter::ensure_zone(const WriteTransaction& txn, const Name& apex, ZoneRow& row) {
  const MDB_dbi zones = environment_.databases().zones;
  dns::NameKey name(apex);
  MDB_val key = zone_key(name), value{};
  int code = mdb_get(txn.handle(), zones, &key, &value);
  if (code == 0) {
    const auto known = decode_zone(to_octets(value));
    if (!known) return MDB_CORRUPTED;
    row = *known;
    return 0;
  }
  if (code != MDB_NOTFOUND) return code;
  if ((code = next_number(txn, next_zone_key, row.id)) != 0) return code;
  const ZoneValue encoded = encode(row);
  value = to_val(encoded);
  return mdb_put(txn.handle(), zones, &key, &value, 0);
}

Result<std::vector<ZoneRow>> LmdbWriter::ensure_zones(const std::vector<Name>& apexes) {
  // LMDB never gives back the memory of a transaction's pages: very many zones come by several.
  constexpr std::size_t most_at_once = 2000;
  std::vector<ZoneRow> rows;
  rows.reserve(apexes.size());
  while (rows.size() < apexes.size()) {
    const std::size_t first = rows.size(), last = std::min(apexes.size(), first + most_at_once);
    const auto done = commit("entering zones", [&](const WriteTransaction& txn) {
      rows.resize(first);
      for (std::size_t i = first; i < last; ++i) {
        if (const int code = ensure_zone(txn, apexes[i], rows.emplace_back()); code != 0) return code;
      }
      return 0;
    });
    if (!done) return done.error();
  }
  return rows;
}

Result<Generation> LmdbWriter::begin(ZoneId zone) {
  Generation generation = 0;
  const auto done = commit("beginning a generation", [&](const WriteTransaction& txn) {
    if (const int code = next_number(txn, next_bulk_key, generation); code != 0) return code;
    generation |= bulk_bit;
    GenerationKey key(generation);
    const GarbageValue building = encode_garbage(GarbageState::building, zone);
    MDB_val k = key.val(), v = to_val(building);
    failpoint("begin");
    return mdb_put(txn.handle(), environment_.databases().garbage, &k, &v, 0);
  });
  if (!done) return done.error();
  return generation;
}

int LmdbWriter::put_nodes(const WriteTransaction& txn, Generation generation,
                          const std::vector<StoredNode>& nodes) {
  WriteCursor cursor(txn, environment_.databases().nodes);
  std::array<std::uint8_t, generation_octets + dns::NameKey::max_octets> full;
  store_generation(full.data(), generation);
  // Where another generation's keys lie behind ours (small zones), LMDB refuses to append: then they are put.
  unsigned flags = MDB_APPEND;
  for (const StoredNode& node : nodes) {
    std::copy(node.key.begin(), node.key.end(),
              full.begin() + generation_octets);  // the root has an empty key
    const MDB_val key{generation_octets + node.key.size(), full.data()};
    int code = cursor.put(key, to_val(node.block), flags);
    if (code == MDB_KEYEXIST && flags != 0) code = cursor.put(key, to_val(node.block), flags = 0);
    if (code != 0) return code;
  }
  return 0;
}

Result<> LmdbWriter::put(Generation generation, const std::vector<StoredNode>& nodes) {
  const auto done = commit("storing a zone",
                           [&](const WriteTransaction& txn) { return put_nodes(txn, generation, nodes); });
  failpoint("put");
  if (!done) return done.error();
  return {};
}

int LmdbWriter::patch_nodes(const WriteTransaction& txn, Generation generation,
                            const std::vector<StoredNode>& changes) {
  const MDB_dbi nodes = environment_.databases().nodes;
  std::array<std::uint8_t, generation_octets + dns::NameKey::max_octets> full;
  store_generation(full.data(), generation);
  for (const StoredNode& change : changes) {
    std::copy(change.key.begin(), change.key.end(), full.begin() + generation_octets);
    MDB_val key{generation_octets + change.key.size(), full.data()}, value = to_val(Octets(change.block));
    const int code = change.block.empty() ? mdb_del(txn.handle(), nodes, &key, nullptr)
                                          : mdb_put(txn.handle(), nodes, &key, &value, 0);
    if (code != 0) return code;
  }
  return 0;
}

// Makes the new row the zone's, and garbage of the generation before unless the change keeps it.
int LmdbWriter::flip(const WriteTransaction& txn, const ZoneRow& before, const NewVersion& version) {
  const auto& databases = environment_.databases();
  const bool moved = before.generation != version.row.generation;
  if (moved && before.generation != 0 && version.change.how != How::whole) {
    GenerationKey old(before.generation);
    const GarbageValue dead = encode_garbage(GarbageState::dead, before.id);
    MDB_val k = old.val(), v = to_val(dead);
    if (const int code = mdb_put(txn.handle(), databases.garbage, &k, &v, 0); code != 0) return code;
  }
  GenerationKey live(version.row.generation);
  MDB_val live_key = live.val();
  const int removed = mdb_del(txn.handle(), databases.garbage, &live_key, nullptr);
  if (removed != 0 && removed != MDB_NOTFOUND) return removed;
  dns::NameKey name(version.apex);
  const ZoneValue encoded = encode(version.row);
  MDB_val key = zone_key(name), value = to_val(encoded);
  if (const int code = mdb_put(txn.handle(), databases.zones, &key, &value, 0); code != 0) return code;
  std::array<std::uint8_t, 8> id;
  dns::store64(id.data(), before.id);
  const TimerValue encoded_timers = encode(version.timers);
  MDB_val timer_key = to_val(id), timer_value = to_val(encoded_timers);
  return mdb_put(txn.handle(), databases.timers, &timer_key, &timer_value, 0);
}

int LmdbWriter::publish_one(const WriteTransaction& txn, NewVersion& version) {
  const auto& databases = environment_.databases();
  dns::NameKey name(version.apex);
  MDB_val key = zone_key(name), value{};
  if (const int code = mdb_get(txn.handle(), databases.zones, &key, &value); code != 0) return code;
  const auto before = decode_zone(to_octets(value));
  if (!before || !follows(*before, version)) return MDB_CORRUPTED;
  if (version.content == Content::patch && before->generation == 0) return MDB_CORRUPTED;
  int code = 0;
  if (version.content == Content::nodes) {
    code = next_number(txn, next_small_key, version.row.generation);
    if (code == 0) code = put_nodes(txn, version.row.generation, version.nodes);
  } else if (version.content == Content::patch) {
    version.row.generation = before->generation;
    code = patch_nodes(txn, version.row.generation, version.nodes);
  } else if (version.content == Content::held) {
    code = take_held(txn, *before, version);
  }
  failpoint("publish-nodes");
  if (code == 0) code = record_version(txn.handle(), databases, *before, version);
  failpoint("publish-change");
  if (code == 0) code = flip(txn, *before, version);
  failpoint("publish-row");
  // What was held is live now, or another version took its place.
  if (code == 0) code = drop_held(txn.handle(), databases, before->id, version.row.generation);
  if (code == 0) code = note_standing(txn, version, true);
  bool more = false;  // the next publication, or trim(), forgets the rest
  if (code == 0)
    code = trim_versions(txn.handle(), databases, before->id, version.keep, version.row.published, more);
  return code;
}

Result<std::uint64_t> LmdbWriter::publish(std::vector<NewVersion>& versions) {
  const std::string doing =
      versions.size() == 1 ? "publishing " + to_string(versions.front().apex) : "publishing zones";
  const auto done = commit(doing, [&](const WriteTransaction& txn) {
    for (NewVersion& version : versions) {
      if (const int code = publish_one(txn, version); code != 0) return code;
    }
    failpoint("publish-commit");
    return 0;
  });
  failpoint("published");
  return done;
}

Result<bool> LmdbWriter::trim(const std::vector<std::pair<ZoneId, Keep>>& zones, UnixTime now) {
  bool more = false;
  const auto done = commit("forgetting versions", [&](const WriteTransaction& txn) {
    more = false;
    for (const auto& [zone, keep] : zones) {
      bool more_of_it = false;
      const int code = trim_versions(txn.handle(), environment_.databases(), zone, keep, now, more_of_it);
      if (code != 0) return code;
      more |= more_of_it;
    }
    failpoint("trim");
    return 0;
  });
  if (!done) return done.error();
  return more;
}

Result<> LmdbWriter::discard(Generation generation) {
  const auto done = commit("discarding a generation", [&](const WriteTransaction& txn) {
    GenerationKey key(generation);
    MDB_val k = key.val(), v{};
    const int code = mdb_get(txn.handle(), environment_.databases().garbage, &k, &v);
    if (code != 0) return code;
    const GarbageValue dead =
        encode_garbage(GarbageState::dead, dns::load64(static_cast<std::uint8_t*>(v.mv_data) + 1));
    v = to_val(dead);
    failpoint("discard");
    return mdb_put(txn.handle(), environment_.databases().garbage, &k, &v, 0);
  });
  if (!done) return done.error();
  return {};
}

Result<> LmdbWriter::save_timers(const std::vector<std::pair<ZoneId, TimerRow>>& rows) {
  const auto done = commit("saving timers", [&](const WriteTransaction& txn) {
    for (const auto& [zone, row] : rows) {
      std::array<std::uint8_t, 8> id;
      dns::store64(id.data(), zone);
      const TimerValue encoded = encode(row);
      MDB_val key = to_val(id), value = to_val(encoded);
      if (const int code = mdb_put(txn.handle(), environment_.databases().timers, &key, &value, 0); code != 0)
        return code;
    }
    return 0;
  });
  if (!done) return done.error();
  return {};
}

Result<bool> LmdbWriter::collect() {
  bool more = false;
  // The slot of a process that was killed while it read would keep every page of its time from being used
  // again.
  int dead = 0;
  mdb_reader_check(environment_.handle(), &dead);
  {
    // A look first: nothing to do is the ordinary case and must not cost a durable commit.
    MDB_txn* look = nullptr;
    MDB_stat stat{};
    Environment::Passage passage(environment_);
    passage.enter();
    int code = mdb_txn_begin(environment_.handle(), nullptr, MDB_RDONLY, &look);
    if (code == 0) {
      code = mdb_stat(look, environment_.databases().garbage, &stat);
      mdb_txn_abort(look);
    }
    passage.leave();
    if (code != 0) return lmdb_error(code, "looking for garbage");
    if (stat.ms_entries == 0) return false;
  }
  const auto done = commit("collecting garbage", [&](const WriteTransaction& txn) {
    more = false;
    WriteCursor garbage(txn, environment_.databases().garbage);
    WriteCursor nodes(txn, environment_.databases().nodes);
    std::size_t budget = limits::collect_nodes;
    MDB_val key{}, value{};
    int code = garbage.get(key, value, MDB_FIRST);
    for (; code == 0 && budget > 0; code = garbage.get(key, value, MDB_NEXT)) {
      if (to_octets(value)[0] != static_cast<std::uint8_t>(GarbageState::dead)) continue;
      const Generation generation = load_generation(static_cast<const std::uint8_t*>(key.mv_data));
      GenerationKey prefix(generation);
      for (; budget > 0; --budget) {
        MDB_val at = prefix.val(), block{};
        const int found = nodes.get(at, block, MDB_SET_RANGE);
        if (found == MDB_NOTFOUND ||
            (found == 0 && load_generation(static_cast<std::uint8_t*>(at.mv_data)) != generation)) {
          if (const int removed = garbage.remove(); removed != 0) return removed;
          break;
        }
        if (found != 0) return found;
        if (const int removed = nodes.remove(); removed != 0) return removed;
      }
    }
    more = budget == 0;
    failpoint("collect");
    return code == MDB_NOTFOUND ? 0 : code;
  });
  if (!done) return done.error();
  return more;
}

}  // namespace understudy::backend::lmdb
