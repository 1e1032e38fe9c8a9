// RDATA: what is inside the data of each type, so that it can be checked, expanded, compared and compressed.
//
// One row a type (rdata.cpp) says where names, strings and numbers stand; types without a row are kept as
// they came (RFC 3597). Everything here works on octets and allocates nothing but what the caller's vector
// grows by.
#pragma once

#include <vector>

#include "dns/types.h"
#include "dns/wire_reader.h"

namespace understudy::dns {

// Why RDATA was refused; the text is for messages.
using RdataFault = const char*;

// Reads RDATA of `length` octets at the reader, checks that its fields fill it exactly, and appends it to
// `out` with all names expanded. nullptr where it was well-formed.
RdataFault expand_rdata(WireReader& reader, RRType type, std::size_t length, std::vector<std::uint8_t>& out);

// The same check for RDATA that holds no compression.
RdataFault check_rdata(RRType type, Octets rdata);

struct RdataName {
  std::size_t offset;  // in the RDATA
  NameView name;
  bool compressible;  // only in the types of RFC 1035 may a name be compressed on the wire (RFC 3597 4)
};

// The domain names in well-formed, expanded RDATA, in order: at most two in any type. Those of IPSECKEY,
// AMTRELAY and HIP are not among them: nothing compresses, lowers or follows them.
struct RdataNames {
  std::array<RdataName, 2> names;
  std::size_t count = 0;
  const RdataName* begin() const { return names.data(); }
  const RdataName* end() const { return names.data() + count; }
};
RdataNames names_in(RRType type, Octets rdata);

// True for the types whose names are lower-cased in canonical form (RFC 4034 6.2 as amended by RFC 6840 5.1).
bool has_canonical_names(RRType type);
// Lower-cases those names in place.
void make_canonical(RRType type, std::span<std::uint8_t> rdata);
// RFC 4034 6.3: the order of two RRs of that type by their RDATA in canonical form; 0 for equal. `scratch` is
// the caller's, so that its memory is used again.
int canonical_rdata_order(RRType type, Octets a, Octets b, std::vector<std::uint8_t>& scratch);
// The same data for DNS: names inside compare without case in every type.
void lower_names(RRType type, std::span<std::uint8_t> rdata);

}  // namespace understudy::dns
