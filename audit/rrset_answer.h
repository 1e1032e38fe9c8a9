// What a response says of one RRset: its data as the server has it, that it has none, or nothing that can be
// relied on.
//
// Pure: octets in, a value out; any thread. Octets may be hostile. Other than a NormalAnswer it keeps every
// octet of the data, signatures included.
#pragma once

#include <string>
#include <vector>

#include "dns/record.h"

namespace understudy::audit {

struct RRsetAnswer {
  std::vector<dns::Record> records;  // of the type, and the RRSIGs that cover it; empty: the server has none
  std::string unknown;               // why nothing is known; empty where something is
};

// `response` answers a question for `owner` and `type` of the zone `apex`. A delegation's name servers and
// glue are taken from the referral that answers such a question.
RRsetAnswer read_rrset_answer(dns::NameView apex, dns::NameView owner, dns::RRType type,
                              dns::Octets response);

}  // namespace understudy::audit
