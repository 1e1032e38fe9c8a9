// The LMDB environment of the mirror: opened once a process, default durability, default key order, several
// databases.
//
// Owned by the store; outlives every transaction. Safe from any thread, except that grow() belongs to the
// writer. LMDB must not be resized while a transaction of this process is active: readers pass a gate, which
// is open but for the moment of a resize.
#pragma once

#include <lmdb.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "backend/mirror.h"

namespace understudy::backend::lmdb {

// An error of LMDB's, told with what was tried.
Error lmdb_error(int code, std::string_view doing);

class Environment {
 public:
  // Databases, opened at start and never closed.
  struct Databases {
    MDB_dbi meta = 0, zones = 0, timers = 0, nodes = 0, changes = 0, garbage = 0;
    MDB_dbi added = 0, unserved = 0, held = 0, standing = 0;
    // Younger than their schema: 0 in a mirror that is only read and that no newer program has written to.
    MDB_dbi evidence = 0, passes = 0;
  };

  static Result<std::unique_ptr<Environment>> open(const MirrorOptions& options);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  MDB_env* handle() const { return handle_; }
  const Databases& databases() const { return databases_; }
  const std::string& path() const { return path_; }

  // A reader's place at the gate.
  class Passage {
   public:
    explicit Passage(Environment& environment);
    ~Passage();
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;
    // Before a read transaction begins or is renewed; waits only while the map is being resized.
    void enter() {
      inside_.store(true, std::memory_order_seq_cst);
      if (environment_.resizing_.load(std::memory_order_seq_cst)) [[unlikely]]
        wait();
      since_.store(coarse_seconds(), std::memory_order_relaxed);
    }
    // After it was reset.
    void leave() { inside_.store(false, std::memory_order_release); }

   private:
    friend class Environment;
    static double coarse_seconds();
    void wait();
    Environment& environment_;
    std::atomic<bool> inside_{false};
    std::atomic<double> since_{0};
  };

  // Makes the map larger (twice as large, or to what another process made of it where `factor` is 0). Called
  // without an open transaction on this thread.
  Result<> resize(unsigned factor);
  double oldest_reader_age() const;

 private:
  Environment() = default;
  Result<> lock_directory(const MirrorOptions& options);
  Result<> open_databases(bool read_only);
  int make_databases(MDB_txn* txn, bool read_only);

  MDB_env* handle_ = nullptr;
  Databases databases_;
  std::string path_;
  int lock_file_ = -1;
  std::atomic<bool> resizing_{false};
  mutable std::mutex mutex_;
  std::condition_variable resized_;
  std::vector<Passage*> passages_;
};

}  // namespace understudy::backend::lmdb
