// A version of a zone as the messages of a transfer (RFC 5936 2.2), or what leads to it from an older one
// (RFC 1995 4), in a file without a name.
//
// Made on one thread; afterwards immutable, so any thread may read it. The messages carry ID 0 and in the
// first one the question `apex IN AXFR`; who sends them puts in what was asked. Disk is bounded by what is
// sent, memory by two buffers while it is made.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/spool_writer.h"

namespace understudy::server {

// Which way a zone is sent: all of it, or differences.
enum class TransferType : std::uint8_t { axfr, ixfr };

// What a spool holds, for the log.
struct SpoolContents {
  TransferType type = TransferType::axfr;
  std::uint32_t serial = 0;   // of the version that it leads to
  std::uint64_t records = 0;  // as often as they are sent
};

class Spool {
 public:
  Spool(int file, std::uint64_t size, const SpoolContents& contents)
      : file_(file), size_(size), contents_(contents) {}
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  std::uint64_t size() const { return size_; }
  const SpoolContents& contents() const { return contents_; }
  // Fills `out` from `offset` on as far as there is data; false where the file cannot be read.
  bool read(std::uint64_t offset, std::span<std::uint8_t> out) const;

 private:
  int file_;
  std::uint64_t size_;
  SpoolContents contents_;
};

// Makes a spool of what `render` adds; it gives the serial back. Errors: "spool-io" and those of `render`.
Result<std::shared_ptr<const Spool>> make_spool(
    const std::string& directory, dns::NameView apex, TransferType type,
    const std::function<Result<std::uint32_t>(SpoolWriter&)>& render);

}  // namespace understudy::server
