// Earlier versions of a zone, made anew to be served again. Plain
// functions that work hard, for a pool thread.
#pragma once

#include "backend/mirror.h"
#include "sync/publisher.h"

namespace understudy::sync {

struct OlderVersion {
  backend::BuildOptions options;  // of the zone as it is
  backend::ZoneRow live;
  backend::Version version = 0;
  bool allow_ended = false;   // though the signature of its SOA or DNSKEY has ended
  bool anew = false;          // every record of it is wanted
  bool raise_serial = false;  // where its own is not newer than the live one's; `whole` does the same
  UnixTime now = 0;
};

// That version as a version to be published now. Where little lies between it and the live one, as what it
// changes there, at the cost of what changed; otherwise nothing is returned, and every record of it is in
// `whole`, to be finished there. Either leaves the same octets. Errors: "version-unknown", "signature-ended",
// those of `whole`, and those of the mirror.
Result<std::optional<BuiltZone>> restore(const OlderVersion& older, backend::Mirror& mirror,
                                         ZoneBuild& whole);

}  // namespace understudy::sync
