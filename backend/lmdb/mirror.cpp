#include <sys/statvfs.h>

#include "backend/lmdb/reader.h"
#include "backend/lmdb/writer.h"

namespace understudy::backend {
namespace lmdb {
namespace {

class LmdbMirror final : public Mirror {
 public:
  explicit LmdbMirror(std::unique_ptr<Environment> environment)
      : environment_(std::move(environment)), writer_(*environment_) {}

  Result<std::unique_ptr<Reader>> reader() override { return LmdbReader::open(*environment_); }
  Writer& writer() override { return writer_; }
  Result<StoreStatistics> statistics() override;
  Result<> start() { return writer_.bury_unfinished(); }

 private:
  std::unique_ptr<Environment> environment_;
  LmdbWriter writer_;
};

// The pages that LMDB keeps for reuse: its free list is database 0, each value begins with a count.
Result<std::uint64_t> free_pages(MDB_txn* txn) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, 0, &cursor); code != 0)
    return lmdb_error(code, "reading its free list");
  std::uint64_t pages = 0;
  MDB_val key{}, value{};
  while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
    std::size_t count = 0;
    if (value.mv_size >= sizeof count) std::memcpy(&count, value.mv_data, sizeof count);
    pages += count;
  }
  mdb_cursor_close(cursor);
  return pages;
}

Result<StoreStatistics> LmdbMirror::statistics() {
  MDB_envinfo info{};
  MDB_stat stat{};
  Environment::Passage passage(*environment_);
  passage.enter();
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(environment_->handle(), nullptr, MDB_RDONLY, &txn);
  Result<std::uint64_t> free = std::uint64_t{0};
  if (code == 0) {
    mdb_env_info(environment_->handle(), &info);
    code = mdb_stat(txn, environment_->databases().nodes, &stat);
    free = free_pages(txn);
    mdb_txn_abort(txn);
  }
  passage.leave();
  if (code != 0) return lmdb_error(code, "reading its statistics");
  if (!free) return free.error();
  StoreStatistics out;
  out.map_octets = info.me_mapsize;
  const std::uint64_t reusable = *free * stat.ms_psize;
  const std::uint64_t file = (info.me_last_pgno + 1) * stat.ms_psize;
  out.used_octets = file - std::min(file, reusable);
  struct statvfs disk {};
  const std::uint64_t on_disk =
      ::statvfs(environment_->path().c_str(), &disk) == 0 ? std::uint64_t{disk.f_bavail} * disk.f_frsize : 0;
  out.free_octets = reusable + std::min(on_disk, out.map_octets - file);
  out.oldest_reader_age_seconds = environment_->oldest_reader_age();
  return out;
}

}  // namespace
}  // namespace lmdb

Result<std::unique_ptr<Mirror>> open_mirror(const MirrorOptions& options) {
  auto environment = lmdb::Environment::open(options);
  if (!environment) return environment.error();
  auto mirror = std::make_unique<lmdb::LmdbMirror>(std::move(*environment));
  if (!options.read_only) {
    if (auto started = mirror->start(); !started) return started.error();
  }
  return std::unique_ptr<Mirror>(std::move(mirror));
}

}  // namespace understudy::backend
