// The verdict: can this server take over right now, and why not. A pure function on values; any thread.
//
// "No" where a client would get no answer, or one that is known to be wrong. What is only unknown, or what is
// the very reason for a takeover (a primary that is silent, a zone past its expire time that its policy
// serves on), is told beside a "yes": when the primary is dark nothing can be proved any more.
#pragma once

#include <string>
#include <vector>

#include "control/overview.h"

namespace understudy::control {

// What this server is able to do, whatever its zones are like.
struct Ability {
  bool listening = false;  // addresses are bound
  bool mirror_open = false;
  bool answering = false;  // a query to our own socket was answered
};

struct TakeoverReason {
  std::string_view reason;  // a condition, or "no-zones", "not-listening", "mirror-closed", "not-answering"
  std::string message;      // for people
  std::size_t zones = 0;    // how many it is about; 0: the server
  std::vector<std::string> examples;  // the first of them
};

struct Takeover {
  bool ready = false;
  std::vector<TakeoverReason> reasons;   // why not; empty where ready
  std::vector<TakeoverReason> cautions;  // what one should know
};

Takeover judge_takeover(const Overview& overview, const Ability& ability);

}  // namespace understudy::control
