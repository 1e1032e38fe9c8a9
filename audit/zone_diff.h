// The difference between two versions of a zone, RRset by RRset, in canonical order. Exact: owners, TTLs and
// data; names, in RDATA too, compare without case, as DNS compares them.
//
// Pure: walks in, differences out, nothing kept but the owner at hand. One thread. RRSIGs of an owner are one
// RRset for each type that they cover.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "audit/comparison.h"
#include "backend/node_walk.h"

namespace understudy::audit {

struct Difference {
  struct Rdata {
    dns::Octets octets;
    bool common = false;  // the other side has it too
  };
  // One side's RRset, its data in canonical order.
  struct Side {
    std::uint32_t ttl = 0;
    std::vector<Rdata> rdata;
  };

  dns::NameView owner;  // lower-case
  dns::RRType type{};
  Class what{};              // missing (only in A), extra (only in B), rdata, ttl (nothing but the TTL)
  std::optional<Side> a, b;  // nothing where that side has no such RRset
};

class ZoneDiff {
 public:
  // What a difference borrows lives until `sink` returns.
  using Sink = std::function<void(const Difference&)>;
  struct Counts {
    std::uint64_t records_a = 0, records_b = 0;
    std::uint64_t missing = 0, extra = 0, rdata = 0, ttl = 0;  // differences by class
    std::uint64_t differences() const { return missing + extra + rdata + ttl; }
  };

  explicit ZoneDiff(Sink sink) : sink_(std::move(sink)) {}

  // Both to their ends. Errors: those of the walks.
  Result<> walk(backend::NodeWalk& a, backend::NodeWalk& b);
  // One owner; null where a side does not have it.
  void owner(const backend::WalkedNode* a, const backend::WalkedNode* b);
  const Counts& counts() const { return counts_; }

 private:
  struct RRset;
  RRset next_rrset(const backend::WalkedNode* node, std::size_t& at) const;
  void rrsets(dns::NameView owner, const RRset& a, const RRset& b);
  void tell(Difference difference);

  Sink sink_;
  Counts counts_;
};

}  // namespace understudy::audit
