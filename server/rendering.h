// Renders what a client is sent into a spool: a whole zone (AXFR), or what changed in it (IXFR).
//
// One thread, between a reader's renew() and its next: a snapshot is left again as soon as it is rendered,
// however slow the client.
#pragma once

#include "backend/differences.h"
#include "server/spool.h"

namespace understudy::server {

struct Rendering {
  backend::Reader& reader;  // renewed; used by nobody else meanwhile
  dns::NameView apex;
  backend::Generation generation;  // the live one
  const std::string& directory;    // for spools
  const std::atomic<bool>& stop;   // becomes true where the server stops
};

// Errors: "spool-io", "zone-broken" (no SOA where it must be), "stopping".
Result<std::shared_ptr<const Spool>> render_zone(const Rendering& rendering);
// Besides those errors "mirror-io".
Result<std::shared_ptr<const Spool>> render_differences(const Rendering& rendering,
                                                        const std::vector<backend::Difference>& differences);

// The apex as the live version has it: its node, and its SOA with the owner's case.
struct Apex {
  backend::NodeView node;
  dns::Record soa;
};
// After it, the reader's next() gives the other nodes.
Result<Apex> find_apex(const Rendering& rendering);

}  // namespace understudy::server
