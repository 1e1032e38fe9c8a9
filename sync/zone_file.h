// Zone files (RFC 1035 5.1): a stream of records out of a file, never the file as a whole in memory.
//
// Understands $ORIGIN, $TTL (RFC 2308 4), $INCLUDE and $GENERATE (as BIND has it), times with units, class
// and TTL in either order, and RFC 3597's generic forms. Only class IN. Blocks on the disk: called on a pool
// thread, or by a verb; no shared state. Bounded: an entry by limits::zone_file_entry_octets, $INCLUDE by
// depth, a $GENERATE by the records it makes.
//
// A record without a TTL takes $TTL, else the last TTL that was stated, else (the SOA record only, and then
// it goes on to hold as $TTL) the SOA's minimum, as BIND does; where there is none of these it is an error.
// $TTL holds across the end of an included file; origin and last owner do not.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dns/record.h"

namespace understudy::sync {

// What was read; filled as reading goes on, so that it is right after an error too.
struct ZoneFileStatistics {
  std::uint64_t records = 0;
  // The file and all that it includes, as they were opened (also the one that could not be), each once: what
  // to watch.
  std::vector<std::string> files;
};

// The views are valid during the call only. An error ends the reading and comes back with file and line in
// front.
using RecordSink = std::function<Result<>(const dns::RecordView&)>;

// Every record of the file in its order. Whether it lies inside the zone is for the caller to say.
// Errors: "file-unreadable", "bad-zone-file", and the sink's own; each says file, line and what to do.
Result<> read_zone_file(const std::string& path, const dns::Name& origin, const RecordSink& sink,
                        ZoneFileStatistics* statistics = nullptr);

}  // namespace understudy::sync
