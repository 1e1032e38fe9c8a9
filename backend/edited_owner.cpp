#include "backend/edited_owner.h"

#include "backend/reasons.h"
#include "dns/rdata.h"

namespace understudy::backend {
namespace {

Error conflict(const char* does, NameView owner, const Edit& edit, const char* what) {
  return {reason::ixfr_conflict, std::string("a difference ") + does + " " + to_string(owner) + " " +
                                     std::to_string(edit.ttl) + " " + dns::to_string(edit.type) + ", " +
                                     what};
}

}  // namespace

const EditedOwner::Identity& EditedOwner::identity_of(RRType type, Octets rdata) {
  identity_.resize(2 + rdata.size());
  dns::store16(identity_.data(), static_cast<std::uint16_t>(type));
  std::copy(rdata.begin(), rdata.end(), identity_.begin() + 2);
  dns::make_canonical(type, std::span(identity_).subspan(2));
  return identity_;
}

Result<> EditedOwner::load(Octets key, NodeView node) {
  records_.clear();
  if (!node.valid() || node.is_empty_non_terminal()) return {};
  if (auto expanded = expander_.expand(key, node, node_); !expanded) return expanded;
  owner_ = Name(node_.owner);
  for (const WalkedRecord& r : node_.records) {
    records_[identity_of(r.type, r.rdata)] = {r.type, r.ttl, {r.rdata.begin(), r.rdata.end()}};
  }
  return {};
}

Result<> EditedOwner::edit(const Edit& edit, NameView owner, NameView apex) {
  const bool soa = edit.added && edit.type == RRType::SOA;
  if (soa) {
    if (!owner.equals(apex))
      return Error{reason::second_soa, to_string(owner) + " gets an SOA; only the apex has one"};
    std::erase_if(records_, [](const auto& entry) { return entry.second.type == RRType::SOA; });
  }
  if (edit.added) {
    // As in a whole transfer: the first record of a name says how it is spelt, at the apex that is the SOA.
    if (soa || records_.empty()) owner_ = Name(owner);
    const bool fresh = records_
                           .try_emplace(identity_of(edit.type, edit.rdata),
                                        Value{edit.type, edit.ttl, {edit.rdata.begin(), edit.rdata.end()}})
                           .second;
    return fresh ? Result<>() : conflict("adds", owner, edit, "which is there already");
  }
  const auto found = records_.find(identity_of(edit.type, edit.rdata));
  if (found == records_.end()) return conflict("removes", owner, edit, "which is not there");
  if (found->second.ttl != edit.ttl)
    return conflict("removes", owner, edit, "which is there with another TTL");
  records_.erase(found);
  return {};
}

}  // namespace understudy::backend
