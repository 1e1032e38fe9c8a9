// Compares a version of a zone with a name server that gives no transfer: it is asked for every RRset that
// the version has. What only the server has cannot be found so.
//
// For verbs: compare() runs an io_context of its own until it is done. One thread. Holds a batch of owners.
#pragma once

#include "audit/zone_diff.h"
#include "net/address.h"

namespace understudy::audit {

struct NameByNameOptions {
  net::Endpoint server;
  dns::Name apex;
  double queries_per_second = 50;
  std::chrono::milliseconds timeout{2000};  // of each of two attempts
};

struct NameByNameEvents {
  // An RRset of which nothing could be established, in canonical order of owners; it is left out of the
  // comparison.
  std::function<void(dns::NameView owner, dns::RRType type, const std::string& why)> unknown;
  std::function<void(std::uint64_t asked)> progress;
};

enum class AskedSide : std::uint8_t { a, b };

// Walks `known`, asks, and has `diff` compare owner by owner, the server being the side `asked`. Errors:
// those of the walk; "name-server" where the server does not answer for the zone at all.
Result<> compare_name_by_name(const NameByNameOptions& options, backend::NodeWalk& known, AskedSide asked,
                              ZoneDiff& diff, const NameByNameEvents& events);

}  // namespace understudy::audit
