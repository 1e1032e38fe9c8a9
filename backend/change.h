// The change from one version of a zone to the next, as `changes` keeps it: the RRs that went and those that
// came, in canonical order of owners, cut into compressed chunks.
//
// ChangeWriter makes the chunks, ChangeReader gives the RRs back, a chunk in memory at a time. Each belongs
// to one thread. The layout is told octet by octet in docs/formats.md.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "dns/record.h"

namespace understudy::backend {

struct ChangedRecord {
  bool added = false;  // false: removed
  dns::RecordView record;
};

class ChangeWriter {
 public:
  using Chunk = std::vector<std::uint8_t>;

  ChangeWriter();
  ~ChangeWriter();
  ChangeWriter(ChangeWriter&&) noexcept;
  ChangeWriter& operator=(ChangeWriter&&) noexcept;

  // Owners in canonical order.
  void add(const ChangedRecord& change);
  // Before compression; what is left of it after drop().
  std::uint64_t octets() const { return octets_; }
  std::uint64_t added() const { return added_; }
  std::uint64_t removed() const { return removed_; }
  // Keeps only the counts from now on: the change is too large to be kept.
  void drop();
  bool is_dropped() const { return dropped_; }
  // The chunks; the writer is done with.
  std::vector<Chunk> finish();

 private:
  void end_chunk();

  struct Compressor;
  std::unique_ptr<Compressor> compressor_;
  std::vector<std::uint8_t> plain_;  // of the chunk under way
  std::vector<Chunk> chunks_;
  std::uint64_t octets_ = 0, added_ = 0, removed_ = 0;
  bool dropped_ = false;
};

// Gives chunks back as they were before compression. Shared by the readers of one thread: it is large.
class ChunkExpander {
 public:
  ChunkExpander();
  ~ChunkExpander();
  ChunkExpander(const ChunkExpander&) = delete;
  ChunkExpander& operator=(const ChunkExpander&) = delete;
  // Errors: "mirror-io" where the octets are damaged.
  Result<> expand(dns::Octets chunk, std::vector<std::uint8_t>& plain);
  // Into `room`; gives the octets back that it took, nothing where they do not fit or are damaged. No heap.
  std::optional<std::size_t> expand_into(dns::Octets chunk, std::span<std::uint8_t> room);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Reads the RRs of one expanded chunk, one after the other.
class ChunkReader {
 public:
  explicit ChunkReader(dns::Octets plain) : rest_(plain) {}
  // Nothing at the end, or where the octets are damaged (then failed() is true).
  std::optional<ChangedRecord> next();
  bool failed() const { return failed_; }

 private:
  dns::Octets rest_;
  bool failed_ = false;
};

}  // namespace understudy::backend
