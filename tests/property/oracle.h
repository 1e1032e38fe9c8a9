// The oracle: what an authoritative server should answer, by the text of RFC 1034 4.3.2, 4592 and 6672, found
// by looking at every record of a list. Slow and plain on purpose; shares no code with the product.
//
// Where the RFCs leave a choice there are several acceptable responses. Pure functions over values.
#pragma once

#include <optional>

#include "support/plain_dns.h"

namespace understudy::test {

struct OracleZone {
  Labels apex;
  std::vector<Rr> records;  // RRsets with one TTL, no duplicates: made by tidy()
};
// As RFC 2181 5 wants RRsets: no duplicate, and of TTLs that differ the lowest.
OracleZone tidy(Labels apex, const std::vector<Rr>& records);

struct Expected {
  unsigned rcode = 0;
  bool aa = true;
  std::vector<Rr> answer, authority;
  std::vector<Rr> glue_required;  // without these there must be TC (RFC 9471 3.1)
  std::vector<Rr> glue_allowed;   // nothing else may stand in the additional section
  bool undefined = false;  // a wildcard NS or DNAME stands for the name: RFC 4592 4.2 and 4.4 define nothing
};

struct OracleQuestion {
  Labels name;
  std::uint16_t type = 0;
  bool dnssec_ok = false;
};

// Every acceptable response; one, but for QTYPE ANY and RRSIG (RFC 8482), chains that go on too long, and a
// QTYPE that a synthesised CNAME answers.
std::vector<Expected> resolve(const std::vector<OracleZone>& zones, const OracleQuestion& question);

std::string to_string(const Expected& expected);

}  // namespace understudy::test
