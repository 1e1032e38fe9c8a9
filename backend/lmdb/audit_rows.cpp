// What the comparer keeps: `evidence` and `passes`. Key: zone id, 8 octets, and a hash, 16; the value is the
// comparer's.
#include "backend/lmdb/audit_rows.h"

#include "backend/lmdb/reader.h"
#include "backend/lmdb/writer.h"

namespace understudy::backend::lmdb {

namespace {

constexpr std::size_t id_octets = 8;
using FullKey = std::array<std::uint8_t, id_octets + sizeof(AuditKey)>;

FullKey full_key(ZoneId zone, const AuditKey& key) {
  FullKey full;
  dns::store64(full.data(), zone);
  std::memcpy(full.data() + id_octets, key.data(), key.size());
  return full;
}

MDB_dbi database_of(const Environment::Databases& databases, AuditKind kind) {
  return kind == AuditKind::evidence ? databases.evidence : databases.passes;
}

// Calls `each(cursor, key, value)` for the rows of a zone; what is not 0 ends it and is returned.
template <class Each>
int each_row(MDB_txn* txn, MDB_dbi database, ZoneId zone, Each each) {
  if (database == 0) return 0;
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, database, &cursor); code != 0) return code;
  const FullKey first = full_key(zone, AuditKey{});
  MDB_val key = to_val(Octets(first)), value{};
  int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
    const Octets octets = to_octets(key);
    if (octets.size() != sizeof(FullKey) || dns::load64(octets.data()) != zone) break;
    if ((code = each(cursor, octets, to_octets(value))) != 0) break;
  }
  mdb_cursor_close(cursor);
  return code == MDB_NOTFOUND ? 0 : code;
}

}  // namespace

int forget_audit(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone) {
  for (const MDB_dbi database : {databases.evidence, databases.passes}) {
    const int code = each_row(txn, database, zone,
                              [](MDB_cursor* cursor, Octets, Octets) { return mdb_cursor_del(cursor, 0); });
    if (code != 0) return code;
  }
  return 0;
}

std::vector<AuditRow> LmdbReader::audit_rows(ZoneId zone, AuditKind kind) {
  std::vector<AuditRow> rows;
  const MDB_dbi database = database_of(environment_.databases(), kind);
  each_row(txn_, database, zone, [&](MDB_cursor*, Octets key, Octets value) {
    AuditRow row{zone, kind, {}, {value.begin(), value.end()}};
    std::memcpy(row.key.data(), key.data() + id_octets, row.key.size());
    rows.push_back(std::move(row));
    return 0;
  });
  return rows;
}

Result<> LmdbWriter::save_audit(const std::vector<AuditRow>& rows) {
  const auto done = commit_work("keeping what was compared", [&](const WriteTransaction& txn) {
    for (const AuditRow& row : rows) {
      const FullKey full = full_key(row.zone, row.key);
      const MDB_dbi database = database_of(environment_.databases(), row.kind);
      MDB_val key = to_val(Octets(full)), value = to_val(Octets(row.value));
      const int code = row.value.empty() ? mdb_del(txn.handle(), database, &key, nullptr)
                                         : mdb_put(txn.handle(), database, &key, &value, 0);
      if (code != 0 && !(row.value.empty() && code == MDB_NOTFOUND)) return code;
    }
    return 0;
  });
  if (!done) return done.error();
  return {};
}

}  // namespace understudy::backend::lmdb
