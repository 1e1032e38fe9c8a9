// LMDB transactions as two types, so that a reader cannot write and a writer cannot be forgotten open.
#pragma once

#include "backend/lmdb/environment.h"

namespace understudy::backend::lmdb {

inline MDB_val to_val(Octets octets) { return {octets.size(), const_cast<std::uint8_t*>(octets.data())}; }
inline MDB_val to_val(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
inline Octets to_octets(const MDB_val& val) {
  return {static_cast<const std::uint8_t*>(val.mv_data), val.mv_size};
}

// A write transaction: lives on the stack of the store thread; what is not committed is undone.
class WriteTransaction {
 public:
  static Result<WriteTransaction> begin(Environment& environment) {
    MDB_txn* txn = nullptr;
    if (const int code = mdb_txn_begin(environment.handle(), nullptr, 0, &txn); code != 0) {
      return lmdb_error(code, "beginning to write");
    }
    return WriteTransaction(txn);
  }
  WriteTransaction(WriteTransaction&& other) noexcept : txn_(std::exchange(other.txn_, nullptr)) {}
  WriteTransaction& operator=(WriteTransaction&&) = delete;
  ~WriteTransaction() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }

  MDB_txn* handle() const { return txn_; }
  // The number that readers of this commit will see.
  std::uint64_t number() const { return mdb_txn_id(txn_); }
  // 0 or LMDB's code. The handle is gone after it, whatever came out (lmdb.h, mdb_txn_commit).
  int commit() { return mdb_txn_commit(std::exchange(txn_, nullptr)); }

 private:
  explicit WriteTransaction(MDB_txn* txn) : txn_(txn) {}
  MDB_txn* txn_;
};

// A cursor of a write transaction; closed before the transaction ends.
class WriteCursor {
 public:
  WriteCursor(const WriteTransaction& txn, MDB_dbi database) {
    if (mdb_cursor_open(txn.handle(), database, &cursor_) != 0) cursor_ = nullptr;
  }
  ~WriteCursor() {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  }
  WriteCursor(const WriteCursor&) = delete;
  WriteCursor& operator=(const WriteCursor&) = delete;
  int get(MDB_val& key, MDB_val& value, MDB_cursor_op op) {
    return cursor_ == nullptr ? ENOMEM : mdb_cursor_get(cursor_, &key, &value, op);
  }
  int put(MDB_val key, MDB_val value, unsigned flags) {
    return cursor_ == nullptr ? ENOMEM : mdb_cursor_put(cursor_, &key, &value, flags);
  }
  int remove() { return cursor_ == nullptr ? ENOMEM : mdb_cursor_del(cursor_, 0); }

 private:
  MDB_cursor* cursor_ = nullptr;
};

}  // namespace understudy::backend::lmdb
