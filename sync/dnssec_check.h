// DNSSEC validation of a whole zone with the keys at its own apex (RFC 4035 2 and 5.3): no record of the zone
// is in memory but one owner's.
//
// Looked at: the DNSKEY RRset is signed by one of its keys; each authoritative RRset has a signature that
// such a key verifies and that holds now. Not looked at: whether the parent has a DS for the keys, and
// whether the chain of NSEC or NSEC3 is whole. A plain function that works hard, for a pool thread.
#pragma once

#include "backend/node_walk.h"
#include "base/clock.h"

namespace understudy::sync {

struct SignatureCheck {
  bool is_signed = false;      // the apex has a DNSKEY
  std::uint64_t failures = 0;  // RRsets
  std::string first_failure;   // for people
};

// Errors: those of the walk.
Result<SignatureCheck> check_signatures(dns::NameView apex, backend::NodeWalk& walk, UnixTime now);

}  // namespace understudy::sync
