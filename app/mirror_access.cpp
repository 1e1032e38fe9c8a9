#include "app/mirror_access.h"

#include <algorithm>

#include "app/console.h"

namespace understudy::app {
namespace {

// "a., b. and 3 others" of the zones that have data.
std::string names_of(backend::Reader& reader) {
  constexpr std::size_t named = 5;
  std::string names;
  std::size_t count = 0;
  for (const auto& [name, row] : reader.zones()) {
    if (row.version == 0) continue;
    if (++count <= named) names += (names.empty() ? "" : ", ") + dns::to_string(name);
  }
  if (count > named) names += " and " + counted(count - named, "other", "others");
  return names;
}

class CountedWalk final : public backend::NodeWalk {
 public:
  CountedWalk(std::unique_ptr<backend::NodeWalk> walk, std::uint64_t expected)
      : walk_(std::move(walk)), expected_(expected) {}

  Result<bool> next(backend::WalkedNode& node) override {
    auto more = walk_->next(node);
    if (!more) return more;
    if (*more) {
      records_ += node.records.size();
    } else if (records_ != expected_) {
      return Error{"mirror-damaged", "the mirror tells of " + number_text(expected_) + " records and holds " +
                                         number_text(records_) + "; take the zone from elsewhere"};
    }
    return more;
  }

 private:
  std::unique_ptr<backend::NodeWalk> walk_;
  const std::uint64_t expected_;
  std::uint64_t records_ = 0;
};

}  // namespace

Result<MirrorAccess> MirrorAccess::open(const Whereabouts& where) {
  auto directory = where.data_directory();
  if (!directory) return directory.error();
  return open(std::move(*directory));
}

Result<MirrorAccess> MirrorAccess::open(std::string directory) {
  backend::MirrorOptions options;
  options.directory = directory;
  options.read_only = true;
  auto mirror = backend::open_mirror(options);
  if (!mirror) return mirror.error();
  return MirrorAccess(std::move(directory), std::move(*mirror));
}

Result<std::unique_ptr<backend::Reader>> MirrorAccess::reader() const {
  auto reader = mirror_->reader();
  if (!reader) return reader.error();
  if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
  return reader;
}

Result<backend::ZoneRow> MirrorAccess::zone(backend::Reader& reader, const dns::Name& apex) const {
  const auto row = reader.zone(apex);
  // Of a zone whose first version is held there is something to show as well.
  if (row && (row->version != 0 || reader.held(row->id))) return *row;
  const std::string names = names_of(reader);
  return Error{"unknown-zone", "the mirror in " + directory_ + " holds no version of " +
                                   dns::to_string(apex) +
                                   (names.empty() ? "; it is empty" : "; it holds " + names)};
}

Result<dns::Name> MirrorAccess::only_zone(backend::Reader& reader) const {
  std::optional<dns::Name> only;
  for (const auto& [name, row] : reader.zones()) {
    if (row.version == 0) continue;
    if (only) {
      return Error{"unknown-zone", "which zone? Name it with --zone: the mirror in " + directory_ +
                                       " holds " + names_of(reader)};
    }
    only = name;
  }
  if (only) return *only;
  return Error{"unknown-zone", "the mirror in " + directory_ + " holds no zone yet"};
}

Result<OpenedZone> open_zone(const Whereabouts& where, const std::string& zone) {
  const auto apex = dns::Name::from_text(zone);
  if (!apex) return apex.error();
  auto mirror = MirrorAccess::open(where);
  if (!mirror) return mirror.error();
  auto reader = mirror->reader();
  if (!reader) return reader.error();
  const auto live = mirror->zone(**reader, *apex);
  if (!live) return live.error();
  return OpenedZone{std::move(*mirror), std::move(*reader), *apex, *live};
}

Result<OpenedVersion> open_version(backend::Reader& reader, const dns::Name& apex,
                                   const backend::ZoneRow& live, std::optional<backend::Version> version) {
  const backend::Version wanted = version.value_or(live.version);
  auto row = reader.version(live.id, wanted);
  if (!row) {
    const auto held = reader.held(live.id);
    if (held && held->row.version == wanted) row = held->row;
  }
  if (!row) {
    const auto kept = reader.versions(live.id);
    const std::string newest = std::to_string(live.version);
    const std::string oldest = kept.empty() ? newest : std::to_string(kept.front().version);
    return Error{"unknown-version",
                 "the mirror keeps no version " + std::to_string(wanted) + " of " + dns::to_string(apex) +
                     (oldest == newest ? ", only " + newest : ", but " + oldest + " to " + newest) +
                     "; see `understudy history " + dns::to_string(apex) + "`"};
  }
  auto walk = backend::walk_version(reader, live, wanted);
  if (!walk) return walk.error();
  return OpenedVersion{*row, std::make_unique<CountedWalk>(std::move(*walk), row->records)};
}

}  // namespace understudy::app
