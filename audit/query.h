// The query that a question is put in.
#pragma once

#include "audit/zone_pass.h"
#include "net/dns_client.h"

namespace understudy::audit {

// A second question also asks who answers (NSID, RFC 5001) from which version (ZONEVERSION, RFC 9660), and
// every other one says that the answer is for nobody in particular (a client subnet of no bits, RFC
// 7871 7.1.2).
net::Message query_of(const Ask& ask);

}  // namespace understudy::audit
