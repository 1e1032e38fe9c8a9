#include "backend/node_change.h"

#include <algorithm>

#include "backend/key_order.h"

namespace understudy::backend {
namespace {

// Any order will do that tells equal octets from others.
bool octets_less(const WalkedRecord& a, const WalkedRecord& b) {
  if (a.type != b.type) return a.type < b.type;
  if (a.ttl != b.ttl) return a.ttl < b.ttl;
  return order(a.rdata, b.rdata) < 0;
}

Result<> expand(Octets key, NodeView block, NodeExpander& expander, WalkedNode& node) {
  node.records.clear();
  if (!block.valid()) return {};
  if (auto expanded = expander.expand(key, block, node); !expanded) return expanded;
  std::sort(node.records.begin(), node.records.end(), octets_less);
  return {};
}

}  // namespace

Result<std::span<const ChangedRecord>> NodeChange::between(Octets key, NodeView before, NodeView after) {
  if (auto read = expand(key, before, before_expander_, before_); !read) return read.error();
  if (auto read = expand(key, after, after_expander_, after_); !read) return read.error();
  // An owner that is written in another case is another one for whoever keeps case.
  const bool same_owner =
      before.valid() && after.valid() && order(before_.owner.octets(), after_.owner.octets()) == 0;
  records_.clear();
  const auto tell = [&](const WalkedNode& from, const WalkedNode& other, bool added) {
    for (const WalkedRecord& r : from.records) {
      const bool in_both =
          same_owner && std::binary_search(other.records.begin(), other.records.end(), r, octets_less);
      if (!in_both) records_.push_back({added, {from.owner, r.type, r.ttl, r.rdata}});
    }
  };
  tell(before_, after_, false);
  tell(after_, before_, true);
  return std::span<const ChangedRecord>(records_);
}

}  // namespace understudy::backend
