#include "backend/overlay_walk.h"

#include "backend/key_order.h"

namespace understudy::backend {
namespace {

class OverlayWalk final : public NodeWalk {
 public:
  OverlayWalk(std::unique_ptr<NodeWalk> base, std::shared_ptr<const std::vector<StoredNode>> nodes)
      : base_(std::move(base)), nodes_(std::move(nodes)) {}

  Result<bool> next(WalkedNode& node) override {
    for (;;) {
      if (base_ && passed_base_) {
        const Result<bool> more = base_->next(base_node_);
        if (!more) return more.error();
        if (!*more) base_.reset();
        passed_base_ = false;
      }
      const bool laid = next_ < nodes_->size();
      if (!base_ && !laid) return false;
      const int which = !base_ ? 1 : !laid ? -1 : order(base_node_.key, (*nodes_)[next_].key);
      if (which < 0) {
        node = base_node_;
        passed_base_ = true;
        return true;
      }
      if (which == 0) passed_base_ = true;
      const StoredNode& stored = (*nodes_)[next_++];
      if (stored.block.empty() || NodeView(stored.block).is_empty_non_terminal()) continue;
      if (auto taken = expander_.expand(stored.key, NodeView(stored.block), node); !taken)
        return taken.error();
      return true;
    }
  }

 private:
  std::unique_ptr<NodeWalk> base_;  // null at its end
  const std::shared_ptr<const std::vector<StoredNode>> nodes_;
  std::size_t next_ = 0;
  WalkedNode base_node_;
  bool passed_base_ = true;
  NodeExpander expander_;
};

}  // namespace

std::unique_ptr<NodeWalk> walk_overlay(std::unique_ptr<NodeWalk> base,
                                       std::shared_ptr<const std::vector<StoredNode>> nodes) {
  return std::make_unique<OverlayWalk>(std::move(base), std::move(nodes));
}

std::unique_ptr<NodeWalk> walk_held(Reader& reader, const ZoneRow& live, const HeldVersion& held) {
  if (!held.patch) return walk_generation(reader, held.generation);
  // The reader has one place in the tree: the few nodes that differ are copied first.
  auto nodes = std::make_shared<std::vector<StoredNode>>();
  FoundNode found;
  for (bool more = reader.seek(held.generation, {}, found); more; more = reader.next(found)) {
    const Octets block = found.node.octets();
    nodes->push_back({{found.key.begin(), found.key.end()}, {block.begin(), block.end()}});
  }
  return walk_overlay(walk_generation(reader, live.generation), std::move(nodes));
}

}  // namespace understudy::backend
