// The rows and chunks of `changes` inside a transaction: written with each publication, trimmed, and erased
// with their zone. Functions return LMDB's codes; used by the store thread only.
#pragma once

#include <lmdb.h>

#include "backend/lmdb/environment.h"
#include "backend/mirror.h"

namespace understudy::backend::lmdb {

// The row of a zone whose history begins with what is live.
VersionRow first_row(const ZoneRow& live);
int put_version(MDB_txn* txn, MDB_dbi changes, ZoneId zone, const VersionRow& row);

// Records what `next` makes of `before` (the zone's row until now).
int record_version(MDB_txn* txn, const Environment::Databases& databases, const ZoneRow& before,
                   const NewVersion& next);

// The row of the first version above that one; MDB_NOTFOUND where there is none.
int next_version(MDB_txn* txn, MDB_dbi changes, ZoneId zone, Version version, VersionRow& row);

// Makes garbage of a generation.
int bury(MDB_txn* txn, MDB_dbi garbage, Generation generation, ZoneId zone);

// Forgets versions that are over, limits::trimmed_versions at most; `more` where that was not enough.
int trim_versions(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, const Keep& keep,
                  UnixTime now, bool& more);

// Forgets all versions of a zone that goes itself: what they kept becomes garbage. Adds the entries that went
// to `erased`.
int forget_versions(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, std::size_t& erased);

}  // namespace understudy::backend::lmdb
