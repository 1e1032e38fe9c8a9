// The records of one owner while RRs are taken from it and added to it, one at a time (RFC 1995).
//
// One object, one thread; reused from owner to owner. Which RR is meant is told as DNS tells RRs apart: type
// and RDATA in canonical form, as in a node block. What is asked for must be possible: an RR that is removed
// is there, with that TTL, and one that is added is not.
#pragma once

#include <map>
#include <vector>

#include "backend/node_walk.h"

namespace understudy::backend {

struct Edit {
  bool added = false;  // false: removed
  RRType type{};
  std::uint32_t ttl = 0;
  Octets rdata;
};

class EditedOwner {
 public:
  // The owner of that key: its records so far, where `node` is valid(). Errors: "mirror-io".
  Result<> load(Octets key, NodeView node);
  // An added SOA takes the place of the one that is there. `owner` is how this record spells it: kept where
  // the owner had no records before, and with an SOA. Errors: "ixfr-conflict", "second-soa" (away from
  // `apex`).
  Result<> edit(const Edit& edit, NameView owner, NameView apex);

  NameView owner() const { return owner_; }
  std::size_t count() const { return records_.size(); }
  // The records, in no order that means anything.
  template <class Take>
  Result<> each(Take take) const {
    for (const auto& [identity, value] : records_) {
      if (Result<> taken = take(dns::RecordView{owner_, value.type, value.ttl, value.rdata}); !taken)
        return taken;
    }
    return {};
  }

 private:
  struct Value {
    RRType type{};
    std::uint32_t ttl = 0;
    std::vector<std::uint8_t> rdata;
  };
  using Identity = std::vector<std::uint8_t>;
  const Identity& identity_of(RRType type, Octets rdata);

  Name owner_;
  std::map<Identity, Value> records_;
  NodeExpander expander_;
  WalkedNode node_;
  Identity identity_;
};

}  // namespace understudy::backend
