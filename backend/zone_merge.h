// Makes a new version of a zone out of the one that is live and the nodes of a whole one that came: what
// changed, node by node, to be applied in place; or, where that is too much, all of it anew.
//
// One object, used by one thread at a time (a pool thread: it walks the whole zone). It compares block with
// block, so that what is applied in place leaves the very octets that writing the zone anew would. Memory: at
// most limits::patch_octets of changed nodes and the compressed change. No read transaction outlives a call.
#pragma once

#include <functional>

#include "backend/change.h"
#include "backend/mirror.h"

namespace understudy::backend {

struct MergedZone {
  Content content = Content::patch;
  std::vector<StoredNode> nodes;  // of a patch; none where nothing changed
  Change change;                  // but for the source
};

// Beyond which a version is written anew, and beyond which its change is kept only where it is no more than a
// fifth of the zone. Tests make them small.
struct MergeBounds {
  std::size_t patch_octets = limits::patch_octets;
  std::size_t change_octets = limits::change_chunk_octets;
};

class ZoneMerge {
 public:
  // Takes the nodes of a new generation, ascending; called only once a patch has become too large, or from
  // the start where nothing is live.
  using Sink = std::function<Result<>(std::vector<StoredNode>)>;

  // `live`: what is published, with data; nothing else may be published until finish().
  ZoneMerge(Reader& reader, const ZoneRow& live, Sink sink, MergeBounds bounds = {});
  ~ZoneMerge();

  // The next nodes of the version that came, ascending. Errors: those of the sink, "mirror-io".
  Result<> add(std::vector<StoredNode> nodes);
  // After the last of them. A change of more than a fifth of the live version's records is not kept (unless
  // it fits one chunk): its version is How::whole.
  Result<MergedZone> finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::backend
