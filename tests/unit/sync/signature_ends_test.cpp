// When the first signature of a zone ends: kept up with what changes, and told as RFC 4034 3.1.5 reads it.
#include "backend/signature_ends.h"

#include <gtest/gtest.h>

#include "backend/change.h"
#include "dns/presentation.h"

namespace understudy::backend {
namespace {

constexpr UnixTime now = 1'800'000'000;
constexpr std::uint32_t day = 86400;
constexpr std::uint32_t base = 20833 * day;  // the midnight before now
std::uint32_t at(std::uint32_t days, std::uint32_t seconds = 0) { return base + days * day + seconds; }

TEST(SignatureEnds, TellsTheFirst) {
  SignatureEnds ends;
  EXPECT_EQ(ends.first(now), 0);
  for (const std::uint32_t end : {at(9), at(7, 500), at(8), at(7, 300), at(7, 400)}) ends.add(end);
  EXPECT_EQ(ends.first(now), at(7, 300));
}

TEST(SignatureEnds, FollowsWhatComesAndGoes) {
  SignatureEnds ends;
  ends.apply({{at(7, 1), at(7, 2), at(9)}, {}});
  // Another of that day goes: the first stays. The first goes: its day is told still, never a later one.
  ends.apply({{}, {at(7, 2)}});
  EXPECT_EQ(ends.first(now), at(7, 1));
  ends.apply({{at(7, 5)}, {at(7, 1)}});
  EXPECT_LE(ends.first(now), at(7, 5));
  EXPECT_GE(ends.first(now), at(7));
  ends.apply({{}, {at(7, 5)}});
  EXPECT_EQ(ends.first(now), at(9));
  ends.apply({{at(30)}, {at(9)}});
  EXPECT_EQ(ends.first(now), at(30));
  ends.remove(at(12));  // was never there
  ends.apply({{}, {at(30)}});
  EXPECT_EQ(ends.first(now), 0);
}

TEST(SignatureEnds, ManyOnOneDayAreCounted) {
  SignatureEnds ends;
  for (int i = 0; i < 1000; ++i) ends.add(at(3));
  ends.add(at(5));
  for (int i = 0; i < 999; ++i) ends.remove(at(3));
  EXPECT_EQ(ends.first(now), at(3));
  ends.remove(at(3));
  EXPECT_EQ(ends.first(now), at(5));
}

// RFC 4034 3.1.5: serial number arithmetic, so that an end of 2106 is later than one of 2105, and one that is
// over is before now.
TEST(SignatureEnds, TimeWraps) {
  SignatureEnds ends;
  ends.add(0xffffff00u);
  ends.add(0x100u);
  constexpr UnixTime late = 0xfffffe00ll;
  EXPECT_EQ(ends.first(late), 0xffffff00ll);
  ends.remove(0xffffff00u);
  EXPECT_EQ(ends.first(late), 0x100000100ll);
  SignatureEnds ended;
  ended.add(at(0));
  EXPECT_EQ(ended.first(now + 5 * day), at(0));
}

TEST(SignatureEnds, AreReadFromAChange) {
  const dns::Name owner = *dns::Name::from_text("a.z.");
  const auto signature = [&](std::string_view end) {
    return *dns::parse_rdata_text(dns::RRType::RRSIG,
                                  "A 13 2 300 " + std::string(end) + " 20270101000000 7 z. AAAA", owner);
  };
  const auto before = signature("20270201000000"), after = signature("20270301000000");
  const std::vector<std::uint8_t> address{192, 0, 2, 1};
  ChangeWriter writer;
  writer.add({false, {owner, dns::RRType::RRSIG, 300, before}});
  writer.add({true, {owner, dns::RRType::A, 300, address}});
  writer.add({true, {owner, dns::RRType::RRSIG, 300, after}});
  Change change;
  change.how = How::difference;
  change.chunks = writer.finish();
  const auto found = signatures_in(change);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->went, std::vector<std::uint32_t>{1801440000});  // date -u -d 2027-02-01 +%s
  EXPECT_EQ(found->came, std::vector<std::uint32_t>{1803859200});
  change.chunks[0].resize(change.chunks[0].size() / 2);
  EXPECT_FALSE(signatures_in(change));
}

}  // namespace
}  // namespace understudy::backend
