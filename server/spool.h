// A version of a zone as the messages of a transfer (RFC 5936 2.2), in a file without a name.
//
// Made on one thread from one snapshot; afterwards immutable, so any thread may read it. The messages carry
// ID 0 and in the first one the question `apex IN AXFR`; who sends them puts in what was asked. Disk is
// bounded by the zone, memory by two buffers while it is made.
#pragma once

#include <atomic>
#include <memory>

#include "backend/mirror.h"

namespace understudy::server {

class Spool {
 public:
  Spool(int file, std::uint64_t size, std::uint64_t records) : file_(file), size_(size), records_(records) {}
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  std::uint64_t size() const { return size_; }
  std::uint64_t records() const { return records_; }
  // Fills `out` from `offset` on as far as there is data; false where the file cannot be read.
  bool read(std::uint64_t offset, std::span<std::uint8_t> out) const;

 private:
  int file_;
  std::uint64_t size_, records_;
};

// `reader` is renewed to the snapshot that is rendered. Errors: "spool-io", "zone-broken" (no SOA where it
// must be), "stopping" (`stop` became true).
Result<std::shared_ptr<const Spool>> render_spool(backend::Reader& reader, backend::Generation generation,
                                                  dns::NameView apex, const std::string& directory,
                                                  const std::atomic<bool>& stop);

}  // namespace understudy::server
