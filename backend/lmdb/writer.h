// The LMDB side of Writer: every write of the mirror. Used by the store thread only.
#pragma once

#include <functional>

#include "backend/lmdb/environment.h"
#include "backend/lmdb/transaction.h"

namespace understudy::backend::lmdb {

class LmdbWriter final : public Writer {
 public:
  explicit LmdbWriter(Environment& environment) : environment_(environment) {}
  // Once, at start: what was being built when the last process ended is dead.
  Result<> bury_unfinished();

  Result<std::vector<ZoneRow>> ensure_zones(const std::vector<Name>& apexes) override;
  Result<Generation> begin(ZoneId zone) override;
  Result<> put(Generation generation, const std::vector<StoredNode>& nodes) override;
  Result<std::uint64_t> publish(std::vector<NewVersion>& versions) override;
  Result<> discard(Generation generation) override;
  Result<HeldVersion> hold(NewVersion& version, HeldVersion held) override;
  Result<> save_standing(ZoneId zone, const Standing& standing) override;
  Result<> save_timers(const std::vector<std::pair<ZoneId, TimerRow>>& rows) override;
  Result<bool> trim(const std::vector<std::pair<ZoneId, Keep>>& zones, UnixTime now) override;
  Result<bool> collect() override;
  Result<std::vector<ZoneRow>> add_zones(const std::vector<AddedZone>& zones,
                                         const std::vector<Name>& anew) override;
  Result<> remove_zones(const std::vector<Name>& apexes, UnixTime now) override;
  Result<> note_served(const std::vector<Name>& served, UnixTime now) override;
  Result<std::vector<Name>> forget_unserved(UnixTime until) override;
  Result<> save_audit(const std::vector<AuditRow>& rows) override;

 private:
  // Runs `work` (which returns LMDB's codes) in one transaction and commits; where the map was full it is
  // enlarged and the work run again, so `work` must be able to run twice. Returns the number of the commit.
  template <class Work>
  Result<std::uint64_t> commit(std::string_view doing, Work work);
  // The same, for other files.
  using AnyWork = std::function<int(const WriteTransaction&)>;
  Result<std::uint64_t> commit_work(std::string_view doing, const AnyWork& work);
  int put_nodes(const WriteTransaction& txn, Generation generation, const std::vector<StoredNode>& nodes);
  int patch_nodes(const WriteTransaction& txn, Generation generation, const std::vector<StoredNode>& changes);
  int store_held(const WriteTransaction& txn, NewVersion& version, HeldVersion& held);
  int take_held(const WriteTransaction& txn, const ZoneRow& before, NewVersion& version);
  int note_standing(const WriteTransaction& txn, const NewVersion& version, bool live);
  int publish_one(const WriteTransaction& txn, NewVersion& version);
  int flip(const WriteTransaction& txn, const ZoneRow& before, const NewVersion& version);
  int ensure_zone(const WriteTransaction& txn, const Name& apex, ZoneRow& row);
  int next_number(const WriteTransaction& txn, std::string_view counter, std::uint64_t& number);

  Environment& environment_;
};

}  // namespace understudy::backend::lmdb
