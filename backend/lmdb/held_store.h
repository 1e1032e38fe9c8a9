// What is held of each zone, and what was decided about it, inside a transaction: the databases `held` and
// `standing`. Functions return LMDB's codes; writing ones are used by the store thread only.
#pragma once

#include <lmdb.h>

#include <optional>

#include "backend/lmdb/environment.h"
#include "backend/mirror.h"

namespace understudy::backend::lmdb {

// Nothing where no version is held.
int get_held(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone,
             std::optional<HeldVersion>& held);
int put_held(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, const HeldVersion& held,
             const std::vector<std::vector<std::uint8_t>>& chunks);
// The change of the version that is held, chunk by chunk.
int get_held_chunks(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone,
                    const HeldVersion& held, std::vector<std::vector<std::uint8_t>>& chunks);
// The nodes of a version that is held as a patch.
int get_held_nodes(MDB_txn* txn, const Environment::Databases& databases, const HeldVersion& held,
                   std::vector<StoredNode>& nodes);
// Forgets what is held, if anything is; its nodes become garbage but for those of `live`.
int drop_held(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, Generation live);

// As it begins where nothing was decided yet.
int get_standing(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone, Standing& standing);
int put_standing(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone,
                 const Standing& standing);
// All of it, with a zone that goes itself.
int forget_decisions(MDB_txn* txn, const Environment::Databases& databases, ZoneId zone);

}  // namespace understudy::backend::lmdb
