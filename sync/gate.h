// The gate: what is looked at before a version is served.
//
// Plain functions that work hard, for a pool thread. What a version changes is read from what was built, so
// that whoever built it need not know of the gate: a patch costs what it touches, a version that was written
// anew a walk over both.
#pragma once

#include "sync/gate_policy.h"
#include "sync/publisher.h"

namespace understudy::sync {

// Something that the gate does not like.
struct Finding {
  std::string_view reason;  // of sync::reason
  std::string message;
  bool holds = true;  // false: told, and no more
};

struct Candidate {
  dns::Name apex;
  GatePolicy policy;
  backend::ZoneRow live;  // what is served; without a generation there is nothing to compare with
  std::shared_ptr<const BuiltZone> built;
  UnixTime now = 0;
};

// So little to look at that any thread may examine it at once, the sync thread too.
bool is_light(const Candidate& candidate);

// Everything but the operator's command, worst first. Errors: those of the mirror.
Result<std::vector<Finding>> examine(const Candidate& candidate, backend::Mirror& mirror);

// Whether the apex has a DNSKEY, in what is live and in the candidate.
struct Keys {
  bool live = false, built = false;
};
Result<Keys> keys_of(const Candidate& candidate, backend::Mirror& mirror);

// What a version changes of the one that is live.
struct Losses {
  std::uint64_t gone = 0;  // records whose data are there no more, DNSSEC's apart
  std::uint64_t ns = 0, ns_before = 0;
  bool mx = false, dnskey = false;
  std::uint64_t wildcards = 0;
  dns::Name first_wildcard;
};
Result<Losses> losses_of(const Candidate& candidate, backend::Mirror& mirror);

}  // namespace understudy::sync
