// What leads from an older version of a zone to the live one, as an incremental transfer tells it (RFC 1995):
// a difference for each version between them, or one for all of them.
//
// Functions read one snapshot; any thread with a reader of its own. Memory: one chunk of each change on the
// way while they are condensed, then the condensed change, compressed.
#pragma once

#include <atomic>
#include <optional>

#include "backend/change_cursor.h"

namespace understudy::backend {

// The change between two versions, to be read as often as one likes.
class Difference {
 public:
  // Of one version, as the mirror has it.
  Difference(Reader& reader, ZoneId zone, const VersionRow& row)
      : reader_(&reader), zone_(zone), version_(row.version), chunks_(row.chunks) {}
  // Of several, condensed.
  explicit Difference(std::vector<ChangeWriter::Chunk> made)
      : chunks_(static_cast<std::uint32_t>(made.size())), made_(std::move(made)) {}

  // The reader must be renewed to the same snapshot still; the difference stays where it is meanwhile.
  ChangeCursor read() const;

 private:
  Reader* reader_ = nullptr;
  ZoneId zone_ = 0;
  Version version_ = 0;
  std::uint32_t chunks_ = 0;
  std::vector<ChangeWriter::Chunk> made_;
};

// The newest version before the live one that has this serial, as far back as the history has no gap: every
// version after it kept as a difference, with a serial that is newer (RFC 1982) than the one before. Nothing
// where there is none.
std::optional<Version> version_of_serial(Reader& reader, const ZoneRow& live, std::uint32_t serial);

// The differences from version `from`, which version_of_serial() gave, to the live one, oldest first. Each
// removes an SOA and adds one. They are condensed into one where that leaves less than half of the records;
// otherwise they stay apart, so that a secondary that keeps a history has the same one. Nothing where they
// would be more to send than the whole zone. Errors: "mirror-io", "stopping" (`stop` became true).
Result<std::optional<std::vector<Difference>>> differences_since(Reader& reader, const ZoneRow& live,
                                                                 Version from, const std::atomic<bool>& stop);

// What leads from an older version that is kept to the live one, condensed, whatever their serials. Nothing
// where a version between them was kept whole, or more than `most_records` RRs would have to be read. Errors:
// "mirror-io".
Result<std::optional<Difference>> difference_since(Reader& reader, const ZoneRow& live, Version from,
                                                   std::uint64_t most_records);

}  // namespace understudy::backend
