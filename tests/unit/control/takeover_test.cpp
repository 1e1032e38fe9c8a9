// The verdict and what it is made of: conditions of a zone, pages of zones, "can this server take over".
#include "control/takeover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr UnixTime now = 1'800'000'000;
constexpr Ability able{true, true, true};

sync::ZoneStatus healthy() {
  sync::ZoneStatus zone;
  zone.apex = dns::Name::from_text("z.test.").value();
  zone.state = sync::ZoneState::fresh;
  zone.row.version = 1;
  sync::PrimaryStatus primary;
  primary.address = net::Endpoint{boost::asio::ip::make_address("192.0.2.1"), 53};
  primary.up = true;
  zone.primaries = {primary};
  return zone;
}

audit::ZoneComparison equal() {
  audit::ZoneComparison comparison;
  comparison.against.resize(1);
  comparison.complete = true;
  return comparison;
}

audit::ZoneComparison differing(audit::Class difference) {
  audit::ZoneComparison comparison = equal();
  comparison.mismatches.resize(1);
  comparison.mismatches.front().difference = difference;
  return comparison;
}

std::vector<std::string_view> words(Conditions conditions) {
  std::vector<std::string_view> all;
  for (std::size_t i = 0; i < condition_count; ++i) {
    if (conditions.has(static_cast<Condition>(i))) all.push_back(to_string(static_cast<Condition>(i)));
  }
  return all;
}

std::vector<std::string_view> words(const sync::ZoneStatus& zone,
                                    const audit::ZoneComparison& comparison = equal()) {
  return words(conditions_of(zone, &comparison, now));
}

ZoneLine line(std::string name, sync::ZoneState state, std::initializer_list<Condition> conditions = {}) {
  ZoneLine made{std::move(name), state, {}};
  for (const Condition condition : conditions) made.conditions.add(condition);
  return made;
}

Overview overview(std::vector<ZoneLine> zones) { return {now, std::move(zones), 0}; }

std::vector<std::string_view> reasons(const std::vector<TakeoverReason>& told) {
  std::vector<std::string_view> all;
  for (const TakeoverReason& reason : told) all.push_back(reason.reason);
  return all;
}

TEST(ConditionsOf, AZoneThatIsWell) { EXPECT_THAT(words(healthy()), IsEmpty()); }

TEST(ConditionsOf, States) {
  sync::ZoneStatus zone = healthy();
  for (const auto& [state, word] :
       std::vector<std::pair<sync::ZoneState, std::string_view>>{{sync::ZoneState::empty, "empty"},
                                                                 {sync::ZoneState::expired, "expired"},
                                                                 {sync::ZoneState::stale, "stale"}}) {
    zone.state = state;
    EXPECT_THAT(words(zone), ElementsAre(word));
  }
  zone.state = sync::ZoneState::retrying;
  EXPECT_THAT(words(zone), IsEmpty()) << "one check that failed is no news";
}

TEST(ConditionsOf, SignaturesCountFromTheInstantTheyEnd) {
  sync::ZoneStatus zone = healthy();
  zone.signatures_end = now + 1;
  EXPECT_THAT(words(zone), IsEmpty());
  zone.signatures_end = now;
  EXPECT_THAT(words(zone), ElementsAre("signatures-ended"));
}

TEST(ConditionsOf, BehindIsWhatNobodyHeld) {
  sync::ZoneStatus zone = healthy();
  zone.out_of_sync_since = now - behind_after.count() + 1;
  EXPECT_THAT(words(zone), IsEmpty()) << "a transfer takes its time";
  zone.out_of_sync_since = now - behind_after.count();
  EXPECT_THAT(words(zone), ElementsAre("behind"));
  zone.held.emplace();
  EXPECT_THAT(words(zone), ElementsAre("held"));
}

TEST(ConditionsOf, AloneIsWhenNoPrimaryAnswers) {
  sync::ZoneStatus zone = healthy();
  zone.primaries.push_back(zone.primaries.front());
  zone.primaries[0].up = false;
  zone.primaries[0].failing_since = now - 5;
  EXPECT_THAT(words(zone), IsEmpty()) << "the other one answers";
  zone.primaries[1].up = false;
  EXPECT_THAT(words(zone), IsEmpty()) << "the other one was not asked yet";
  zone.primaries[1].failing_since = now - 5;
  EXPECT_THAT(words(zone), ElementsAre("alone"));
  zone.state = sync::ZoneState::expired;
  EXPECT_THAT(words(zone), ElementsAre("expired")) << "that it is not served says enough";
  zone.state = sync::ZoneState::retrying;
  zone.primaries[1].address.reset();
  EXPECT_THAT(words(zone), IsEmpty()) << "a file is always there";
}

TEST(ConditionsOf, DifferencesAreGraveOrSlight) {
  using audit::Class;
  for (const Class grave : {Class::delegation, Class::wildcard, Class::missing, Class::extra, Class::rcode,
                            Class::rdata, Class::dnssec})
    EXPECT_THAT(words(healthy(), differing(grave)), ElementsAre("differs")) << audit::to_string(grave);
  for (const Class slight : {Class::ttl, Class::negative_ttl, Class::flags})
    EXPECT_THAT(words(healthy(), differing(slight)), ElementsAre("differs-slightly"))
        << audit::to_string(slight);
}

TEST(ConditionsOf, UnknownIsNeverReadAsEqual) {
  audit::ZoneComparison comparison = equal();
  comparison.complete = false;
  EXPECT_THAT(words(healthy(), comparison), ElementsAre("unproven"));
  comparison = equal();
  comparison.against.clear();
  EXPECT_THAT(words(healthy(), comparison), ElementsAre("unproven")) << "nobody to compare with";
  EXPECT_THAT(words(conditions_of(healthy(), nullptr, now)), ElementsAre("unproven"));
}

