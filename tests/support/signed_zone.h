// Signed zones for tests, made without any code of the product: the NSEC chain of RFC 4034 4 over a zone in
// text, and an RRSIG for each RRset that is authoritative. The signatures hold no cryptography, since an
// authoritative server copies them; that whole answers validate is shown by tests/interop/validated.py.
#pragma once

#include "support/test_mirror.h"

namespace understudy::test {

// Adds NSECs (with the SOA's MINIMUM as their TTL) and RRSIGs to the records of `lines`, which has neither.
ZoneText signed_zone(std::string_view apex, std::string_view lines);

// The same with a chain of NSEC3s (RFC 5155 7.1) and its NSEC3PARAM.
struct Nsec3Chain {
  unsigned iterations = 0;
  Bytes salt = {};
  bool opt_out = false;
};
ZoneText signed_zone(std::string_view apex, std::string_view lines, const Nsec3Chain& chain);
// The chain alone, with its RRSIGs: the NSEC3s of another salt, say. `zone` holds no NSEC3.
std::vector<Rr> nsec3_chain(const ZoneText& zone, const Nsec3Chain& chain);
// RFC 5155 5, in base32hex.
std::string nsec3_hash(const Labels& name, const Nsec3Chain& chain);
// The signed NSEC3 whose owner is the hash of the name, and the one that covers the name's hash; empty where
// there is none.
std::vector<Rr> nsec3_of(const ZoneText& zone, std::string_view name, const Nsec3Chain& chain);
std::vector<Rr> nsec3_before(const ZoneText& zone, std::string_view name, const Nsec3Chain& chain);

// An RRSIG as it would stand beside `rrset`'s record; its signature tells the covered type and owner apart.
Rr signature_of(const Labels& apex, const Rr& record);

// The RRset of the zone and its RRSIGs.
std::vector<Rr> signed_rrset(const ZoneText& zone, std::string_view owner, std::string_view type);
// The same under another owner and at most another TTL: what a wildcard stands for, a SOA in a negative
// answer.
std::vector<Rr> as_owned_by(std::vector<Rr> records, std::string_view owner);
std::vector<Rr> with_ttl(std::vector<Rr> records, std::uint32_t ttl);
std::vector<Rr> all_of(std::initializer_list<std::vector<Rr>> parts);

// RFC 4034 6.1.
bool canonically_before(const Labels& a, const Labels& b);
// RFC 4034 4.1.2.
Bytes type_bitmap(std::vector<std::uint16_t> types);

}  // namespace understudy::test
