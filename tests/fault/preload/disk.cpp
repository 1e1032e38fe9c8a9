// Loaded before the executable (LD_PRELOAD): the disk under one file, DISK_FILE.
//
// DISK_LOG: it writes down what goes to the file and when the kernel was asked to keep it, so that
// power_loss.py can rebuild what may be left after the power went. A record is 'W' (written), 'D' (written,
// and durable on return) or 'S' (everything before is durable), then offset and size, eight octets each in
// the machine's order, then the octets. Each is appended after the call has returned, under one lock.
// DISK_FULL: while a file of that name exists, the disk is full: what would make DISK_FILE longer fails with
// ENOSPC, and who asks how much is free there is told that nothing is.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

namespace {

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool is_watched(int fd) {
  static const char* const wanted = std::getenv("DISK_FILE");
  if (wanted == nullptr) return false;
  std::array<char, PATH_MAX> path;
  const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  return size > 0 && std::string_view(path.data(), static_cast<std::size_t>(size)) == wanted;
}

bool is_full() {
  static const char* const full = std::getenv("DISK_FULL");
  return full != nullptr && ::access(full, F_OK) == 0;
}

// True where the call must fail.
bool is_full(int fd, off_t end) {
  struct stat state {};
  if (!is_full() || !is_watched(fd) || ::fstat(fd, &state) != 0) return false;
  if (end <= state.st_size) return false;
  errno = ENOSPC;
  return true;
}

std::size_t sum(const iovec* parts, int count) {
  std::size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  return size;
}

void note(char kind, std::uint64_t offset, const iovec* parts, int count, std::uint64_t size) {
  static std::mutex mutex;
  static const char* const path = std::getenv("DISK_LOG");
  if (path == nullptr) return;
  static const int log = ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  static const auto write_out = next<ssize_t(int, const void*, std::size_t)>("write");
  std::vector<char> record(1 + 2 * sizeof(std::uint64_t));
  record[0] = kind;
  std::memcpy(record.data() + 1, &offset, sizeof offset);
  std::memcpy(record.data() + 1 + sizeof offset, &size, sizeof size);
  for (int i = 0; i < count && size > 0; ++i) {
    const auto* const octets = static_cast<const char*>(parts[i].iov_base);
    const std::size_t taken = std::min<std::uint64_t>(parts[i].iov_len, size);
    record.insert(record.end(), octets, octets + taken);
    size -= taken;
  }
  const std::lock_guard lock(mutex);
  if (write_out(log, record.data(), record.size()) != static_cast<ssize_t>(record.size())) std::abort();
}

ssize_t wrote(int fd, const iovec* parts, int count, off_t offset, ssize_t result) {
  if (result > 0 && is_watched(fd)) {
    const bool durable = (::fcntl(fd, F_GETFL) & O_DSYNC) != 0;
    note(durable ? 'D' : 'W', static_cast<std::uint64_t>(offset), parts, count,
         static_cast<std::uint64_t>(result));
  }
  return result;
}

ssize_t wrote(int fd, const void* octets, std::size_t size, off_t offset, ssize_t result) {
  const iovec part{const_cast<void*>(octets), size};
  return wrote(fd, &part, 1, offset, result);
}

int synced(int fd, int result) {
  if (result == 0 && is_watched(fd)) note('S', 0, nullptr, 0, 0);
  return result;
}

}  // namespace

extern "C" {

ssize_t pwrite(int fd, const void* octets, std::size_t size, off_t offset) {
  static const auto real = next<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
  if (is_full(fd, offset + static_cast<off_t>(size))) return -1;
  return wrote(fd, octets, size, offset, real(fd, octets, size, offset));
}
ssize_t pwrite64(int fd, const void* octets, std::size_t size, off64_t offset) {
  return pwrite(fd, octets, size, offset);
}
ssize_t writev(int fd, const iovec* parts, int count) {
  static const auto real = next<ssize_t(int, const iovec*, int)>("writev");
  const off_t offset = ::lseek(fd, 0, SEEK_CUR);
  if (offset >= 0 && is_full(fd, offset + static_cast<off_t>(sum(parts, count)))) return -1;
  return wrote(fd, parts, count, offset, real(fd, parts, count));
}
ssize_t write(int fd, const void* octets, std::size_t size) {
  static const auto real = next<ssize_t(int, const void*, std::size_t)>("write");
  const off_t offset = ::lseek(fd, 0, SEEK_CUR);
  if (offset >= 0 && is_full(fd, offset + static_cast<off_t>(size))) return -1;
  return wrote(fd, octets, size, offset, real(fd, octets, size));
}
int fdatasync(int fd) {
  static const auto real = next<int(int)>("fdatasync");
  return synced(fd, real(fd));
}
int fsync(int fd) {
  static const auto real = next<int(int)>("fsync");
  return synced(fd, real(fd));
}

int statvfs(const char* path, struct statvfs* state) {
  static const auto real = next<int(const char*, struct statvfs*)>("statvfs");
  const int result = real(path, state);
  if (result == 0 && is_full()) state->f_bavail = state->f_bfree = 0;
  return result;
}

}  // extern "C"
