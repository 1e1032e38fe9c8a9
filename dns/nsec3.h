// NSEC3 (RFC 5155): hashes of names, and the labels that they are written as. Pure; no heap.
#pragma once

#include "dns/name.h"

namespace understudy::dns {

// The one algorithm that there is: SHA-1 (RFC 5155 11).
inline constexpr std::uint8_t nsec3_sha1 = 1;
using Nsec3Hash = std::array<std::uint8_t, 20>;
inline constexpr std::size_t nsec3_label_octets = 32;

// The front of NSEC3 and of NSEC3PARAM RDATA that was checked (RFC 5155 3.2 and 4.2).
struct Nsec3Parameters {
  std::uint8_t algorithm, flags;
  std::uint16_t iterations;
  Octets salt;

  static Nsec3Parameters of(Octets rdata) {
    return {rdata[0], rdata[1], load16(rdata.data() + 2), rdata.subspan(5, rdata[4])};
  }
  // Of one chain: flags apart, which differ from NSEC3 to NSEC3 (opt-out).
  bool same_chain(const Nsec3Parameters& other) const;
};

// Whatever the iterations: who asks has bounded them. The algorithm is SHA-1.
Nsec3Hash nsec3_hash(NameView name, const Nsec3Parameters& parameters);

// The hash that a label stands for, in base32 with extended hex alphabet (RFC 4648 7), case apart; nothing
// where it is none.
std::optional<Nsec3Hash> nsec3_hash_of_label(Octets label);
std::array<std::uint8_t, nsec3_label_octets> nsec3_label(const Nsec3Hash& hash);

}  // namespace understudy::dns
