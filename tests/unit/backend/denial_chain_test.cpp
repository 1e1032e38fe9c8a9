// Where a zone's chain of NSEC or NSEC3 has gaps, the build says how many and which is the first.
#include <gtest/gtest.h>

#include "support/signed_zone.h"

namespace understudy::test {
namespace {

constexpr const char* lines = R"(
  test. 60 SOA ns. h. 1 2 3 4 5
  test. 60 NS ns.
  a.b.test. 60 A 192.0.2.1
  child.test. 60 NS ns.child.test.
  ns.child.test. 60 A 192.0.2.3
  m.test. 60 A 192.0.2.2
  z.test. 60 A 192.0.2.4
)";

backend::BuildSummary summary_of(const ZoneText& zone) {
  TestMirror mirror(std::vector<ZoneText>{});
  backend::BuildSummary summary;
  mirror.nodes_of(zone, &summary);
  return summary;
}

void drop(ZoneText& zone, std::string_view owner, std::uint16_t type) {
  std::erase_if(zone.records, [&](const Rr& rr) { return rr.owner == name(owner) && rr.type == type; });
}

TEST(DenialChain, whole_ones_have_no_gap) {
  EXPECT_EQ(summary_of(signed_zone("test.", lines)).chain_gaps, 0u);
  EXPECT_EQ(summary_of(signed_zone("test.", lines, Nsec3Chain{})).chain_gaps, 0u);
  EXPECT_EQ(summary_of(signed_zone("test.", lines, Nsec3Chain{3, {0xAA}, true})).chain_gaps, 0u);
  EXPECT_EQ(summary_of(zone("test.", lines)).chain_gaps, 0u);
  EXPECT_EQ(
      summary_of(signed_zone(".", ". 60 SOA ns. h. 1 2 3 4 5\n. 60 NS ns.\na. 60 A 192.0.2.1")).chain_gaps,
      0u);
}

TEST(DenialChain, a_name_without_its_nsec_is_a_gap) {
  ZoneText zone = signed_zone("test.", lines);
  drop(zone, "m.test.", type::NSEC);
  const backend::BuildSummary summary = summary_of(zone);
  EXPECT_EQ(summary.chain_gaps, 1u);
  EXPECT_EQ(summary.first_chain_gap, "m.test.");
}

TEST(DenialChain, a_link_past_a_name_or_to_nowhere_is_a_gap) {
  // The chain of a zone that has one name less.
  ZoneText zone = signed_zone("test.", lines);
  const ZoneText more = signed_zone("test.", std::string(lines) + "n.test. 60 A 192.0.2.9");
  for (const Rr& rr : more.records) {
    if (rr.owner == name("n.test.")) zone.records.push_back(rr);
  }
  EXPECT_EQ(summary_of(zone).chain_gaps, 1u);  // m leads to z, past n
  EXPECT_EQ(summary_of(zone).first_chain_gap, "m.test.");
  // And of one that has one more, whose last name leads to it.
  zone = signed_zone("test.", lines);
  ZoneText longer = signed_zone("test.", std::string(lines) + "zz.test. 60 A 192.0.2.9");
  std::erase_if(longer.records, [&](const Rr& rr) { return rr.owner == name("zz.test."); });
  EXPECT_EQ(summary_of(longer).first_chain_gap, "z.test.");
}

TEST(DenialChain, an_nsec3_that_lacks_is_a_gap) {
  const Nsec3Chain chain{1, {1, 2}, false};
  ZoneText zone = signed_zone("test.", lines, chain);
  const ZoneText whole = zone;
  for (const Rr& lost : whole.records) {  // the first and the last of them as well
    if (lost.type != type::NSEC3) continue;
    zone = whole;
    std::erase_if(zone.records, [&](const Rr& rr) { return rr.owner == lost.owner; });
    EXPECT_EQ(summary_of(zone).chain_gaps, 1u) << text_of(lost.owner);
  }
  // An announced chain of which there is nothing.
  std::erase_if(zone.records, [](const Rr& rr) { return rr.type == type::NSEC3; });
  EXPECT_EQ(summary_of(zone).chain_gaps, 1u);
  EXPECT_EQ(summary_of(zone).first_chain_gap, "test.");
}

}  // namespace
}  // namespace understudy::test
