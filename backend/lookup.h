// The lookup of RFC 1034 4.3.2 over one generation: a name and a type in, one of a closed set of outcomes
// out.
//
// Pure: reads through a Reader, no heap, no lock; the result borrows from the reader's state (valid until its
// next renew or reset). Links (CNAME, DNAME) are not followed here: the answerer asks again for the target.
#pragma once

#include "backend/mirror.h"

namespace understudy::backend {

enum class Outcome : std::uint8_t {
  answer,      // the RRset is at `node`
  cname,       // a CNAME is at `node` and the type asked is another
  dname,       // a DNAME at `node` is above the name
  referral,    // the name is at or below the cut at `node`
  nodata,      // the name exists (or a wildcard stands for it), the type does not
  name_error,  // NXDOMAIN
  any,         // QTYPE ANY (or RRSIG) at `node`
  broken,      // the mirror contradicts itself; answered SERVFAIL
};

struct LookupResult {
  Outcome outcome = Outcome::broken;
  // The node that answers: the match, the wildcard, the cut, the DNAME's owner; for name_error the closest
  // encloser.
  NodeView node;
  // Labels of node's owner as a name inside the question: for a wildcard those of its parent.
  unsigned owner_labels = 0;
  bool wildcard = false;  // node is *.<the last owner_labels labels of the name>
  // For name_error and where a wildcard stands for the name: the node right before the name in canonical
  // order.
  FoundNode before;
};

// `key` is the name key of `name`. `apex_labels`: labels of the zone's apex. The name is at or below the
// apex.
LookupResult look_up(Reader& reader, Generation generation, unsigned apex_labels, dns::NameKey& key,
                     RRType type);

}  // namespace understudy::backend
