// The sides of `diff`: how they are written, and how one that is not in the mirror is brought here.
//
// Blocks on disk and network: for verbs. One thread at a time.
#pragma once

#include <optional>
#include <variant>

#include "backend/record_sorter.h"
#include "backend/sorted_walk.h"
#include "net/dns_client.h"
#include "sync/zone_settings.h"

namespace understudy::audit {

struct MirrorSide {
  std::optional<backend::Version> version;  // none: the live one
};
// Asked name by name (name_by_name.h).
struct NameServerSide {
  net::Endpoint server;
};
using DiffSide = std::variant<MirrorSide, NameServerSide, sync::SourceSpec>;

// `mirror:[@VERSION]`, `dns://ADDR[:PORT]`, or a source.
Result<DiffSide> parse_side(std::string_view text);
std::string to_string(const DiffSide& side);

// A version of a zone that was brought here whole. It waits, sorted, in bounded memory and an unlinked file.
class GatheredZone {
 public:
  // The zone file's or the primary's records of the zone `apex`; `trust` is what the primary must prove.
  // Errors: sync::reason, each naming the source.
  static Result<std::unique_ptr<GatheredZone>> from(const sync::SourceSpec& source, const dns::Name& apex,
                                                    const std::string& spool_directory,
                                                    const net::Trust& trust = {});
  // Copied, so that what is walked (a read transaction) may be let go.
  static Result<std::unique_ptr<GatheredZone>> from(backend::NodeWalk& walk,
                                                    const std::string& spool_directory);

  // Once, from its beginning.
  backend::NodeWalk& walk() { return *walk_; }
  // Records that lie outside the zone and were left out, and the first of them.
  std::uint64_t out_of_zone() const { return out_of_zone_; }
  const std::string& first_out_of_zone() const { return first_out_of_zone_; }

 private:
  explicit GatheredZone(const std::string& spool_directory);
  Result<> finish();

  class Target;
  std::shared_ptr<Target> target_;
  std::unique_ptr<backend::NodeWalk> walk_;
  std::uint64_t out_of_zone_ = 0;
  std::string first_out_of_zone_;
};

// The owner of the first SOA record in a zone file.
Result<dns::Name> zone_of_file(const std::string& path);

}  // namespace understudy::audit
