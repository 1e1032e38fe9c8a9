#include "backend/zone_merge.h"

#include <algorithm>

#include "backend/key_order.h"
#include "backend/node_change.h"

namespace understudy::backend {
namespace {

using Bytes = std::vector<std::uint8_t>;

bool same(Octets a, Octets b) { return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin()); }

std::size_t weight(const StoredNode& node) { return node.key.size() + node.block.size() + 16; }

}  // namespace

struct ZoneMerge::Impl {
  Impl(Reader& r, const ZoneRow& row, Sink s, MergeBounds b)
      : reader(r), live(row), sink(std::move(s)), bounds(b) {}

  Result<> renew();
  void leave();
  Result<> take(StoredNode node);
  Result<> pass_until(const StoredNode* node);
  Result<> compare(const StoredNode* node);
  void changed(StoredNode node);
  Result<> hand_over();
  Result<> start_anew();
  Result<std::vector<StoredNode>> live_nodes(std::optional<Bytes>& place);

  Reader& reader;
  const ZoneRow live;
  const Sink sink;
  const MergeBounds bounds;
  ChangeWriter change;
  std::uint64_t octets = 0;  // of the version that comes

  // The live node that is not passed yet, while the reader is renewed; its key between calls, where there is
  // one.
  FoundNode at;
  bool more_live = true;
  Bytes resume;

  std::vector<StoredNode> nodes;  // the patch; once it was too large, nodes on their way to the sink
  std::size_t nodes_octets = 0;
  bool anew = false;

  NodeChange node_change;
};

ZoneMerge::ZoneMerge(Reader& reader, const ZoneRow& live, Sink sink, MergeBounds bounds)
    : impl_(std::make_unique<Impl>(reader, live, std::move(sink), bounds)) {}
ZoneMerge::~ZoneMerge() = default;

Result<> ZoneMerge::Impl::renew() {
  if (!more_live) return {};
  if (auto renewed = reader.renew(); !renewed) return renewed.error();
  more_live = reader.seek(live.generation, resume, at);
  return {};
}

// Whoever waits for the writer must not hold a read transaction: the writer may wait for readers to leave.
void ZoneMerge::Impl::leave() {
  if (more_live) resume.assign(at.key.begin(), at.key.end());
  reader.reset();
}

// Tells the change of one owner: from the live node where it is at that key, to `node` where there is one.
Result<> ZoneMerge::Impl::compare(const StoredNode* node) {
  const bool was_there = more_live && (node == nullptr || same(at.key, node->key));
  const auto told =
      node_change.between(node == nullptr ? at.key : Octets(node->key), was_there ? at.node : NodeView(),
                          node == nullptr ? NodeView() : NodeView(node->block));
  if (!told) return told.error();
  for (const ChangedRecord& record : *told) change.add(record);
  const bool too_large =
      change.octets() > bounds.change_octets && change.added() + change.removed() > live.records / 5;
  if (too_large) change.drop();
  return {};
}

// A node that stands in the version otherwise than in the live one; with an empty block not at all.
void ZoneMerge::Impl::changed(StoredNode node) {
  if (anew && node.block.empty()) return;
  nodes_octets += weight(node);
  nodes.push_back(std::move(node));
}

// The live nodes before `node` (nullptr: all that are left) are in the version no more.
Result<> ZoneMerge::Impl::pass_until(const StoredNode* node) {
  while (more_live && (node == nullptr || order(at.key, node->key) < 0)) {
    if (auto told = compare(nullptr); !told) return told;
    changed({{at.key.begin(), at.key.end()}, {}});
    more_live = reader.next(at);
  }
  return {};
}

Result<> ZoneMerge::Impl::take(StoredNode node) {
  octets += node.key.size() + node.block.size();
  if (auto passed = pass_until(&node); !passed) return passed;
  const bool there = more_live && same(at.key, node.key);
  if (!there || !same(at.node.octets(), node.block)) {
    if (auto told = compare(&node); !told) return told;
    changed(std::move(node));
  } else if (anew) {
    changed(std::move(node));
  }
  if (there) more_live = reader.next(at);
  return {};
}

Result<> ZoneMerge::Impl::hand_over() {
  // A version without its change needs the one before kept whole, and so a generation of its own.
  if (!anew && (nodes_octets > bounds.patch_octets || change.is_dropped())) {
    if (auto begun = start_anew(); !begun) return begun;
  }
  if (!anew || nodes.empty()) return {};
  nodes_octets = 0;
  return sink(std::exchange(nodes, {}));
}

// Copies of the live nodes from `place` on that were passed already, a commit's worth; `place` becomes the
// next one's.
Result<std::vector<StoredNode>> ZoneMerge::Impl::live_nodes(std::optional<Bytes>& place) {
  std::vector<StoredNode> copies;
  std::size_t size = 0;
  if (auto renewed = reader.renew(); !renewed) return renewed.error();
  FoundNode found;
  bool more = reader.seek(live.generation, *place, found);
  const auto passed = [&] { return more && (!more_live || order(found.key, resume) < 0); };
  for (; passed() && size < limits::patch_octets; more = reader.next(found)) {
    const Octets block = found.node.octets();
    copies.push_back({{found.key.begin(), found.key.end()}, {block.begin(), block.end()}});
    size += weight(copies.back());
  }
  if (passed()) {
    place->assign(found.key.begin(), found.key.end());
  } else {
    place.reset();
  }
  reader.reset();
  return copies;
}

// The patch became too large: what was passed so far goes to a new generation, the live nodes as the patch
// changes them.
Result<> ZoneMerge::Impl::start_anew() {
  anew = true;
  nodes_octets = 0;
  const std::vector<StoredNode> patch = std::exchange(nodes, {});
  auto next = patch.begin();
  for (std::optional<Bytes> place = Bytes(); place;) {
    Result<std::vector<StoredNode>> copies = live_nodes(place);
    if (!copies) return copies.error();
    for (StoredNode& copy : *copies) {
      for (; next != patch.end() && order(next->key, copy.key) < 0; ++next) changed(*next);
      if (next != patch.end() && same(next->key, copy.key)) {
        changed(*next++);
      } else {
        changed(std::move(copy));
      }
    }
    if (auto put = hand_over(); !put) return put;
  }
  for (; next != patch.end(); ++next) changed(*next);
  return {};
}

Result<> ZoneMerge::add(std::vector<StoredNode> nodes) {
  Impl& self = *impl_;
  if (auto renewed = self.renew(); !renewed) return renewed;
  Result<> taken;
  for (StoredNode& node : nodes) {
    taken = self.take(std::move(node));
    if (!taken) break;
  }
  self.leave();
  return taken ? self.hand_over() : taken;
}

Result<MergedZone> ZoneMerge::finish() {
  Impl& self = *impl_;
  if (auto renewed = self.renew(); !renewed) return renewed.error();
  const Result<> passed = self.pass_until(nullptr);
  self.leave();
  if (!passed) return passed.error();
  if (auto handed = self.hand_over(); !handed) return handed.error();
  MergedZone merged;
  merged.content = self.anew ? Content::generation : Content::patch;
  if (!self.anew) merged.nodes = std::move(self.nodes);
  merged.change.how = self.change.is_dropped() ? How::whole : How::difference;
  merged.change.added = self.change.added();
  merged.change.removed = self.change.removed();
  merged.change.zone_octets = self.octets;
  merged.change.chunks = self.change.finish();
  return merged;
}

}  // namespace understudy::backend
