// When the signatures of a zone end: how many RRSIGs on each day.
//
// A value in memory, of one thread. Counted once, when the process begins to serve a zone or the zone comes
// whole, and kept up with what versions change; nothing of it is on disk, so that nothing can disagree with
// the zone. Bounded by the days on which signatures end: a signer makes them for some weeks.
#pragma once

#include <map>

#include "backend/mirror.h"

namespace understudy::backend {

// What a version changes of it: the ends of RRSIGs that came and went, 32 bits as in their RDATA.
struct SignatureChange {
  std::vector<std::uint32_t> came, went;
};

class SignatureEnds {
 public:
  void add(std::uint32_t end);
  void remove(std::uint32_t end);
  void apply(const SignatureChange& change);
  // The first end, as an instant (RFC 4034 3.1.5: that which is nearest to `now`); 0: nothing is signed.
  // Where the first one of its day went since it was counted, what is told is that one still: never later
  // than the truth, and on the same day.
  UnixTime first(UnixTime now) const;

 private:
  struct Day {
    std::uint64_t count = 0;
    std::uint32_t first = 0;
  };
  std::map<std::uint32_t, Day> days_;
};

// Counts a generation that the renewed reader sees. A walk over the zone, of which nothing but signatures is
// read: for a pool thread.
SignatureEnds count_signatures(Reader& reader, Generation generation);

// What a change says of signatures. Errors: "mirror-io" where it is damaged.
Result<SignatureChange> signatures_in(const Change& change);

}  // namespace understudy::backend
