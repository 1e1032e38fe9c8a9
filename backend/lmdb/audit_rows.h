// What the comparer keeps, as far as others than Reader and Writer need it. The store's own.
#pragma once

#include "backend/lmdb/environment.h"

namespace understudy::backend::lmdb {

// All of it, with a zone that goes itself.
int forget_audit(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone);

}  // namespace understudy::backend::lmdb
