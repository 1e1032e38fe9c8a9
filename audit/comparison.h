// What a comparison of the mirror with name servers found, as values: the comparer fills it, verbs, HTTP and
// metrics print it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dns/name.h"
#include "dns/types.h"
#include "net/address.h"

namespace understudy::audit {

enum class Verdict : std::uint8_t { match, mismatch, dynamic, unknown };

// How two answers differ; A is the mirror, B the address (DESIGN.md, Metrics). Where several fit, the first
// in the order of `precedence` counts.
enum class Class : std::uint8_t {
  delegation,
  wildcard,
  missing,
  extra,
  rcode,
  rdata,
  ttl,
  dnssec,
  negative_ttl,
  flags,
};
inline constexpr std::size_t class_count = 10;
std::string_view to_string(Class c);
std::string_view to_string(Verdict v);

// One side of a disagreement, for people and JSON.
struct Side {
  std::string rcode, flags;
  std::uint32_t ttl = 0;
  std::vector<std::string> rdata;
};

struct Mismatch {
  dns::Name owner;
  dns::RRType type{};
  net::Endpoint address;
  Class difference{};
  Side ours, theirs;
  UnixTime since = 0;
  // Evidence.
  bool made_up = false;       // the name is one of many below a wildcard or the apex
  UnixTime seen = 0;          // the last time
  std::uint64_t version = 0;  // ours, and its serial
  std::uint32_t serial = 0;
  std::optional<std::uint32_t> their_serial;  // that the address told
  std::string nsid;                           // of who answered (RFC 5001)
  std::optional<std::uint32_t> zone_version;  // that the answer was said to come from (RFC 9660)
};

// What is left of an expectation: how many differences it explains, and whether it still has a purpose.
struct ExpectedState {
  std::size_t number = 0;  // among all expectations
  std::string owner, reason;
  std::optional<dns::RRType> type;
  std::optional<Class> difference;
  UnixTime until = 0;  // 0: for ever
  std::uint64_t explains = 0;
  bool over = false;    // its time is
  bool unused = false;  // a full pass found nothing that it would explain
};

struct Tally {
  net::Endpoint address;
  std::uint64_t asked = 0, match = 0, mismatch = 0, dynamic = 0, expected = 0,
                unknown = 0;            // of the running pass
  std::optional<std::uint32_t> serial;  // the last it told
  bool serial_answered = false;         // the last question for it was answered
};

struct ZoneComparison {
  dns::Name zone;
  std::uint64_t version = 0;
  std::vector<Tally> against;
  std::vector<Mismatch> mismatches;  // now; bounded
  // Of each of `against`, how many by class: all that are known, whether or not they are listed.
  std::vector<std::array<std::uint64_t, class_count>> mismatching;
  UnixTime oldest_mismatch = 0;  // 0: none
  std::vector<ExpectedState> expectations;
  std::uint64_t expected = 0;  // differences of now that were expected
  bool complete = false;       // the live version was fully covered at every address, nothing unknown
  double coverage = 0;         // of the running pass, 0 to 1
  UnixTime last_full_pass = 0;
  // Since the start, by verdict (match, mismatch, dynamic, unknown).
  std::array<std::uint64_t, 4> totals{};
};

}  // namespace understudy::audit
