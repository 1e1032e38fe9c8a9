// Versions of a zone: what is remembered of each, and for how long.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/clock.h"

namespace understudy::backend {

using ZoneId = std::uint64_t;      // never reused
using Generation = std::uint64_t;  // of nodes; 48 bits on disk, never reused, always growing
using Version = std::uint64_t;     // of a zone, from 1
using Digest = std::array<std::uint8_t, 32>;

// How a version was stored; numbers are on disk.
enum class How : std::uint8_t {
  whole = 1,       // all of it anew; where there was one before, that one is kept beside it, whole as well
  difference = 2,  // what it changes of the one before
};

// What `changes` says of one version.
struct VersionRow {
  Version version = 0;
  How how = How::whole;
  std::uint32_t serial = 0;
  UnixTime published = 0;
  std::uint64_t records = 0, nodes = 0;  // as in ZoneRow
  Digest digest{};
  std::uint64_t added = 0, removed = 0;  // RRs, against the version before
  std::uint64_t zone_octets = 0;         // of the version's nodes; 0: not known
  std::uint64_t octets = 0;              // that its change, or the version kept before it, takes
  std::uint64_t total_octets = 0;        // the same of all versions up to this one, forgotten ones too
  Generation before = 0;                 // the version before, kept whole; 0: it is not
  std::uint32_t chunks = 0;              // of the change
  std::string source;                    // where it came from; empty: not known
};

// What a publication says of the change that it is.
struct Change {
  How how = How::whole;
  std::uint64_t added = 0, removed = 0;
  std::uint64_t zone_octets = 0;
  std::string source;
  std::vector<std::vector<std::uint8_t>> chunks;  // of ChangeWriter; empty with How::whole
};

// For how long versions are kept: until one of these is over. The live one always is.
struct Keep {
  std::uint64_t versions = 1000;
  Seconds age{90 * 86400};
  std::uint64_t octets = 1ull << 30;
  friend bool operator==(const Keep&, const Keep&) = default;
};

}  // namespace understudy::backend
