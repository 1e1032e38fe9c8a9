// A version that is stored and not served, and what was decided about a zone: plain values, as the mirror
// keeps them.
#pragma once

#include "backend/versions.h"

namespace understudy::backend {

// At most one a zone, beside its history. It ends when it is published (then it is history), or when another
// version is published or held.
struct HeldVersion {
  VersionRow row;             // as history would have it; `published` is when it came
  Version base = 0;           // the version that is live: what this one follows
  Generation generation = 0;  // its nodes
  bool patch = false;  // they are only those that differ from the live ones; an empty block removes one
  std::uint32_t source_serial = 0;  // as its source has it: `row.serial` but where serials are raised
  std::string reason;               // one word of the shared vocabulary
  std::string message;
};

// What an operator decided about a zone, and what must outlast its versions.
struct Standing {
  Version last = 0;  // the highest number that a version was given, held ones too: none is given twice
  std::uint32_t source_serial = 0;  // of the live version, as its source has it
  bool hold = false;                // nothing is published until `resume`
  bool rolled_back = false;         // likewise, since a `rollback`
  bool serial_unmoved = false;      // the live version's serial is not newer than that of the version before
};

}  // namespace understudy::backend
