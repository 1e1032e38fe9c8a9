// The last disagreement with an address over one question, as it is kept in the mirror (docs/formats.md):
// both messages as they came, so that what they say can be looked into later, and survives a restart.
//
// Plain values; any thread. Bounded by `most_octets` a message.
#pragma once

#include "audit/comparison.h"
#include "audit/subject.h"
#include "backend/audit_row.h"
#include "dns/octets.h"

namespace understudy::audit {

// Both responses; valid as long as whoever has them says.
struct RawAnswers {
  dns::Octets ours, theirs;
};

struct Evidence {
  static constexpr std::size_t most_octets = 4096;  // larger messages are left out

  Question question;
  bool dnssec = false;
  Class difference{};
  UnixTime since = 0, seen = 0;
  std::uint64_t version = 0;  // ours
  std::uint32_t serial = 0;   // ours
  std::optional<std::uint32_t> their_serial;
  net::Endpoint address;
  std::vector<std::uint8_t> ours, theirs;
};

std::vector<std::uint8_t> encode(const Evidence& evidence);
// Nothing where the octets are damaged, or of another format.
std::optional<Evidence> decode_evidence(dns::Octets value);

// Under what it is kept: a hash of subject and address.
backend::AuditKey evidence_key(const Subject& subject, const net::Endpoint& address);
// Of an address: where its passes stand.
backend::AuditKey address_key(const net::Endpoint& address);

}  // namespace understudy::audit
