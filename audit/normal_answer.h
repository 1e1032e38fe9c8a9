// A response, ours or theirs, as a value that can be compared: order, case, compression and sections that do
// not matter are gone; what a resolver would learn from it stays.
//
// Pure: octets in, a value out; any thread. Octets may be hostile: whatever cannot be relied on ends as
// `unknown`. Bounded by the size of a message and limits::chain_links.
#pragma once

#include <optional>
#include <vector>

#include "audit/confirmation.h"
#include "audit/question.h"
#include "dns/octets.h"

namespace understudy::audit {

using Rdata = std::vector<std::uint8_t>;

struct RRset {
  dns::Name owner;  // lower-case
  dns::RRType type{};
  std::uint32_t ttl = 0;     // the lowest (RFC 2181 5.2)
  std::vector<Rdata> rdata;  // names in it lower-case; sorted, each once
  // Of each RRSIG that covers it: type, algorithm, labels, key tag and signer; times and signature are left
  // out, since a server that signs while it answers makes new ones all the time. Sorted, each once.
  std::vector<Rdata> signatures;

  bool empty() const { return rdata.empty(); }
};

struct NormalAnswer {
  // What is said of the name that the chain of CNAMEs and DNAMEs leads to.
  enum class End : std::uint8_t {
    data,
    nodata,
    name_error,  // NXDOMAIN, or NOERROR with the NXNAME of RFC 9824
    referral,
    unfinished,  // the chain was not followed, or it left the zone: nothing is said of its end
    unknown,     // no answer that could be compared; `why` says what it is
  };

  End end = End::unknown;
  std::string why;
  dns::Rcode rcode{};
  bool authoritative = false;
  std::vector<RRset> links;  // CNAMEs and DNAMEs, in the order in which they were followed
  dns::Name end_name;
  RRset data;

  // Of a negative answer with an SOA: the zone that it comes from and how long it may be kept (RFC 2308 5).
  struct Negative {
    dns::Name zone;
    std::uint32_t ttl = 0;
  };
  std::optional<Negative> negative;
  // NSEC or NSEC3 in the authority section: of a negative or wildcard answer, or a referral; and whether each
  // of them, and the SOA beside them, has a signature there: without it a validator takes none of it.
  bool denial_proof = false, denial_signed = false;

  RRset name_servers, delegation_signers;  // of a referral
  std::vector<RRset> glue;  // of the name servers at or below the cut; sorted by owner and type

  // No part of what is compared: who answered (RFC 5001; as text where it is, else in hexadecimal), and the
  // serial of the version that it answered from (RFC 9660).
  std::string nsid;
  std::optional<std::uint32_t> zone_serial;
};

// `response` is a whole message that answers `question`, which was asked of the zone `apex`.
NormalAnswer normalise(dns::NameView apex, const Question& question, dns::Octets response);

// Equal for answers that say the same.
Fingerprint fingerprint(const NormalAnswer& answer);

// No response came.
NormalAnswer no_answer(std::string why);

}  // namespace understudy::audit
