// Which zone is asked for, and which version of it a reader sees.
#include "backend/zone_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace understudy::backend {
namespace {

Name name(std::string_view text) { return *Name::from_text(text); }

std::shared_ptr<ZoneEntry> entry_of(std::string_view apex, ZoneId id) {
  return std::make_shared<ZoneEntry>(name(apex), id, std::make_shared<const ZonePolicy>());
}

// An empty reader, for where live() must not ask it.
class NoReader final : public Reader {
 public:
  Result<std::uint64_t> renew() override { return std::uint64_t{0}; }
  void reset() override {}
  bool find(Generation, dns::NameKey&, FoundNode&) override { return false; }
  bool find_exact(Generation, dns::NameKey&, std::size_t, FoundNode&) override { return false; }
  bool seek(Generation, Octets, FoundNode&) override { return false; }
  bool next(FoundNode&) override { return false; }
  std::optional<ZoneRow> zone(NameView) override {
    ZoneRow row;
    row.generation = 77;
    return row;
  }
  std::optional<TimerRow> timers(ZoneId) override { return std::nullopt; }
  std::vector<std::pair<Name, ZoneRow>> zones() override { return {}; }
  std::vector<VersionRow> versions(ZoneId) override { return {}; }
  std::optional<VersionRow> version(ZoneId, Version) override { return std::nullopt; }
  std::optional<VersionRow> version_after(ZoneId, Version) override { return std::nullopt; }
  std::optional<HeldVersion> held(ZoneId) override { return std::nullopt; }
  Standing standing(ZoneId) override { return {}; }
  Octets change_chunk(ZoneId, Version, std::uint32_t) override { return {}; }
  std::vector<AddedZone> added() override { return {}; }
  std::vector<UnservedZone> unserved() override { return {}; }
  std::vector<AuditRow> audit_rows(ZoneId, AuditKind) override { return {}; }
};

TEST(ZoneEntry, a_reader_sees_the_newest_publication_that_its_commit_contains) {
  ZoneEntry entry(name("z."), 1, {});
  NoReader reader;
  EXPECT_EQ(entry.live(5, reader).generation, 0u);
  entry.publish({10, 1}, 5);
  entry.publish({11, 2}, 8);
  EXPECT_EQ(entry.live(8, reader).generation, 11u);
  EXPECT_EQ(entry.live(7, reader).generation, 10u);
  EXPECT_EQ(entry.live(4, reader).generation, 77u);  // two publications behind: its own snapshot knows
}

TEST(ZoneTable, longest_apex_wins) {
  std::vector<std::shared_ptr<ZoneEntry>> entries;
  for (const char* apex : {"example.", "Sub.example.", "deep.er.sub.example."}) {
    entries.push_back(entry_of(apex, entries.size() + 1));
  }
  const ZoneTable table(entries);
  EXPECT_EQ(table.find(name("a.sub.EXAMPLE."))->id(), 2u);
  EXPECT_EQ(table.find(name("er.sub.example."))->id(), 2u);
  EXPECT_EQ(table.find(name("x.deep.er.sub.example."))->id(), 3u);
  EXPECT_EQ(table.find(name("sub.example."), 1)->id(), 1u);
  EXPECT_EQ(table.find(name("example.org.")), nullptr);
  EXPECT_EQ(table.find(name(".")), nullptr);
  EXPECT_EQ(table.find_exact(name("SUB.example."))->id(), 2u);
  EXPECT_EQ(table.find_exact(name("a.example.")), nullptr);
}

TEST(ZoneTables, a_pinned_table_outlives_its_replacement) {
  ZoneTables tables;
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      ZoneTables::Pin pin(tables);
      while (!stop) {
        const ZoneTable& table = pin.acquire();
        for (const auto& entry : table.entries()) EXPECT_EQ(entry->apex().size(), 3u);
        pin.release();
      }
    });
  }
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    std::vector<std::shared_ptr<ZoneEntry>> entries{entry_of("z.", i)};
    tables.swap(std::make_unique<ZoneTable>(std::move(entries)));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace understudy::backend
