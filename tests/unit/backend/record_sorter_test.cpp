// The sorter where records do not fit one run: runs that follow one another, and runs that lie across.
#include "backend/record_sorter.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace understudy::backend {
namespace {

// Each record is large, so that a few hundred of them are several runs.
constexpr std::size_t rdata_octets = 60'000;
constexpr unsigned records = 3 * limits::sort_run_octets / rdata_octets;

Name owner(unsigned number) { return *Name::from_text("n" + std::to_string(10'000 + number) + ".example."); }

// The numbers of the owners, and of their records, as they come back when they were added in that order.
std::vector<std::pair<unsigned, unsigned>> sorted(const std::vector<unsigned>& owners) {
  RecordSorter sorter(std::filesystem::temp_directory_path());
  std::vector<std::uint8_t> rdata(rdata_octets);
  for (unsigned i = 0; i < owners.size(); ++i) {
    dns::store32(rdata.data(), i);
    const Name name = owner(owners[i]);
    EXPECT_TRUE(sorter.add(dns::NameKey(name), {name, RRType::TXT, 300, rdata}));
  }
  EXPECT_TRUE(sorter.finish());
  std::vector<std::pair<unsigned, unsigned>> out;
  for (RecordSorter::Sorted record; *sorter.next(record);) {
    const std::string label(record.key.begin() + 9, record.key.begin() + 14);  // behind "example" and "n"
    out.emplace_back(std::stoul(label) - 10'000, dns::load32(record.rdata.data()));
    EXPECT_EQ(record.rdata.size(), rdata_octets);
  }
  return out;
}

std::vector<std::pair<unsigned, unsigned>> expected(const std::vector<unsigned>& owners) {
  std::vector<std::pair<unsigned, unsigned>> all;
  for (unsigned i = 0; i < owners.size(); ++i) all.emplace_back(owners[i], i);
  std::sort(all.begin(), all.end());  // of one owner in the order in which they came
  return all;
}

TEST(RecordSorter, runs_that_follow_one_another_come_back_in_order) {
  std::vector<unsigned> owners;
  for (unsigned i = 0; i < records; ++i) owners.push_back(i / 2);
  EXPECT_EQ(sorted(owners), expected(owners));
}

TEST(RecordSorter, runs_that_lie_across_are_merged_and_stable) {
  std::vector<unsigned> owners;
  for (unsigned i = 0; i < records; ++i) owners.push_back(i * 7919 % 101);
  EXPECT_EQ(sorted(owners), expected(owners));
}

TEST(RecordSorter, a_run_that_ends_within_another_gives_way) {
  std::vector<unsigned> owners;
  for (unsigned i = 0; i < records; ++i)
    owners.push_back(i < records / 3 ? 500 : i < records / 2 ? 499 : 501);
  EXPECT_EQ(sorted(owners), expected(owners));
}

}  // namespace
}  // namespace understudy::backend
