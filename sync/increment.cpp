#include "sync/increment.h"

namespace understudy::sync {

BuiltZone patch_of(backend::EditedZone edited, const backend::ZoneRow& live) {
  BuiltZone built;
  built.summary = std::move(edited.summary);
  built.content = backend::Content::patch;
  built.nodes = std::move(edited.nodes);
  built.change = std::move(edited.change);
  built.base = live.version;
  built.source_serial = built.summary.serial;
  auto signatures = backend::signatures_in(built.change);
  if (signatures) built.signatures = std::move(*signatures);
  return built;
}

Result<> Increment::changed(bool added, const dns::RecordView& record) {
  if (added && record.type == dns::RRType::SOA) {
    soa_rdata_.assign(record.rdata.begin(), record.rdata.end());
    soa_ttl_ = record.ttl;
  }
  return editor_.edit(added, record);
}

// Differences lead on from what the primary had at that serial; a zone file may have said another thing.
Result<> Increment::check_origin(backend::Reader& reader) const {
  if (auto renewed = reader.renew(); !renewed) return renewed.error();
  const auto version = reader.version(live_.id, live_.version);
  reader.reset();
  const std::string source = version ? version->source : std::string();
  if (source.empty() || source.starts_with("axfr:") || source.starts_with("xot:")) return {};
  return Error{reason::ixfr_gap, "what is served came from " + source + ", not by a transfer"};
}

Result<std::optional<BuiltZone>> Increment::finish() {
  const auto reader = mirror_.reader();
  if (!reader) return reader.error();
  if (auto fit = check_origin(**reader); !fit) return fit.error();
  Result<std::optional<backend::EditedZone>> edited = editor_.finish(**reader);
  if (!edited) return edited.error();
  if (!*edited) {
    const auto replayed =
        editor_.replay(**reader, [this](const dns::RecordView& record) { return whole_->record(record); });
    if (!replayed) return replayed.error();
    return std::optional<BuiltZone>();
  }
  BuiltZone built = patch_of(std::move(**edited), live_);
  built.soa_rdata = std::move(soa_rdata_);
  built.soa_ttl = soa_ttl_;
  return std::optional<BuiltZone>(std::move(built));
}

}  // namespace understudy::sync
