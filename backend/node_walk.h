// Walks one version of a zone in canonical order, an owner a step: what `show`, `diff`, the digest and
// transfers read, whatever the version is made of.
//
// One object, one thread. Empty non-terminals are no owners and are left out.
#pragma once

#include "backend/mirror.h"

namespace understudy::backend {

struct WalkedRecord {
  RRType type{};
  std::uint32_t ttl = 0;
  Octets rdata;  // whole: no name in it is compressed
};

struct WalkedNode {
  Octets key;      // the name key
  NameView owner;  // with its case
  // Types ascending, RRs of a type in canonical order (RFC 4034 6.3), the RRSIGs that cover a type right
  // after its RRs.
  std::vector<WalkedRecord> records;
};

// Takes node blocks apart. What it gives lives until its next call, and no longer than the block.
class NodeExpander {
 public:
  // Errors: "mirror-io" where the key is no name's.
  Result<> expand(Octets key, const NodeView& block, WalkedNode& node);

 private:
  void add_rrset(const RRsetView& rrset, WalkedNode& node);
  Name owner_;
  std::vector<std::vector<std::uint8_t>> expanded_;
};

class NodeWalk {
 public:
  virtual ~NodeWalk() = default;
  // The next owner, or false at the end. What `node` borrows lives until the next call. Errors: "mirror-io".
  virtual Result<bool> next(WalkedNode& node) = 0;
};

// Walks what a renewed reader sees of a generation; the reader must stay renewed and unused meanwhile.
std::unique_ptr<NodeWalk> walk_generation(Reader& reader, Generation generation);

}  // namespace understudy::backend
