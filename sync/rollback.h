// Earlier versions of a zone, read back to be served again. Plain
// functions that work hard, for a pool thread.
#pragma once

#include "backend/mirror.h"
#include "sync/transfer_decoder.h"

namespace understudy::sync {

struct OlderVersion {
  dns::Name apex;
  backend::ZoneRow live;
  backend::Version version = 0;
  bool allow_ended = false;  // though the signature of its SOA or DNSKEY has ended
  UnixTime now = 0;
};

// Every record of it into `target`. Errors: "version-unknown", "signature-ended", the target's own, and those
// of the mirror.
Result<> read_back(const OlderVersion& older, backend::Mirror& mirror, RecordTarget& target);

}  // namespace understudy::sync