TEST(Words, LeadBack) {
  for (std::size_t i = 0; i < condition_count; ++i) {
    const auto condition = static_cast<Condition>(i);
    EXPECT_EQ(parse_condition(to_string(condition)), condition);
  }
  EXPECT_FALSE(parse_condition("").has_value());
  EXPECT_FALSE(parse_condition("fresh").has_value()) << "a state";
}

TEST(Takeover, YesWhereEveryZoneIsAnsweredAndNoneDiffers) {
  const Takeover verdict = judge_takeover(
      overview({line("a.", sync::ZoneState::fresh), line("b.", sync::ZoneState::retrying)}), able);
  EXPECT_TRUE(verdict.ready);
  EXPECT_THAT(verdict.reasons, IsEmpty());
  EXPECT_THAT(verdict.cautions, IsEmpty());
}

TEST(Takeover, NoForWhateverGivesClientsNoOrAWrongAnswer) {
  for (const Condition condition : {Condition::empty, Condition::expired, Condition::signatures_ended,
                                    Condition::differs, Condition::behind}) {
    const Takeover verdict =
        judge_takeover(overview({line("a.", sync::ZoneState::fresh, {condition})}), able);
    EXPECT_FALSE(verdict.ready) << to_string(condition);
    ASSERT_THAT(reasons(verdict.reasons), ElementsAre(to_string(condition)));
    EXPECT_TRUE(verdict.reasons.front().message.starts_with("1 zone ")) << verdict.reasons.front().message;
  }
}

TEST(Takeover, TheReasonsOfATakeoverDoNotPreventIt) {
  for (const Condition condition : {Condition::stale, Condition::alone, Condition::held,
                                    Condition::differs_slightly, Condition::unproven}) {
    const Takeover verdict =
        judge_takeover(overview({line("a.", sync::ZoneState::stale, {condition})}), able);
    EXPECT_TRUE(verdict.ready) << to_string(condition);
    EXPECT_THAT(reasons(verdict.cautions), ElementsAre(to_string(condition)));
  }
}

TEST(Takeover, NoWhereTheServerItselfIsNotAble) {
  const Overview zones = overview({line("a.", sync::ZoneState::fresh)});
  EXPECT_THAT(reasons(judge_takeover(zones, {false, true, false}).reasons), ElementsAre("not-listening"));
  EXPECT_THAT(reasons(judge_takeover(zones, {true, false, true}).reasons), ElementsAre("mirror-closed"));
  EXPECT_THAT(reasons(judge_takeover(zones, {true, true, false}).reasons), ElementsAre("not-answering"));
  EXPECT_THAT(reasons(judge_takeover(overview({}), able).reasons), ElementsAre("no-zones"));
}

TEST(Takeover, CountsAndNamesTheFirst) {
  std::vector<ZoneLine> zones;
  for (int i = 0; i < 1234; ++i)
    zones.push_back(line(std::to_string(i) + ".test.", sync::ZoneState::expired, {Condition::expired}));
  const Takeover verdict = judge_takeover(overview(std::move(zones)), able);
  ASSERT_EQ(verdict.reasons.size(), 1u);
  EXPECT_EQ(verdict.reasons.front().zones, 1234u);
  EXPECT_EQ(verdict.reasons.front().message, "1,234 zones have expired and are answered with SERVFAIL");
  EXPECT_THAT(verdict.reasons.front().examples, ElementsAre("0.test.", "1.test.", "2.test."));
}

std::vector<std::string> names(const ZonePage& page) {
  std::vector<std::string> all;
  for (const ZoneLine* zone : page.zones) all.push_back(zone->zone);
  return all;
}

TEST(Select, FiltersByPartOfTheNameAndByStateOrCondition) {
  const Overview all = overview({line("a.example.", sync::ZoneState::fresh, {Condition::held}),
                                 line("b.example.", sync::ZoneState::expired, {Condition::expired}),
                                 line("c.test.", sync::ZoneState::fresh)});
  const auto found = [&](std::string name, std::string state) {
    return names(select(all, {std::move(name), std::move(state), 0, 10}, ZoneOrder::by_name));
  };
  EXPECT_THAT(found("", ""), ElementsAre("a.example.", "b.example.", "c.test."));
  EXPECT_THAT(found("EXAMPLE", ""), ElementsAre("a.example.", "b.example.")) << "names are without case";
  EXPECT_THAT(found("", "fresh"), ElementsAre("a.example.", "c.test."));
  EXPECT_THAT(found("", "held"), ElementsAre("a.example."));
  EXPECT_THAT(found("b", "expired"), ElementsAre("b.example."));
  EXPECT_THAT(found("c", "expired"), IsEmpty());
}

TEST(Select, GivesPagesTheGravestFirst) {
  const Overview all =
      overview({line("a.", sync::ZoneState::fresh), line("b.", sync::ZoneState::fresh, {Condition::unproven}),
                line("c.", sync::ZoneState::expired, {Condition::expired, Condition::unproven}),
                line("d.", sync::ZoneState::fresh, {Condition::unproven})});
  const auto page = [&](std::size_t offset, std::size_t limit) {
    const ZonePage found = select(all, {"", "", offset, limit}, ZoneOrder::gravest_first);
    EXPECT_EQ(found.matching, 4u);
    return names(found);
  };
  EXPECT_THAT(page(0, 10), ElementsAre("c.", "b.", "d.", "a."));
  EXPECT_THAT(page(1, 2), ElementsAre("b.", "d."));
  EXPECT_THAT(page(4, 2), IsEmpty());
  EXPECT_THAT(page(1000, 2), IsEmpty());
  EXPECT_THAT(page(0, 0), IsEmpty());
}

}  // namespace
}  // namespace understudy::control
