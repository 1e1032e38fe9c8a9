// What a query pipeline does beyond what the protocol leaves no choice in. Plain values, set at start.
#pragma once

#include "dns/tsig_key.h"
#include "server/chaos.h"
#include "server/cookies.h"
#include "server/rate_limit.h"

namespace understudy::server {

struct PipelineOptions {
  std::vector<std::uint8_t>
      nsid;  // RFC 5001: who answers; at most ResponseOptions::longest_nsid, empty: untold
  CookieSecrets cookies;
  RateLimitOptions rate_limit;
  ChaosTexts chaos;
  bool minimal_answers = true;
  dns::TsigKeyRingPtr keys;  // none: nobody's signature is good
};

}  // namespace understudy::server
