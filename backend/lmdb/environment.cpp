#include "backend/lmdb/environment.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "backend/lmdb/conversion.h"
#include "backend/lmdb/store_format.h"
#include "backend/lmdb/transaction.h"
#include "backend/reasons.h"

namespace understudy::backend::lmdb {

Error lmdb_error(int code, std::string_view doing) {
  std::string message = "the mirror, " + std::string(doing) + ": " + mdb_strerror(code);
  if (code == ENOSPC) return {reason::disk_full, message + "; free some space in the data directory"};
  if (code == MDB_MAP_FULL)
    return {reason::map_full, message + "; allow the process more address space (ulimit -v, LimitAS=)"};
  if (code == MDB_READERS_FULL)
    return {reason::mirror_readers, message + "; too many processes read this mirror"};
  return {reason::mirror_io, message};
}

namespace {

Error io_error(const std::string& path, std::string_view doing) {
  return {reason::mirror_io, std::string(doing) + " " + path + ": " + std::generic_category().message(errno)};
}

// Whether so much more address space can be had. LMDB unmaps before it maps again, and has no map at all
// where that fails: so it is tried first.
bool has_room(std::uint64_t octets) {
  void* const tried = ::mmap(nullptr, octets, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (tried == MAP_FAILED) return false;
  ::munmap(tried, octets);
  return true;
}

// The suffix under which a mirror that was reset is kept.
Result<> set_aside(const std::string& path) {
  for (unsigned i = 1; i < 10'000; ++i) {
    const std::string aside = path + ".aside-" + std::to_string(i);
    if (::access(aside.c_str(), F_OK) == 0) continue;
    if (std::rename(path.c_str(), aside.c_str()) != 0) return io_error(path, "setting aside");
    return {};
  }
  return Error{reason::mirror_io, "too many mirrors were set aside beside " + path + "; remove some"};
}

}  // namespace

Result<> Environment::lock_directory(const MirrorOptions& options) {
  const std::string lock = options.directory + "/serve.lock";
  lock_file_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_file_ < 0) return io_error(lock, "opening");
  if (::flock(lock_file_, LOCK_EX | LOCK_NB) != 0) {
    return Error{reason::mirror_in_use, "another understudy serves from " + options.directory +
                                            "; stop it first, or use another --data"};
  }
  return {};
}

Result<std::unique_ptr<Environment>> Environment::open(const MirrorOptions& options) {
  std::unique_ptr<Environment> made(new Environment);
  made->path_ = options.directory + "/mirror.mdb";
  const bool exists = ::access(made->path_.c_str(), F_OK) == 0;
  if (options.read_only && !exists) {
    return Error{reason::mirror_missing,
                 "there is no mirror in " + options.directory + "; name its directory with --data"};
  }
  if (!options.read_only) {
    std::error_code failed;
    std::filesystem::create_directories(options.directory, failed);
    if (failed) return Error{reason::mirror_io, "making " + options.directory + ": " + failed.message()};
    if (auto locked = made->lock_directory(options); !locked) return locked.error();
    if (options.reset && exists) {
      if (auto done = set_aside(made->path_); !done) return done.error();
    }
  }
  if (const int code = mdb_env_create(&made->handle_); code != 0) return lmdb_error(code, "creating");
  struct stat file {};
  const std::uint64_t file_size =
      ::stat(made->path_.c_str(), &file) == 0 ? static_cast<std::uint64_t>(file.st_size) : 0;
  mdb_env_set_mapsize(made->handle_, std::max(options.map_octets, file_size));
  mdb_env_set_maxreaders(made->handle_, limits::max_readers);
  mdb_env_set_maxdbs(made->handle_, 16);
  const unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (options.read_only ? MDB_RDONLY : 0u);
  const int code = mdb_env_open(made->handle_, made->path_.c_str(), flags, 0600);
  if (code == MDB_INVALID || code == MDB_VERSION_MISMATCH) {
    return Error{reason::mirror_schema,
                 made->path_ + " is not a mirror that this version can read (" + mdb_strerror(code) +
                     "); it is left untouched. Use the version that wrote it, or --reset-mirror"};
  }
  if (code != 0) return lmdb_error(code, "opening " + made->path_);
  int dead = 0;
  mdb_reader_check(made->handle_, &dead);
  if (auto opened = made->open_databases(options.read_only); !opened) return opened.error();
  return made;
}

Environment::~Environment() {
  if (handle_ != nullptr) mdb_env_close(handle_);
  if (lock_file_ >= 0) ::close(lock_file_);
}

int Environment::make_databases(MDB_txn* txn, bool read_only) {
  const unsigned create = read_only ? 0u : static_cast<unsigned>(MDB_CREATE);
  const std::pair<const char*, MDB_dbi*> all[] = {
      {"meta", &databases_.meta},        {"zones", &databases_.zones},       {"timers", &databases_.timers},
      {"nodes", &databases_.nodes},      {"changes", &databases_.changes},   {"garbage", &databases_.garbage},
      {"added", &databases_.added},      {"unserved", &databases_.unserved}, {"held", &databases_.held},
      {"standing", &databases_.standing}};
  for (const auto& [name, handle] : all) {
    if (const int code = mdb_dbi_open(txn, name, create, handle); code != 0) return code;
  }
  const std::pair<const char*, MDB_dbi*> younger[] = {{"evidence", &databases_.evidence},
                                                      {"passes", &databases_.passes}};
  for (const auto& [name, handle] : younger) {
    const int code = mdb_dbi_open(txn, name, create, handle);
    if (code != 0 && !(read_only && code == MDB_NOTFOUND)) return code;
  }
  return 0;
}

Result<> Environment::open_databases(bool read_only) {
  using namespace store_format;
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(handle_, nullptr, read_only ? MDB_RDONLY : 0u, &txn); code != 0) {
    return lmdb_error(code, "opening its databases");
  }
  const auto refuse = [&](const std::string& what, const std::string& advice = {}) {
    mdb_txn_abort(txn);
    return Error{reason::mirror_schema,
                 path_ + " " + what + "; it is left untouched. " +
                     (advice.empty() ? "Use the version that wrote it, or --reset-mirror" : advice)};
  };
  std::uint32_t found = schema_version;
  MDB_val schema{};
  MDB_val key = to_val(schema_key);
  int code = mdb_dbi_open(txn, "meta", 0, &databases_.meta);
  if (code == 0) {
    code = mdb_get(txn, databases_.meta, &key, &schema);
    if (code != 0 || schema.mv_size != 4) return refuse("has no schema version");
    found = dns::load32(static_cast<const std::uint8_t*>(schema.mv_data));
    if (found > schema_version || found < oldest_schema_version) {
      return refuse("has schema version " + std::to_string(found) + " and this program knows " +
                    std::to_string(schema_version));
    }
    if (found != schema_version && read_only) {
      return refuse("has schema version " + std::to_string(found),
                    "Start `understudy serve` on it once: that converts it to version " +
                        std::to_string(schema_version));
    }
  } else if (code == MDB_NOTFOUND) {
    // New, or somebody else's: the unnamed database lists all databases, and ours is empty when new.
    MDB_dbi unnamed = 0;
    MDB_stat stat{};
    if (mdb_dbi_open(txn, nullptr, 0, &unnamed) != 0 || mdb_stat(txn, unnamed, &stat) != 0 ||
        stat.ms_entries != 0 || read_only) {
      return refuse("is an LMDB file but not a mirror");
    }
  }
  code = make_databases(txn, read_only);
  // In the one transaction that opens it: converted as a whole, or as it was.
  if (code == 0 && found == 1) code = convert_from_schema_1(txn, databases_);
  if (code == 0 && !read_only && (schema.mv_size == 0 || found != schema_version)) {
    std::array<std::uint8_t, 4> version{};
    dns::store32(version.data(), schema_version);
    schema = {version.size(), version.data()};
    code = mdb_put(txn, databases_.meta, &key, &schema, 0);
  }
  if (code != 0) {
    mdb_txn_abort(txn);
    return lmdb_error(code, "opening its databases");
  }
  code = mdb_txn_commit(txn);
  if (code != 0) return lmdb_error(code, "opening its databases");
  return {};
}

