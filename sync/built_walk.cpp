#include "sync/built_walk.h"

#include "backend/overlay_walk.h"

namespace understudy::sync {
namespace {

// A walk, and the reader that it needs.
class OwnWalk final : public backend::NodeWalk {
 public:
  explicit OwnWalk(std::unique_ptr<backend::Reader> reader) : reader_(std::move(reader)) {}
  backend::Reader& reader() { return *reader_; }
  void set(std::unique_ptr<backend::NodeWalk> walk) { walk_ = std::move(walk); }
  Result<bool> next(backend::WalkedNode& node) override { return walk_->next(node); }

 private:
  std::unique_ptr<backend::Reader> reader_;
  std::unique_ptr<backend::NodeWalk> walk_;
};

Result<std::unique_ptr<OwnWalk>> begin(backend::Mirror& mirror) {
  auto reader = mirror.reader();
  if (!reader) return reader.error();
  if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
  return std::make_unique<OwnWalk>(std::move(*reader));
}

}  // namespace

Result<std::unique_ptr<backend::NodeWalk>> walk_live(backend::Mirror& mirror, const backend::ZoneRow& live) {
  auto walk = begin(mirror);
  if (!walk) return walk.error();
  (*walk)->set(backend::walk_generation((*walk)->reader(), live.generation));
  return std::unique_ptr<backend::NodeWalk>(std::move(*walk));
}

Result<std::unique_ptr<backend::NodeWalk>> walk_built(backend::Mirror& mirror, const backend::ZoneRow& live,
                                                      std::shared_ptr<const BuiltZone> built) {
  if (built->content == backend::Content::generation) {
    backend::ZoneRow row = live;
    row.generation = built->generation;
    return walk_live(mirror, row);
  }
  std::unique_ptr<backend::NodeWalk> base;
  if (built->content == backend::Content::patch) {
    auto walk = walk_live(mirror, live);
    if (!walk) return walk.error();
    base = std::move(*walk);
  }
  const auto nodes = std::shared_ptr<const std::vector<backend::StoredNode>>(built, &built->nodes);
  return backend::walk_overlay(std::move(base), nodes);
}

}  // namespace understudy::sync
