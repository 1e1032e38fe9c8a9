// The mirror: what every store must offer. Small enough to be held in the head.
//
// Reading: a Reader belongs to one thread; renew() gives it the newest committed state, and everything it
// returns lives until the next renew() or reset(). Never hold one renewed across a wait. Writing: one Writer
// exists, used by one thread (the store thread).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/node_block.h"
#include "base/clock.h"
#include "dns/name_key.h"
#include "dns/serial.h"

namespace understudy::backend {

using ZoneId = std::uint64_t;      // never reused
using Generation = std::uint64_t;  // of nodes; 48 bits on disk, never reused, always growing
using Version = std::uint64_t;     // of a zone, from 1
using Digest = std::array<std::uint8_t, 32>;

// How a version came about; numbers are on disk.
enum class How : std::uint8_t { whole = 1, difference = 2 };

// The row of `zones`: what is live.
struct ZoneRow {
  ZoneId id = 0;
  Generation generation = 0;  // 0: no data yet
  Version version = 0;
  std::uint32_t serial = 0;
  std::uint64_t records = 0;  // RRs, RRSIGs included, the SOA once
  std::uint64_t nodes = 0;    // empty non-terminals included
  Digest digest{};            // content_digest.h
  UnixTime published = 0;
};

// The row of `timers`: when a zone was and will be looked after. Losing the newest one costs a check, no
// data.
struct TimerRow {
  UnixTime last_check = 0;    // the last time any primary answered about the serial
  UnixTime last_success = 0;  // the last time the zone was known to be current
  UnixTime next_check = 0;
  UnixTime expires = 0;  // last success + SOA EXPIRE
};

struct FoundNode {
  bool exact = false;
  Octets key;  // the name key, without the generation
  NodeView node;
};

class Reader {
 public:
  virtual ~Reader() = default;
  // The newest committed state, and its number: it grows with every commit. Errors: too many readers, a lost
  // map.
  virtual Result<std::uint64_t> renew() = 0;
  virtual void reset() = 0;
  // The node of that name, or else the nearest one before it in canonical order; false where there is none
  // before it in this generation. No heap, no lock. `key` may be changed in its headroom only.
  virtual bool find(Generation generation, dns::NameKey& key, FoundNode& found) = 0;
  // The node whose key is the first `prefix` octets of `key`, exactly.
  virtual bool find_exact(Generation generation, dns::NameKey& key, std::size_t prefix, FoundNode& found) = 0;
  // Steps a walk in canonical order: the first node at or after `from` (empty: the first of all), or the next
  // ones.
  virtual bool seek(Generation generation, Octets from, FoundNode& found) = 0;
  virtual bool next(FoundNode& found) = 0;
  virtual std::optional<ZoneRow> zone(NameView apex) = 0;
  virtual std::optional<TimerRow> timers(ZoneId zone) = 0;
  // Every zone that the mirror holds, served or not.
  virtual std::vector<std::pair<Name, ZoneRow>> zones() = 0;
};

// A node to store: name key and block.
struct StoredNode {
  std::vector<std::uint8_t> key, block;
};

struct StoreStatistics {
  std::uint64_t map_octets = 0;   // address space
  std::uint64_t used_octets = 0;  // pages in use
  std::uint64_t free_octets = 0;  // what disk and map still allow
  double oldest_reader_age_seconds = 0;
};

// A small zone, whole: what begin(), put() and publish() would do. `row.generation` is filled in by the
// store.
struct WholeZone {
  Name apex;
  ZoneRow row;
  TimerRow timers;
  std::vector<StoredNode> nodes;  // ascending keys
};

class Writer {
 public:
  virtual ~Writer() = default;
  // The rows of these zones, in their order, made (without data) where there is none; one commit for all.
  virtual Result<std::vector<ZoneRow>> ensure_zones(const std::vector<Name>& apexes) = 0;
  Result<ZoneRow> ensure_zone(NameView apex) {
    auto rows = ensure_zones({Name(apex)});
    if (!rows) return rows.error();
    return rows->front();
  }
  // A new generation for a bulk build, entered in `garbage` as being built until it is published or
  // discarded. One bulk build at a time keeps its keys at the end of the tree, where pages fill up.
  virtual Result<Generation> begin(ZoneId zone) = 0;
  // Appends nodes in ascending order of keys, in one commit.
  virtual Result<> put(Generation generation, const std::vector<StoredNode>& nodes) = 0;
  // Makes the generation the live one, in one small durable commit; the one that was live becomes garbage.
  // Returns the number of the commit: readers renewed to at least it see the new generation.
  virtual Result<std::uint64_t> publish(NameView apex, const ZoneRow& row, const TimerRow& timers) = 0;
  // Stores and publishes small zones, all of them in one commit, or none of them where it fails. Together at
  // most about limits::commit_octets; returns the number of the commit.
  virtual Result<std::uint64_t> publish_whole(std::vector<WholeZone>& zones) = 0;
  virtual Result<> discard(Generation generation) = 0;
  virtual Result<> save_timers(const std::vector<std::pair<ZoneId, TimerRow>>& rows) = 0;
  // Removes up to limits::collect_nodes dead nodes in one commit; true while there is more.
  virtual Result<bool> collect() = 0;
};

class Mirror {
 public:
  virtual ~Mirror() = default;
  virtual Result<std::unique_ptr<Reader>> reader() = 0;
  // The one writer; owned by the mirror. Not to be asked of a mirror that was opened read-only.
  virtual Writer& writer() = 0;
  // Any thread; reads the map's list of free pages.
  virtual Result<StoreStatistics> statistics() = 0;
};

struct MirrorOptions {
  std::string directory;
  std::uint64_t map_octets = limits::map_octets;
  bool read_only = false;  // for verbs that work beside a running or a stopped server
  bool reset = false;      // sets an existing mirror aside (renamed, never deleted)
};

// Opens the LMDB store, made where there is none. Errors: "mirror-in-use" (another serve has it),
// "mirror-schema" (newer or foreign: left untouched), "mirror-missing" (read-only, and there is none),
// "mirror-io".
Result<std::unique_ptr<Mirror>> open_mirror(const MirrorOptions& options);

}  // namespace understudy::backend
