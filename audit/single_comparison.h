// A single comparison of a zone in the mirror with any name servers: every name, once, while somebody waits.
//
// Blocks its caller, on whose thread all of it runs. Opens readers of its own, so that it works beside a
// server that serves from the same mirror as well as without one.
#pragma once

#include <functional>

#include "audit/passes.h"

namespace understudy::audit {

struct SingleOptions {
  double queries_per_second = 50;                 // to one address
  std::chrono::milliseconds timeout{1000};        // of one try, of three
  std::chrono::milliseconds confirm_after{1000};  // a mismatch is asked again after this, before it counts
  ExpectationsPtr expectations = {};
  // Called about ten times a second: asked so far, and how many that will be in all, which is known at the
  // end only; until then it is estimated.
  std::function<void(std::uint64_t asked, std::uint64_t total)> progress = {};
};

// Errors: "zone-unknown", "zone-empty", "no-addresses", a socket's, the mirror's.
Result<ZoneComparison> compare_once(backend::Mirror& mirror, const dns::Name& zone,
                                    std::vector<net::Endpoint> addresses, const SingleOptions& options);

}  // namespace understudy::audit
