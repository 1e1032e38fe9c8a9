#include "backend/node_patch.h"

#include <algorithm>

namespace understudy::backend {
namespace {

using Bytes = std::vector<std::uint8_t>;

const Bytes empty_non_terminal(4, 0);

bool starts_with(Octets key, Octets prefix) {
  return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
}

// The key of the name without its first label, which stands last; of an NSEC3 without its hash. Not for the
// root's.
Octets parent(Octets key) {
  if (const std::size_t hash = dns::nsec3_hash_place(key)) return key.first(hash - 1);
  std::size_t size = key.size() - 1;
  while (size > 0 && key[size - 1] != 0) --size;
  return key.first(size);
}

bool is_wildcard(Octets key) {
  const Octets label = key.subspan(parent(key).size());
  return label.size() == 2 && label[0] == '*';
}

Bytes copy(Octets octets) { return {octets.begin(), octets.end()}; }

}  // namespace

NodeView NodePatch::live(Octets key) const {
  FoundNode found;
  const bool there = reader_.seek(live_, key, found) && order(found.key, key) == 0;
  return there ? found.node : NodeView();
}

NodeView NodePatch::node(Octets key) const {
  const auto known = nodes_.find(key);
  return known != nodes_.end() ? NodeView(known->second.block) : live(key);
}

void NodePatch::put(Octets key, NodeView live, Bytes block) {
  if (!live.valid() && block.empty()) return;  // it came and went again
  nodes_.insert_or_assign(copy(key), Node{live, std::move(block), true});
}

bool NodePatch::settle(const Bounds& bounds) {
  add_ancestors();
  remove_childless();
  include_parents_of_wildcards();
  return place(bounds);
}

// Names between the apex and an owner that comes are nodes too.
void NodePatch::add_ancestors() {
  for (const auto& [key, node] : nodes_) {
    if (node.live.valid()) continue;
    for (Octets up = parent(key); up.size() > apex_size_; up = parent(up)) {
      if (nodes_.contains(up) || live(up).valid()) break;
      nodes_.emplace(copy(up), Node{{}, empty_non_terminal});
    }
  }
}

// Whether a node below that key will be there. All of nodes_ below it are settled already.
bool NodePatch::has_child(Octets key) const {
  for (auto below = nodes_.upper_bound(key); below != nodes_.end() && starts_with(below->first, key);
       ++below) {
    if (!below->second.block.empty()) return true;
  }
  FoundNode found;
  bool more = reader_.seek(live_, key, found);
  for (; more && starts_with(found.key, key); more = reader_.next(found)) {
    if (found.key.size() != key.size() && !nodes_.contains(found.key)) return true;
  }
  return false;
}

// Owners that lost their records stay as empty non-terminals where something is below; otherwise they go, and
// with them the empty non-terminals above them that had nothing else. From the last to the first, so that all
// below is settled before what is above.
void NodePatch::remove_childless() {
  for (auto at = nodes_.rbegin(); at != nodes_.rend(); ++at) {
    const Octets key(at->first);
    if (!at->second.block.empty()) continue;
    if (has_child(key)) {
      at->second.block = empty_non_terminal;
      continue;
    }
    const Octets up = parent(key);
    if (up.size() <= apex_size_ || nodes_.contains(up)) continue;
    const NodeView above = live(up);
    if (above.is_empty_non_terminal()) nodes_.emplace(copy(up), Node{above, {}});
  }
}

void NodePatch::include_parents_of_wildcards() {
  for (const auto& [key, node] : nodes_) {
    const bool stays = node.live.valid() && !node.block.empty();
    if (stays || key.size() <= apex_size_ || dns::is_nsec3_key(key) || !is_wildcard(key)) continue;
    const Octets up = parent(key);
    if (nodes_.contains(up)) continue;
    const NodeView above = live(up);
    nodes_.emplace(copy(up), Node{above, copy(above.octets())});
  }
}

NodePatch::Cover NodePatch::cover_below(NodeView node, Octets key) {
  if (node.has(node_flag::occluded)) return {true, node.cover_labels()};
  if (node.has(node_flag::cut) || node.has(node_flag::dname)) return {true, dns::key_label_count(key)};
  return {};
}

NodePatch::Cover NodePatch::cover_above(Octets key) const {
  if (key.size() <= apex_size_) return {};
  const Octets up = parent(key);
  return cover_below(node(up), up);
}

bool NodePatch::has_wildcard(Octets key) const {
  Bytes wildcard = copy(key);
  wildcard.insert(wildcard.end(), {'*', 0});
  return node(wildcard).valid();
}

// The flags that depend on where a node stands, from the apex downwards.
bool NodePatch::place(const Bounds& bounds) {
  constexpr std::uint8_t of_place = node_flag::occluded | node_flag::wildcard_child;
  for (auto& [key, node] : nodes_) {
    if (node.block.empty() || dns::is_nsec3_key(key)) continue;
    const Cover above = cover_above(key);
    std::uint8_t flags = node.block[0] & static_cast<std::uint8_t>(~of_place);
    if (above.covers) flags |= node_flag::occluded;
    if (has_wildcard(key)) flags |= node_flag::wildcard_child;
    node.block[0] = flags;
    node.block[1] = static_cast<std::uint8_t>(above.labels);
    if (!node.live.valid() || cover_below(node.live, key) == cover_below(NodeView(node.block), key)) continue;
    if (!include_below(key, bounds)) return false;
  }
  return true;
}

// What lies below in the live version is to be placed anew.
bool NodePatch::include_below(Octets key, const Bounds& bounds) {
  if (included_ && starts_with(key, *included_)) return true;
  included_ = copy(key);
  FoundNode found;
  bool more = reader_.seek(live_, key, found);
  for (; more && starts_with(found.key, key); more = reader_.next(found)) {
    if (dns::is_nsec3_key(found.key)) continue;
    const auto [at, fresh] = nodes_.try_emplace(copy(found.key));
    if (!fresh) continue;
    at->second = Node{found.node, copy(found.node.octets())};
    redone_octets_ += found.key.size() + found.node.octets().size();
    if (++redone_ > bounds.nodes || redone_octets_ > bounds.octets) return false;
  }
  return true;
}

}  // namespace understudy::backend
