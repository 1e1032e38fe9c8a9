// A mirror whose writes fail when the simulation says so: for a while (a disk that is full), or for good
// (the process is dead, and whatever it would still have written never was).
//
// One thread. What is read is what was written.
#pragma once

#include "backend/mirror.h"

namespace understudy::test {

class MortalMirror final : public backend::Mirror, private backend::Writer {
 public:
  explicit MortalMirror(std::unique_ptr<backend::Mirror> mirror) : mirror_(std::move(mirror)) {}

  bool dead = false;
  unsigned failures_to_come = 0;

  Result<std::unique_ptr<backend::Reader>> reader() override { return mirror_->reader(); }
  backend::Writer& writer() override { return *this; }
  Result<backend::StoreStatistics> statistics() override { return mirror_->statistics(); }

 private:
  template <class Call>
  auto unless_broken(Call call) -> decltype(call(std::declval<backend::Writer&>())) {
    if (!dead && failures_to_come == 0) return call(mirror_->writer());
    if (failures_to_come != 0) --failures_to_come;
    return Error{"mirror-io", "the simulation says no"};
  }

  Result<std::vector<backend::ZoneRow>> ensure_zones(const std::vector<dns::Name>& apexes) override {
    return mirror_->writer().ensure_zones(apexes);
  }
  Result<backend::Generation> begin(backend::ZoneId zone) override {
    return unless_broken([&](backend::Writer& w) { return w.begin(zone); });
  }
  Result<> put(backend::Generation generation, const std::vector<backend::StoredNode>& nodes) override {
    return unless_broken([&](backend::Writer& w) { return w.put(generation, nodes); });
  }
  Result<std::uint64_t> publish(std::vector<backend::NewVersion>& versions) override {
    return unless_broken([&](backend::Writer& w) { return w.publish(versions); });
  }
  Result<> discard(backend::Generation generation) override {
    return unless_broken([&](backend::Writer& w) { return w.discard(generation); });
  }
  Result<backend::HeldVersion> hold(backend::NewVersion& version, backend::HeldVersion held) override {
    return unless_broken([&](backend::Writer& w) { return w.hold(version, std::move(held)); });
  }
  Result<> save_standing(backend::ZoneId zone, const backend::Standing& standing) override {
    return unless_broken([&](backend::Writer& w) { return w.save_standing(zone, standing); });
  }
  Result<> save_timers(const std::vector<std::pair<backend::ZoneId, backend::TimerRow>>& rows) override {
    return unless_broken([&](backend::Writer& w) { return w.save_timers(rows); });
  }
  Result<bool> trim(const std::vector<std::pair<backend::ZoneId, backend::Keep>>& zones,
                    UnixTime now) override {
    return unless_broken([&](backend::Writer& w) { return w.trim(zones, now); });
  }
  Result<bool> collect() override {
    return unless_broken([&](backend::Writer& w) { return w.collect(); });
  }
  Result<std::vector<backend::ZoneRow>> add_zones(const std::vector<backend::AddedZone>& zones,
                                                  const std::vector<dns::Name>& anew) override {
    return unless_broken([&](backend::Writer& w) { return w.add_zones(zones, anew); });
  }
  Result<> remove_zones(const std::vector<dns::Name>& apexes, UnixTime now) override {
    return unless_broken([&](backend::Writer& w) { return w.remove_zones(apexes, now); });
  }
  Result<> note_served(const std::vector<dns::Name>& served, UnixTime now) override {
    return mirror_->writer().note_served(served, now);
  }
  Result<std::vector<dns::Name>> forget_unserved(UnixTime until) override {
    return unless_broken([&](backend::Writer& w) { return w.forget_unserved(until); });
  }
  Result<> save_audit(const std::vector<backend::AuditRow>& rows) override {
    return unless_broken([&](backend::Writer& w) { return w.save_audit(rows); });
  }

  const std::unique_ptr<backend::Mirror> mirror_;
};

}  // namespace understudy::test
