// One resource record, by value, RDATA expanded: what sources deliver, diffs compare and zone files print.
// Not for the query path (it owns heap memory).
#pragma once

#include <vector>

#include "dns/name.h"
#include "dns/types.h"

namespace understudy::dns {

struct Record {
  Name owner;
  RRType type{};
  std::uint32_t ttl = 0;
  std::vector<std::uint8_t> rdata;
};

// The same, borrowed.
struct RecordView {
  NameView owner;
  RRType type{};
  std::uint32_t ttl = 0;
  Octets rdata;
};

// SOA RDATA that was checked (check_rdata).
struct Soa {
  std::uint32_t serial, refresh, retry, expire, minimum;
  static Soa of(Octets rdata) {
    const std::uint8_t* numbers = rdata.data() + rdata.size() - 20;
    return {load32(numbers), load32(numbers + 4), load32(numbers + 8), load32(numbers + 12),
            load32(numbers + 16)};
  }
};

}  // namespace understudy::dns
