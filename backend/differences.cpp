#include "backend/differences.h"

#include "backend/condensed_change.h"
#include "backend/reasons.h"
#include "dns/serial.h"

namespace understudy::backend {
namespace {

// A history is not read to be condensed where it has more records than this many times the zone: what is left
// would hardly be worth it, and reading it takes longer than sending the zone.
constexpr std::uint64_t readable_zones = 4;

std::uint64_t records_of(const VersionRow& row) { return row.added + row.removed; }

}  // namespace

ChangeCursor Difference::read() const {
  if (reader_ != nullptr) return ChangeCursor::of_version(*reader_, zone_, version_, chunks_);
  return {[this](std::uint32_t chunk) { return Octets(made_[chunk - 1]); }, chunks_};
}

std::optional<Version> version_of_serial(Reader& reader, const ZoneRow& live, std::uint32_t serial) {
  auto row = reader.version(live.id, live.version);
  while (row && row->version > 1 && row->how == How::difference && row->chunks != 0) {
    const auto before = reader.version(live.id, row->version - 1);
    // A serial that stood still or went backwards has another meaning before than after.
    if (!before || !dns::Serial(row->serial).is_newer_than(dns::Serial(before->serial))) return std::nullopt;
    if (before->serial == serial) return before->version;
    row = before;
  }
  return std::nullopt;
}

Result<std::optional<std::vector<Difference>>> differences_since(Reader& reader, const ZoneRow& live,
                                                                 Version from,
                                                                 const std::atomic<bool>& stop) {
  std::vector<Difference> differences;
  std::vector<ChangeCursor> changes;
  std::uint64_t records = 0;
  for (Version version = from + 1; version <= live.version; ++version) {
    const auto row = reader.version(live.id, version);
    if (!row) return Error{reason::mirror_io, "a version of the zone's history is missing in the mirror"};
    records += records_of(*row);
    differences.emplace_back(reader, live.id, *row);
    changes.push_back(ChangeCursor::of_version(reader, live.id, version, row->chunks));
  }
  if (differences.size() > 1 && records <= readable_zones * live.records) {
    auto condensed = condense(std::move(changes), stop);
    if (!condensed) return condensed.error();
    const std::uint64_t left = condensed->added() + condensed->removed();
    if (left < records / 2) {
      records = left;
      differences.clear();
      differences.emplace_back(condensed->finish());
    }
  }
  // The differences stand between two SOAs; a whole zone has one SOA more than it has records.
  if (records + 2 > live.records + 1) return std::optional<std::vector<Difference>>();
  return std::optional(std::move(differences));
}

Result<std::optional<Difference>> difference_since(Reader& reader, const ZoneRow& live, Version from,
                                                   std::uint64_t most_records) {
  std::vector<ChangeCursor> changes;
  std::uint64_t records = 0;
  for (Version version = from; version < live.version;) {
    const auto row = reader.version_after(live.id, version);
    if (!row) return Error{reason::mirror_io, "a version of the zone's history is missing in the mirror"};
    version = row->version;
    records += records_of(*row);
    const bool untold = row->before != 0 || (row->chunks == 0 && records_of(*row) != 0);
    if (untold || records > most_records) return std::optional<Difference>();
    changes.push_back(ChangeCursor::of_version(reader, live.id, version, row->chunks));
  }
  const std::atomic<bool> never{false};
  auto condensed = condense(std::move(changes), never);
  if (!condensed) return condensed.error();
  return std::optional(Difference(condensed->finish()));
}

}  // namespace understudy::backend
