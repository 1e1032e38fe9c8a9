// The LMDB side of Reader: one read transaction and one cursor, made once and renewed.
#pragma once

#include "backend/lmdb/environment.h"

namespace understudy::backend::lmdb {

class LmdbReader final : public Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(Environment& environment);
  ~LmdbReader() override;

  Result<std::uint64_t> renew() override;
  void reset() override;
  bool find(Generation generation, dns::NameKey& key, FoundNode& found) override;
  bool find_exact(Generation generation, dns::NameKey& key, std::size_t prefix, FoundNode& found) override;
  bool seek(Generation generation, Octets from, FoundNode& found) override;
  bool next(FoundNode& found) override;
  std::optional<ZoneRow> zone(NameView apex) override;
  std::optional<TimerRow> timers(ZoneId zone) override;
  std::vector<std::pair<Name, ZoneRow>> zones() override;
  std::vector<VersionRow> versions(ZoneId zone) override;
  std::optional<VersionRow> version(ZoneId zone, Version version) override;
  std::optional<VersionRow> version_after(ZoneId zone, Version version) override;
  std::optional<HeldVersion> held(ZoneId zone) override;
  Standing standing(ZoneId zone) override;
  Octets change_chunk(ZoneId zone, Version version, std::uint32_t chunk) override;
  std::vector<AddedZone> added() override;
  std::vector<UnservedZone> unserved() override;
  std::vector<AuditRow> audit_rows(ZoneId zone, AuditKind kind) override;

 private:
  explicit LmdbReader(Environment& environment) : environment_(environment), passage_(environment) {}
  bool take(Generation generation, const MDB_val& key, const MDB_val& value, FoundNode& found) const;

  Environment& environment_;
  Environment::Passage passage_;
  MDB_txn* txn_ = nullptr;
  MDB_cursor* cursor_ = nullptr;
  bool renewed_ = false;
  Generation walking_ = 0;  // of the last seek
};

}  // namespace understudy::backend::lmdb
