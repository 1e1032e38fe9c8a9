// Mirrors of older schemas (docs/formats.md), made ones of this schema inside the transaction that opens
// them: as a whole, or not at all. Functions return LMDB's codes.
#pragma once

#include "backend/lmdb/environment.h"

namespace understudy::backend::lmdb {

// Schema 2 remembers versions, and its NSEC3s stand behind the apex.
int convert_from_schema_1(MDB_txn* txn, const Environment::Databases& databases);

}  // namespace understudy::backend::lmdb
