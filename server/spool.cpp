#include "server/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace understudy::server {
namespace {

Error io_error(const std::string& what) { return {"spool-io", what + ": " + std::strerror(errno)}; }

// A file that is gone as soon as nobody has it open, crashes included.
Result<int> open_unnamed(const std::string& directory) {
  const int file = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // Not every file system knows files without names.
  std::string path = directory + "/transfer-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named < 0) return io_error("making a transfer's spool in " + directory);
  ::unlink(path.c_str());
  return named;
}

}  // namespace

Spool::~Spool() { ::close(file_); }

bool Spool::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  while (!out.empty() && offset < size_) {
    const ssize_t n = ::pread(file_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return true;
}

Result<std::shared_ptr<const Spool>> make_spool(
    const std::string& directory, dns::NameView apex, TransferType type,
    const std::function<Result<std::uint32_t>(SpoolWriter&)>& render) {
  const auto file = open_unnamed(directory);
  if (!file) return file.error();
  SpoolWriter writer(*file, apex);
  Result<std::uint32_t> serial = render(writer);
  if (const Result<> finished = writer.finish(); serial && !finished) serial = finished.error();
  if (!serial) {
    ::close(*file);
    return serial.error();
  }
  const SpoolContents contents{type, *serial, writer.records()};
  return std::make_shared<const Spool>(*file, writer.octets_written(), contents);
}

}  // namespace understudy::server
