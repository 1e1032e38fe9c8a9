// Builds a generation: the records of a whole zone in, in any order; nodes in canonical order out, with every
// flag set.
//
// Used by one thread at a time (a pool thread: it works hard). Memory is bounded by limits::sort_run_octets
// and the largest node: what is over goes to an unlinked file in the spool directory.
#pragma once

#include <functional>
#include <memory>

#include "backend/mirror.h"
#include "dns/record.h"

namespace understudy::backend {

struct BuildOptions {
  Name apex;
  std::string spool_directory;
  std::uint32_t records_per_name = limits::records_per_name;
  // A CNAME beside other data: false refuses the version, true keeps the CNAME out.
  bool drop_cname_conflicts = false;
};

struct BuildSummary {
  std::uint64_t records = 0;  // stored, duplicates and dropped ones not counted
  std::uint64_t nodes = 0;
  Digest digest{};  // of everything but the SOA
  std::uint32_t serial = 0;
  dns::Soa soa{};
  std::uint64_t dropped_cnames = 0;
  // Of a signed zone: where its chain proves nothing (DenialChain), and the first such name.
  std::uint64_t chain_gaps = 0;
  std::string first_chain_gap;
};

class ZoneBuilder {
 public:
  explicit ZoneBuilder(BuildOptions options);
  ~ZoneBuilder();

  // A record at or below the apex, class IN, RDATA expanded and checked. The SOA comes exactly once.
  // Errors: "mirror-io" (the spool).
  Result<> add(const dns::RecordView& record);

  // Sorts and hands the nodes over in ascending order of keys, in batches of about limits::commit_octets.
  // Errors: those of the sink, "soa-missing", "second-soa", "apex-ns-missing", "rrset-too-large",
  // "limit-name", "cname-and-other-data".
  using Sink = std::function<Result<>(std::vector<StoredNode>)>;
  Result<BuildSummary> finish(const Sink& sink);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::backend
