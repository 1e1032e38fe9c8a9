#include "audit/mirror_tables.h"

#include <algorithm>

namespace understudy::audit {

Result<std::unique_ptr<MirrorTables>> MirrorTables::open(backend::Mirror& mirror) {
  auto reader = mirror.reader();
  if (!reader) return reader.error();
  std::unique_ptr<MirrorTables> made(new MirrorTables(std::move(*reader)));
  if (const auto renewed = made->reader_->renew(); !renewed) return renewed.error();
  const auto unserved = made->reader_->unserved();
  const auto policy = std::make_shared<const backend::ZonePolicy>();
  for (const auto& [apex, row] : made->reader_->zones()) {
    const bool served = std::none_of(unserved.begin(), unserved.end(),
                                     [&](const backend::UnservedZone& zone) { return zone.apex == apex; });
    if (!served || row.generation == 0) continue;
    made->entries_.push_back(std::make_shared<backend::ZoneEntry>(apex, row.id, policy));
    made->entries_.back()->set_service(backend::Service::serving);
  }
  made->reader_->reset();
  made->tables_.swap(std::make_unique<backend::ZoneTable>(made->entries_));
  if (const auto followed = made->follow(); !followed) return followed.error();
  return made;
}

Result<> MirrorTables::follow() {
  const auto renewed = reader_->renew();
  if (!renewed) return renewed.error();
  if (*renewed != commit_) {
    for (const auto& entry : entries_) {
      const auto row = reader_->zone(entry->apex());
      const backend::ZoneEntry::Live live = entry->live(*renewed, *reader_);
      if (!row || (row->generation == live.generation && row->version == live.version)) continue;
      entry->publish({row->generation, row->version}, *renewed);
    }
    commit_ = *renewed;
  }
  reader_->reset();
  return {};
}

}  // namespace understudy::audit
