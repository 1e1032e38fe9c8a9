// A mirror that counts how many nodes are looked up or stepped over through its readers: what must not cost a
// walk of the whole zone is shown by the count, whatever the machine.
//
// The mirror that it stands in front of outlives it. Readers count into it, from any thread.
#pragma once

#include <atomic>

#include "backend/mirror.h"

namespace understudy::test {

class CountingMirror final : public backend::Mirror {
 public:
  explicit CountingMirror(backend::Mirror& mirror) : mirror_(mirror) {}

  std::atomic<std::uint64_t> nodes{0};

  Result<std::unique_ptr<backend::Reader>> reader() override {
    auto reader = mirror_.reader();
    if (!reader) return reader.error();
    return std::unique_ptr<backend::Reader>(std::make_unique<Counting>(std::move(*reader), nodes));
  }
  backend::Writer& writer() override { return mirror_.writer(); }
  Result<backend::StoreStatistics> statistics() override { return mirror_.statistics(); }

 private:
  class Counting final : public backend::Reader {
   public:
    Counting(std::unique_ptr<backend::Reader> reader, std::atomic<std::uint64_t>& nodes)
        : reader_(std::move(reader)), nodes_(nodes) {}
    Result<std::uint64_t> renew() override { return reader_->renew(); }
    void reset() override { reader_->reset(); }
    bool find(backend::Generation generation, dns::NameKey& key, backend::FoundNode& found) override {
      ++nodes_;
      return reader_->find(generation, key, found);
    }
    bool find_exact(backend::Generation generation, dns::NameKey& key, std::size_t prefix,
                    backend::FoundNode& found) override {
      ++nodes_;
      return reader_->find_exact(generation, key, prefix, found);
    }
    bool seek(backend::Generation generation, dns::Octets from, backend::FoundNode& found) override {
      ++nodes_;
      return reader_->seek(generation, from, found);
    }
    bool next(backend::FoundNode& found) override {
      ++nodes_;
      return reader_->next(found);
    }
    std::optional<backend::ZoneRow> zone(dns::NameView apex) override { return reader_->zone(apex); }
    std::optional<backend::TimerRow> timers(backend::ZoneId zone) override { return reader_->timers(zone); }
    std::vector<std::pair<dns::Name, backend::ZoneRow>> zones() override { return reader_->zones(); }
    std::vector<backend::VersionRow> versions(backend::ZoneId zone) override {
      return reader_->versions(zone);
    }
    std::optional<backend::VersionRow> version(backend::ZoneId zone, backend::Version version) override {
      return reader_->version(zone, version);
    }
    std::optional<backend::VersionRow> version_after(backend::ZoneId zone,
                                                     backend::Version version) override {
      return reader_->version_after(zone, version);
    }
    std::optional<backend::HeldVersion> held(backend::ZoneId zone) override { return reader_->held(zone); }
    backend::Standing standing(backend::ZoneId zone) override { return reader_->standing(zone); }
    dns::Octets change_chunk(backend::ZoneId zone, backend::Version version, std::uint32_t chunk) override {
      return reader_->change_chunk(zone, version, chunk);
    }
    std::vector<backend::AddedZone> added() override { return reader_->added(); }
    std::vector<backend::UnservedZone> unserved() override { return reader_->unserved(); }
    std::vector<backend::AuditRow> audit_rows(backend::ZoneId zone, backend::AuditKind kind) override {
      return reader_->audit_rows(zone, kind);
    }

   private:
    const std::unique_ptr<backend::Reader> reader_;
    std::atomic<std::uint64_t>& nodes_;
  };

  backend::Mirror& mirror_;
};

}  // namespace understudy::test