Environment::Passage::Passage(Environment& environment) : environment_(environment) {
  const std::lock_guard lock(environment_.mutex_);
  environment_.passages_.push_back(this);
}

Environment::Passage::~Passage() {
  const std::lock_guard lock(environment_.mutex_);
  std::erase(environment_.passages_, this);
}

double Environment::Passage::coarse_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void Environment::Passage::wait() {
  std::unique_lock lock(environment_.mutex_);
  while (environment_.resizing_.load()) {
    inside_.store(false);
    environment_.resized_.notify_all();
    environment_.resized_.wait(lock, [&] { return !environment_.resizing_.load(); });
    inside_.store(true);
  }
}

Result<> Environment::resize(unsigned factor) {
  std::unique_lock lock(mutex_);
  resizing_.store(true);
  // A batch takes well under a millisecond, and a spooled transfer a fraction of a second: polling is enough
  // here.
  const auto empty = [&] {
    return std::none_of(passages_.begin(), passages_.end(),
                        [](const Passage* p) { return p->inside_.load(); });
  };
  while (!empty()) resized_.wait_for(lock, std::chrono::milliseconds(1));
  MDB_envinfo info{};
  mdb_env_info(handle_, &info);
  // How large another process made it is not known yet: twice as large, as long as we follow.
  const bool fits = has_room(info.me_mapsize * (factor == 0 ? 1 : factor - 1));
  const int code = fits ? mdb_env_set_mapsize(handle_, info.me_mapsize * factor) : MDB_MAP_FULL;
  resizing_.store(false);
  resized_.notify_all();
  if (code != 0) return lmdb_error(code, "enlarging the map");
  return {};
}

double Environment::oldest_reader_age() const {
  const std::lock_guard lock(mutex_);
  double oldest = 0;
  const double now = Passage::coarse_seconds();
  for (const Passage* passage : passages_) {
    if (passage->inside_.load())
      oldest = std::max(oldest, now - passage->since_.load(std::memory_order_relaxed));
  }
  return oldest;
}

}  // namespace understudy::backend::lmdb
