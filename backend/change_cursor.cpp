#include "backend/change_cursor.h"

#include "backend/owner_key.h"
#include "backend/reasons.h"

namespace understudy::backend {

ChangeCursor ChangeCursor::of_version(Reader& reader, ZoneId zone, Version version, std::uint32_t chunks) {
  return {[&reader, zone, version](std::uint32_t chunk) { return reader.change_chunk(zone, version, chunk); },
          chunks};
}

Result<bool> ChangeCursor::advance(ChunkExpander& expander) {
  for (;;) {
    if (const auto next = records_.next()) {
      current_ = *next;
      assign_owner_key(key_, current_.record);
      return true;
    }
    if (records_.failed()) return Error{reason::mirror_io, "a change in the mirror is damaged"};
    if (chunk_ == chunks_) return false;
    if (auto expanded = expander.expand(source_(++chunk_), plain_); !expanded) return expanded.error();
    records_ = ChunkReader(plain_);
  }
}

}  // namespace understudy::backend
