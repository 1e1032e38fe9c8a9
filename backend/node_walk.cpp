#include "backend/node_walk.h"

#include "backend/reasons.h"

namespace understudy::backend {
namespace {

void add_each(Octets rrs, RRType type, std::uint32_t ttl, WalkedNode& node) {
  while (!rrs.empty()) {
    const std::size_t size = dns::load16(rrs.data());
    node.records.push_back({type, ttl, rrs.subspan(2, size)});
    rrs = rrs.subspan(2 + size);
  }
}

class GenerationWalk final : public NodeWalk {
 public:
  GenerationWalk(Reader& reader, Generation generation) : reader_(reader), generation_(generation) {}

  Result<bool> next(WalkedNode& node) override {
    FoundNode found;
    do {
      const bool more = begun_ ? reader_.next(found) : reader_.seek(generation_, {}, found);
      begun_ = true;
      if (!more) return false;
    } while (found.node.is_empty_non_terminal());
    if (auto taken = expander_.expand(found.key, found.node, node); !taken) return taken.error();
    return true;
  }

 private:
  Reader& reader_;
  const Generation generation_;
  bool begun_ = false;
  NodeExpander expander_;
};

}  // namespace

Result<> NodeExpander::expand(Octets key, const NodeView& block, WalkedNode& node) {
  node.key = key;
  if (const auto kept = block.owner_case()) {
    node.owner = *kept;
  } else {
    const auto owner = dns::name_of_key(key);
    if (!owner) return Error{reason::mirror_io, "a node's name key in the mirror is damaged"};
    owner_ = *owner;
    node.owner = owner_;
  }
  node.records.clear();
  expanded_.clear();
  for (unsigned i = 0; i < block.rrset_count(); ++i) add_rrset(block.rrset(i), node);
  return {};
}

void NodeExpander::add_rrset(const RRsetView& rrset, WalkedNode& node) {
  if (rrset.patch_count() == 0) {
    add_each(rrset.rrs(), rrset.type(), rrset.ttl(), node);
  } else {
    // Names are compressed against the parent of a wildcard, whose octets end the wildcard's own.
    for (auto& rdata : rrset.expand(node.owner)) {
      expanded_.push_back(std::move(rdata));  // a vector's octets stay where they are when it moves
      node.records.push_back({rrset.type(), rrset.ttl(), expanded_.back()});
    }
  }
  add_each(rrset.signatures(), RRType::RRSIG, rrset.signature_ttl(), node);
}

std::unique_ptr<NodeWalk> walk_generation(Reader& reader, Generation generation) {
  return std::make_unique<GenerationWalk>(reader, generation);
}

}  // namespace understudy::backend
