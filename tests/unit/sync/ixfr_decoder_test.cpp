// Replies to IXFR as octets: differences, whole zones, a lone SOA, and what is none of these. We have
// serial 1.
#include <gtest/gtest.h>

#include "transfer_messages.h"

namespace understudy::sync {
namespace {

using State = TransferDecoder::State;

constexpr std::uint32_t have = 1;

TransferRules ixfr_rules() {
  TransferRules rules = default_rules();
  rules.have_serial = have;
  return rules;
}

Shape ixfr_shape() {
  Shape shape;
  shape.qtype = 251;
  return shape;
}
Bytes reply(const std::vector<Rr>& records) { return message(records, ixfr_shape()); }
Decoded run(const std::vector<Rr>& records, TransferRules rules = ixfr_rules()) {
  return decode({reply(records)}, rules);
}

// Two differences, 1 to 2 and 2 to 3.
const std::vector<Rr> two_differences{soa_rr(3),
                                      soa_rr(1),
                                      a_rr("gone."),
                                      soa_rr(2),
                                      a_rr("came.example."),
                                      a_rr("both.example."),
                                      soa_rr(2),
                                      a_rr("came.example."),
                                      soa_rr(3),
                                      a_rr("new.example."),
                                      soa_rr(3)};
const std::vector<std::string> two_lines{"+ came.example. 300 A 4", "+ both.example. 300 A 4",
                                         "- came.example. 300 A 4", "+ new.example. 300 A 4",
                                         "+ example. 300 SOA 46"};

// However they are spread over messages, with or without a question after the first.
TEST(IxfrDecoder, TakesDifferencesInAnyNumberOfMessages) {
  for (unsigned cuts = 0; cuts < 1u << (two_differences.size() - 1); ++cuts) {
    std::vector<Bytes> messages;
    std::vector<Rr> part;
    for (std::size_t i = 0; i < two_differences.size(); ++i) {
      part.push_back(two_differences[i]);
      if (i + 1 < two_differences.size() && (cuts >> i & 1) == 0) continue;
      Shape shape = ixfr_shape();
      shape.question = messages.empty() || (cuts & 1) != 0;
      messages.push_back(message(std::exchange(part, {}), shape));
    }
    const Decoded got = decode(messages, ixfr_rules());
    ASSERT_EQ(got.state, State::complete) << got.text;
    EXPECT_EQ(got.lines, two_lines);  // "gone." lies outside of the zone
    EXPECT_EQ(got.counts.out_of_zone, 1u);
    EXPECT_EQ(got.counts.kind, TransferKind::ixfr);
    EXPECT_EQ(got.counts.serial, 3u);
    EXPECT_EQ(got.counts.records, 5u);
  }
}

TEST(IxfrDecoder, TakesTheWholeZoneInstead) {
  const std::vector<Rr> zone{soa_rr(3), a_rr("example."), a_rr("www.example."), soa_rr(3)};
  const std::vector<std::string> lines{"example. 300 SOA 46", "example. 300 A 4", "www.example. 300 A 4"};
  for (std::size_t first = 1; first < zone.size(); ++first) {
    const auto cut = zone.begin() + static_cast<std::ptrdiff_t>(first);
    const Decoded got = decode({reply({zone.begin(), cut}), reply({cut, zone.end()})}, ixfr_rules());
    ASSERT_EQ(got.state, State::complete) << got.text;
    EXPECT_EQ(got.lines, lines);
    EXPECT_EQ(got.counts.kind, TransferKind::axfr_style);
  }
  // A zone of nothing but its SOA: who builds it refuses it.
  const Decoded bare = run({soa_rr(3), soa_rr(3)});
  EXPECT_EQ(bare.state, State::complete);
  EXPECT_EQ(bare.counts.kind, TransferKind::axfr_style);
  EXPECT_EQ(bare.lines, std::vector<std::string>{"example. 300 SOA 46"});
}

TEST(IxfrDecoder, ALoneSoaThatIsNotNewerSaysThatThereIsNothing) {
  for (const std::uint32_t theirs : {1u, 0u, 0xffffffffu, 0x80000001u}) {  // the last has no order with 1
    const Decoded got = run({soa_rr(theirs)});
    EXPECT_EQ(got.state, State::complete) << theirs;
    EXPECT_EQ(got.counts.kind, TransferKind::current);
    EXPECT_EQ(got.counts.serial, theirs);
    EXPECT_TRUE(got.lines.empty());
  }
  TransferRules rules = ixfr_rules();
  rules.have_serial = 0;
  EXPECT_EQ(run({soa_rr(0)}, rules).counts.kind, TransferKind::current);
}

TEST(IxfrDecoder, ALoneSoaThatIsNewerPromisesMore) {
  const Decoded got = run({soa_rr(2)});
  EXPECT_EQ(got.state, State::running);
  EXPECT_EQ(got.early.reason, reason::ixfr_soa_only);
  EXPECT_NE(got.early.message.find("serial 2"), std::string::npos) << got.early.message;
  // From serial 0 on too, where a comparison that forgets to wrap would go wrong.
  TransferRules rules = ixfr_rules();
  rules.have_serial = 0;
  EXPECT_EQ(run({soa_rr(0x7fffffff)}, rules).state, State::running);
  const Decoded differences = run({soa_rr(5), soa_rr(0), soa_rr(5), a_rr("a.example."), soa_rr(5)}, rules);
  EXPECT_EQ(differences.counts.kind, TransferKind::ixfr);
  EXPECT_EQ(differences.lines.size(), 2u);
}

TEST(IxfrDecoder, SerialsMayWrap) {
  TransferRules rules = ixfr_rules();
  rules.have_serial = 0xfffffffe;
  const Decoded got = run(
      {soa_rr(2), soa_rr(0xfffffffe), soa_rr(0xffffffff), soa_rr(0xffffffff), soa_rr(2), soa_rr(2)}, rules);
  EXPECT_EQ(got.state, State::complete) << got.text;
  EXPECT_EQ(got.counts.kind, TransferKind::ixfr);
}

TEST(IxfrDecoder, RefusesWithOneReason) {
  const auto other_soa = [](std::uint32_t serial) { return Rr{"example.", 6, soa(serial, "ns2.example.")}; };
  const struct {
    const char* what;
    std::vector<Rr> records;
    std::string_view reason;
  } refusals[] = {
      {"begins at another serial", {soa_rr(3), soa_rr(2), soa_rr(3), soa_rr(3)}, reason::ixfr_gap},
      {"begins at an older serial", {soa_rr(3), soa_rr(0), soa_rr(3), soa_rr(3)}, reason::ixfr_gap},
      {"leads nowhere", {soa_rr(3), soa_rr(1), soa_rr(1), soa_rr(3)}, reason::ixfr_gap},
      {"leads backwards", {soa_rr(3), soa_rr(1), soa_rr(0), soa_rr(3)}, reason::ixfr_gap},
      {"a gap", {soa_rr(4), soa_rr(1), soa_rr(2), soa_rr(3), soa_rr(4), soa_rr(4)}, reason::ixfr_gap},
      {"ends too early", {soa_rr(4), soa_rr(1), soa_rr(2), soa_rr(4)}, reason::ixfr_gap},
      {"another SOA closes", {soa_rr(3), soa_rr(1), soa_rr(3), other_soa(3)}, reason::soa_mismatch},
      {"goes on behind the newest",
       {soa_rr(3), soa_rr(1), soa_rr(3), soa_rr(4), soa_rr(4)},
       reason::soa_mismatch},
      {"data behind the end",
       {soa_rr(3), soa_rr(1), soa_rr(3), soa_rr(3), a_rr("a.example.")},
       reason::data_after_end},
      {"another SOA", {soa_rr(3), soa_rr(1), soa_rr(1, "sub.example."), soa_rr(3)}, reason::second_soa},
      {"no SOA first", {a_rr("a.example."), soa_rr(3)}, reason::soa_missing},
      {"whole, and another SOA closes", {soa_rr(3), a_rr("a.example."), soa_rr(4)}, reason::soa_mismatch},
  };
  for (const auto& refusal : refusals) {
    const Decoded got = run(refusal.records);
    EXPECT_EQ(got.state, State::refused) << refusal.what;
    EXPECT_EQ(got.reason, refusal.reason) << refusal.what << ": " << got.text;
  }
  // The reply to another question than ours.
  EXPECT_EQ(decode({message(two_differences)}, ixfr_rules()).reason, reason::malformed);
  EXPECT_EQ(decode({reply(two_differences)}).reason, reason::malformed);
  TransferRules strict = ixfr_rules();
  strict.refuse_out_of_zone = true;
  EXPECT_EQ(run(two_differences, strict).reason, reason::out_of_zone);
  strict = ixfr_rules();
  strict.max_records = 4;
  EXPECT_EQ(run(two_differences, strict).reason, reason::limit_records);
}

TEST(IxfrDecoder, TellsHowFarAStreamCame) {
  for (std::size_t size = 2; size < two_differences.size(); ++size) {
    const Decoded got =
        run({two_differences.begin(), two_differences.begin() + static_cast<std::ptrdiff_t>(size)});
    EXPECT_EQ(got.state, State::running) << size;
    EXPECT_EQ(got.early.reason, reason::truncated) << size;
  }
}

}  // namespace
}  // namespace understudy::sync
