// Whether the NSEC or NSEC3 chain of a zone proves what it should: a zone whose chain has gaps is served, and answers
// that fall into a gap go out without their proof (RFC 4035 3.1.3, RFC 5155 7.2), so whoever runs it wants to know.
//
// A value of one build, one thread; memory: one key, and one hash a chain that the apex announces. Looks at what links
// to what, not at signatures' contents: that is validation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backend/node_block.h"
#include "dns/nsec3.h"

namespace understudy::backend {

class DenialChain {
 public:
  // Every node of the zone, ascending. The apex comes first and says which chain there is (as for the answers: NSEC3
  // where an NSEC3PARAM without flags is published).
  void see(Octets key, NodeView node);
  // After the last one.
  void finish();

  // Names without their NSEC or its signature, and links that lead elsewhere than to the next one.
  std::uint64_t gaps() const { return gaps_; }
  // Where the first of them is, as text; "" without gaps.
  const std::string& first_gap() const { return first_gap_; }

 private:
  struct Hashed {
    std::vector<std::uint8_t> salt;
    std::uint16_t iterations;
    std::vector<std::uint8_t> first, next;  // hashes: of the first one, and what the last one leads to
    std::vector<std::uint8_t> key;          // of the last one
  };

  void see_apex(Octets key, NodeView node);
  void see_nsec(Octets key, NodeView node);
  void see_nsec3(Octets key, NodeView node);
  void gap(Octets key);

  std::optional<std::vector<std::uint8_t>> apex_;      // the root's key is empty
  bool plain_ = false;                                 // a chain of NSECs
  std::vector<std::uint8_t> at_;                       // the last NSEC's owner
  std::optional<std::vector<std::uint8_t>> promised_;  // the one that it leads to
  std::vector<Hashed> hashed_;
  std::uint64_t gaps_ = 0;
  std::string first_gap_;
};

}  // namespace understudy::backend
