// What the operator wants looked at before a version is served. Plain values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "net/address.h"

namespace understudy::sync {

// What comes of a check that a version does not pass.
enum class Act : std::uint8_t { off, warn, hold };

// What becomes of a version of a primary's whose serial does not move on.
enum class SerialPolicy : std::uint8_t { ignore, hold, accept };

// How much of a catalog (RFC 9432) one version may take away.
struct CatalogGuard {
  double share = 0.3;              // of its members; 1: all
  std::uint64_t ignore_below = 3;  // fewer members never count
  friend bool operator==(const CatalogGuard&, const CatalogGuard&) = default;
};

struct GatePolicy {
  double shrink = 1;               // the share of the records that a version may lack; 1: all
  double churn = 1;                // the share that may be gone or replaced, DNSSEC's apart
  double ns_loss = 1;              // of the NS records at the apex
  std::uint64_t ignore_below = 0;  // fewer records never count for shrink and churn
  Act losses = Act::off;           // MX and DNSKEY at the apex, wildcards
  Act zonemd = Act::off, dnssec = Act::off;
  Act parent_ds = Act::off;                     // a version without DNSKEY whose parent publishes a DS
  std::vector<net::Endpoint> parent_resolvers;  // who is asked, besides our own copy of the parent
  std::vector<std::string> command;             // empty: none
  Seconds command_timeout{60};
  SerialPolicy backwards = SerialPolicy::ignore, unmoved = SerialPolicy::accept;
  Seconds full_check{0};    // a primary whose serial does not move is transferred whole this often; 0: never
  Seconds accept_after{0};  // a held version is published after this time; 0: never
  std::optional<CatalogGuard> catalog;  // of a catalog zone that is obeyed
  friend bool operator==(const GatePolicy&, const GatePolicy&) = default;
};

}  // namespace understudy::sync
