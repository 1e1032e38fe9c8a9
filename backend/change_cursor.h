// Reads the RRs of one change one after the other, in the order in which ChangeWriter took them: owners in
// canonical order, of each owner first what went and then what came.
//
// One thread. Memory: one chunk, expanded.
#pragma once

#include <functional>

#include "backend/change.h"
#include "backend/mirror.h"

namespace understudy::backend {

class ChangeCursor {
 public:
  // Gives the chunks from 1 on, as they are stored; what it gives lives until it is asked again.
  using Source = std::function<Octets(std::uint32_t chunk)>;

  ChangeCursor(Source source, std::uint32_t chunks) : source_(std::move(source)), chunks_(chunks) {}
  // What made a version, as the mirror has it. The reader stays renewed meanwhile.
  static ChangeCursor of_version(Reader& reader, ZoneId zone, Version version, std::uint32_t chunks);

  // The next RR; false at the end. Errors: "mirror-io" where the change is damaged.
  Result<bool> advance(ChunkExpander& expander);
  // What it borrows lives until the next advance().
  const ChangedRecord& current() const { return current_; }
  // Under which its owner is stored.
  Octets key() const { return key_.octets(); }

 private:
  Source source_;
  std::uint32_t chunks_, chunk_ = 0;
  std::vector<std::uint8_t> plain_;
  ChunkReader records_{{}};
  ChangedRecord current_;
  dns::NameKey key_;
};

}  // namespace understudy::backend
