// Edits the live version of a zone: RRs that go and RRs that come in, and out comes which of its nodes change
// and how, to be put in place by the transaction that publishes. The cost is that of the change, not of the
// zone.
//
// One object, used by one thread at a time (a pool thread). What finish() gives leaves the very octets that a
// builder and a merge would make of the whole zone (zone_builder.h, zone_merge.h), with the same checks: of
// the owners that were edited; what was not edited was checked when it came. Memory: limits::sort_run_octets,
// and a few times limits::patch_octets; where there are more edits than that, they are spilled, and replay()
// merges them with the zone.
#pragma once

#include <functional>

#include "backend/change.h"
#include "backend/edited_owner.h"
#include "backend/node_change.h"
#include "backend/node_patch.h"
#include "backend/record_sorter.h"
#include "backend/zone_builder.h"

namespace understudy::backend {

// Beyond these a version is not put in place. Tests make them small.
struct EditBounds {
  std::size_t patch_octets = limits::patch_octets;
  std::size_t change_octets = limits::change_chunk_octets;  // and more than a fifth of the zone
  std::size_t redone_nodes = 10'000;                        // below cuts and DNAMEs that came or went
};

struct EditedZone {
  std::vector<StoredNode> nodes;  // a patch of the live generation
  Change change;                  // but for the source
  BuildSummary summary;
};

class ZoneEditor {
 public:
  // `live`: what is published, with data; nothing else may be published until the end.
  ZoneEditor(BuildOptions options, const ZoneRow& live, EditBounds bounds = {});

  // The next edit: owner at or below the apex, class IN, RDATA expanded and checked. Edits of one owner are
  // done in the order in which they come. The SOA is only added, and takes the place of the one before.
  // Errors: "mirror-io", "disk-full" (the spool).
  Result<> edit(bool added, const dns::RecordView& record);

  // After the last edit. Nothing where they are too many to be done in place: then replay() has the zone. The
  // reader is renewed here and reset at the end. Errors: "ixfr-conflict", those of a builder, "mirror-io".
  Result<std::optional<EditedZone>> finish(Reader& reader);
  // Every record of the zone as it is after the edits, for a builder. Errors: the same but a builder's, and
  // `take`'s.
  using Take = std::function<Result<>(const dns::RecordView&)>;
  Result<> replay(Reader& reader, const Take& take);

 private:
  Result<> begin_reading();
  Result<> advance();
  Result<> edit_owner(NodeView live);
  Result<std::vector<std::uint8_t>> make_block();
  Result<> check_apex(const NodePatch& patch, EditedZone& edited) const;
  Result<> tell(const NodePatch& patch, EditedZone& edited);
  std::uint64_t live_octets(Reader& reader) const;

  const BuildOptions options_;
  const ZoneRow live_;
  const EditBounds bounds_;
  const dns::NameKey apex_key_;
  RecordSorter sorter_;
  std::uint64_t octets_ = 0;  // of all edits
  bool sorted_ = false;

  RecordSorter::Sorted record_;  // the next edit that was not done yet
  bool more_ = false;
  std::vector<std::uint8_t> key_;  // of the owner that was edited last
  EditedOwner owner_;
  NodeBuilder builder_;
  NodeChange node_change_;
  ChangeWriter change_;
};

}  // namespace understudy::backend
