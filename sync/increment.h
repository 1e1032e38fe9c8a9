// The answer to a question for differences (IXFR) on its way into the mirror: differences are edits of the
// live version; a whole zone, where the primary sends that instead, is built as after AXFR.
//
// Filled and finished by one pool thread at a time.
#pragma once

#include "backend/zone_editor.h"
#include "sync/publisher.h"

namespace understudy::sync {

// An edited version, as what it changes of `live`.
BuiltZone patch_of(backend::EditedZone edited, const backend::ZoneRow& live);

class Increment final : public RecordTarget {
 public:
  // `live`: the zone's row, with data. `whole` takes the zone where it comes whole, or has to be made whole.
  Increment(backend::BuildOptions options, const backend::ZoneRow& live, backend::Mirror& mirror,
            std::shared_ptr<ZoneBuild> whole)
      : editor_(std::move(options), live), live_(live), mirror_(mirror), whole_(std::move(whole)) {}

  Result<> record(const dns::RecordView& record) override { return whole_->record(record); }
  Result<> changed(bool added, const dns::RecordView& record) override;
  // After the last difference: the version, as a patch of the live one. Nothing where they are too many for
  // that: then all records are in whole(), to be finished there.
  Result<std::optional<BuiltZone>> finish();
  const std::shared_ptr<ZoneBuild>& whole() const { return whole_; }

 private:
  Result<> check_origin(backend::Reader& reader) const;

  backend::ZoneEditor editor_;
  const backend::ZoneRow live_;
  backend::Mirror& mirror_;
  const std::shared_ptr<ZoneBuild> whole_;
  std::vector<std::uint8_t> soa_rdata_;
  std::uint32_t soa_ttl_ = 0;
};

}  // namespace understudy::sync
