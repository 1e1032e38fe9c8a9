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

#include "backend/added_zone.h"
#include "backend/audit_row.h"
#include "backend/held_version.h"
#include "backend/node_block.h"
#include "backend/versions.h"
#include "base/clock.h"
#include "dns/name_key.h"
#include "dns/serial.h"

namespace understudy::backend {

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
  // The versions of a zone that are kept, oldest first; the live one is the last. A number may be missing:
  // that of a version that was held and never published.
  virtual std::vector<VersionRow> versions(ZoneId zone) = 0;
  virtual std::optional<VersionRow> version(ZoneId zone, Version version) = 0;
  // The kept version that came after that one.
  virtual std::optional<VersionRow> version_after(ZoneId zone, Version version) = 0;
  virtual std::optional<HeldVersion> held(ZoneId zone) = 0;
  virtual Standing standing(ZoneId zone) = 0;
  // A chunk (from 1) of the change that made the version, as it is stored (change.h); empty where there is
  // none.
  virtual Octets change_chunk(ZoneId zone, Version version, std::uint32_t chunk) = 0;
  // The zones that were added at run time, and those that are not served any more, in canonical order.
  virtual std::vector<AddedZone> added() = 0;
  virtual std::vector<UnservedZone> unserved() = 0;
  // What the comparer keeps of a zone.
  virtual std::vector<AuditRow> audit_rows(ZoneId zone, AuditKind kind) = 0;
};

// A node to store: name key and block. In a patch an empty block removes the node.
struct StoredNode {
  std::vector<std::uint8_t> key, block;
};

struct StoreStatistics {
  std::uint64_t map_octets = 0;   // address space
  std::uint64_t used_octets = 0;  // pages in use
  std::uint64_t free_octets = 0;  // what disk and map still allow
  double oldest_reader_age_seconds = 0;
};

// Where the nodes of a new version are.
enum class Content : std::uint8_t {
  generation,  // in row.generation, stored by begin() and put()
  nodes,       // in `nodes`, ascending keys: a small zone, whole
  patch,       // the live generation, changed in place by `nodes`
  held,        // in the mirror already: the version that is held becomes the live one
};

// What publish() makes live.
struct NewVersion {
  Name apex;
  ZoneRow row;  // as it will be; of `nodes` and `patch` the store fills in the generation
  TimerRow timers;
  Content content = Content::generation;
  std::vector<StoredNode> nodes;
  Change change;
  Keep keep;
  std::optional<Version> after = {};      // what was live when it was made; none: the number before its own
  std::optional<Standing> standing = {};  // none: as it was, but for `last`
};

class Writer {
 public:
  virtual ~Writer() = default;
  // The rows of these zones, in their order, made (without data) where there is none; very many
  // by several commits.
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
  // Makes the versions live, each with its change recorded, all of them in one durable commit, or none of
  // them where it fails; what was live before becomes garbage unless a change keeps it. Together at most
  // about limits::commit_octets. Returns the number of the commit: readers renewed to at least it see them.
  virtual Result<std::uint64_t> publish(std::vector<NewVersion>& versions) = 0;
  virtual Result<> discard(Generation generation) = 0;
  // Stores a version without making it live, in the place of one that was held before. Of `held` the store
  // fills in what it knows from `version`, and gives it back. One durable commit, or nothing.
  virtual Result<HeldVersion> hold(NewVersion& version, HeldVersion held) = 0;
  virtual Result<> save_standing(ZoneId zone, const Standing& standing) = 0;
  virtual Result<> save_timers(const std::vector<std::pair<ZoneId, TimerRow>>& rows) = 0;
  // Forgets versions that `keep` says are over, limits::trimmed_versions of each zone at most; true while
  // there are more.
  virtual Result<bool> trim(const std::vector<std::pair<ZoneId, Keep>>& zones, UnixTime now) = 0;
  // Removes up to limits::collect_nodes dead nodes in one commit; true while there is more.
  virtual Result<bool> collect() = 0;
  // Remembers zones that came at run time, and gives their rows; what there is of their data is served again,
  // but for those that are `anew`: their data are forgotten first, and they get other ids.
  virtual Result<std::vector<ZoneRow>> add_zones(const std::vector<AddedZone>& zones,
                                                 const std::vector<Name>& anew) = 0;
  Result<ZoneRow> add_zone(const AddedZone& zone) {
    auto rows = add_zones({zone}, {});
    if (!rows) return rows.error();
    return rows->front();
  }
  // Forgets that they came; their data stay, unserved since now.
  virtual Result<> remove_zones(const std::vector<Name>& apexes, UnixTime now) = 0;
  Result<> remove_zone(NameView apex, UnixTime now) { return remove_zones({Name(apex)}, now); }
  // At start: these zones are served; of all others that are not among the added ones it is noted that they
  // are not.
  virtual Result<> note_served(const std::vector<Name>& served, UnixTime now) = 0;
  // Zones that are unserved since `until` or longer: their rows and versions go, and their nodes become
  // garbage. Returns which went in this commit, of about limits::collect_nodes rows; none when all are gone.
  virtual Result<std::vector<Name>> forget_unserved(UnixTime until) = 0;
  virtual Result<> save_audit(const std::vector<AuditRow>& rows) = 0;
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
