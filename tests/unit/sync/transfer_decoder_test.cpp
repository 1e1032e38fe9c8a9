#include <gtest/gtest.h>

#include <random>

#include "sync/soa_probe.h"
#include "transfer_messages.h"

namespace understudy::sync {
namespace {

const std::vector<Rr> small_zone{
    soa_rr(5), a_rr("example."), a_rr("www.example."), {"x.example.", 65280, {1, 2, 3}}, soa_rr(5)};
const std::vector<std::string> small_lines{"example. 300 SOA 46", "example. 300 A 4", "www.example. 300 A 4",
                                           "x.example. 300 TYPE65280 3"};

// However the records are spread over messages, with or without a question after the first, the zone is the
// same.
TEST(TransferDecoder, TakesAZoneInAnyNumberOfMessages) {
  for (unsigned cuts = 0; cuts < 1u << (small_zone.size() - 1); ++cuts) {
    for (const bool repeat_question : {true, false}) {
      std::vector<Bytes> messages;
      std::vector<Rr> part;
      for (std::size_t i = 0; i < small_zone.size(); ++i) {
        part.push_back(small_zone[i]);
        if (i + 1 < small_zone.size() && (cuts >> i & 1) == 0) continue;
        Shape shape;
        shape.question = repeat_question || messages.empty();
        messages.push_back(message(std::exchange(part, {}), shape));
      }
      const Decoded run = decode(messages);
      EXPECT_EQ(run.state, TransferDecoder::State::complete) << run.text;
      EXPECT_EQ(run.lines, small_lines);
      EXPECT_EQ(run.counts.messages, messages.size());
      EXPECT_EQ(run.counts.records, 4u);
    }
  }
}

TEST(TransferDecoder, ToleratesWhatDoesNotMatter) {
  Shape shape;
  shape.flags = 0x8580;  // RD and RA set
  shape.qname = "eXample.";
  shape.additionals = {{".", 41, {}, 1232, 0}};
  EXPECT_EQ(decode({message(small_zone, shape)}).state, TransferDecoder::State::complete);
  shape.flags = 0x8000;  // no AA: RFC 5936 2.2.1 warns of such servers
  EXPECT_EQ(decode({message(small_zone, shape)}).state, TransferDecoder::State::complete);
  // An empty message in between, and another spelling of the closing SOA.
  std::vector<Rr> tail{a_rr("w.example."), {"EXAMPLE.", 6, soa(5, "NS.example.")}};
  EXPECT_EQ(decode({message({soa_rr(5)}), message({}), message(tail)}).state,
            TransferDecoder::State::complete);
  // RFC 2181 8: such a TTL is 0.
  const Decoded run =
      decode({message({soa_rr(5), {"example.", 1, {1, 2, 3, 4}, 1, 0x80000000u}, soa_rr(5)})});
  EXPECT_EQ(run.lines.at(1), "example. 0 A 4");
}

struct Refusal {
  const char* what;
  std::vector<Bytes> messages;
  std::string_view reason;
};

Bytes with_rcode(unsigned rcode) {
  Shape shape;
  shape.flags |= rcode;
  return message({}, shape);
}
template <class Change>
Bytes changed(Change change) {
  Shape shape;
  change(shape);
  return message(small_zone, shape);
}
Bytes longer(Bytes m) {
  m.push_back(0);
  return m;
}
Bytes shorter(Bytes m) {
  m.pop_back();
  return m;
}

TEST(TransferDecoder, RefusesWithOneReason) {
  const Rr short_a{"www.example.", 1, {192, 0, 2}}, long_a{"www.example.", 1, {192, 0, 2, 1, 1}};
  const Rr chaos{"www.example.", 1, {192, 0, 2, 1}, 3};
  const Refusal refusals[] = {
      {"FORMERR", {with_rcode(1)}, reason::formerr},
      {"SERVFAIL", {with_rcode(2)}, reason::servfail},
      {"NXDOMAIN", {with_rcode(3)}, reason::name_error},
      {"NOTIMP", {with_rcode(4)}, reason::not_implemented},
      {"REFUSED", {with_rcode(5)}, reason::refused},
      {"NOTAUTH", {with_rcode(9)}, reason::notauth},
      {"another RCODE", {with_rcode(6)}, reason::bad_rcode},
      {"RCODE later", {message({soa_rr(5)}), with_rcode(2)}, reason::servfail},
      {"a query", {changed([](Shape& s) { s.flags = 0; })}, reason::malformed},
      {"opcode", {changed([](Shape& s) { s.flags |= 4 << 11; })}, reason::malformed},
      {"TC", {changed([](Shape& s) { s.flags |= 0x200; })}, reason::truncated},
      {"ID", {changed([](Shape& s) { s.id = 8; })}, reason::malformed},
      {"no question", {changed([](Shape& s) { s.question = false; })}, reason::malformed},
      {"question name", {changed([](Shape& s) { s.qname = "example.com."; })}, reason::malformed},
      {"question type", {changed([](Shape& s) { s.qtype = 251; })}, reason::malformed},
      {"question class", {changed([](Shape& s) { s.qclass = 3; })}, reason::malformed},
      {"empty octets", {Bytes{}}, reason::malformed},
      {"half a header", {Bytes(11)}, reason::malformed},
      {"trailing octet", {longer(message(small_zone))}, reason::malformed},
      {"cut off", {shorter(message(small_zone))}, reason::malformed},
      {"no SOA first", {message({a_rr("example."), soa_rr(5)})}, reason::soa_missing},
      {"other SOA first", {message({soa_rr(5, "sub.example."), soa_rr(5)})}, reason::soa_missing},
      {"SOA in the middle", {message({soa_rr(5), soa_rr(5, "sub.example."), soa_rr(5)})}, reason::second_soa},
      {"serial moved", {message({soa_rr(5), a_rr("example."), soa_rr(6)})}, reason::soa_mismatch},
      {"other SOA field",
       {message({soa_rr(5), {"example.", 6, soa(5, "ns2.example.")}})},
       reason::soa_mismatch},
      {"after the end", {message({soa_rr(5), soa_rr(5), a_rr("example.")})}, reason::data_after_end},
      {"class CH", {message({soa_rr(5), chaos, soa_rr(5)})}, reason::wrong_class},
      {"type ANY", {message({soa_rr(5), {"example.", 255, {}}, soa_rr(5)})}, reason::meta_type},
      {"type OPT", {message({soa_rr(5), {".", 41, {}, 1}, soa_rr(5)})}, reason::meta_type},
      {"A too short", {message({soa_rr(5), short_a, soa_rr(5)})}, reason::bad_rdata},
      {"A too long", {message({soa_rr(5), long_a, soa_rr(5)})}, reason::bad_rdata},
      {"SOA without data", {message({{"example.", 6, {}}})}, reason::bad_rdata},
      {"only empty messages", std::vector<Bytes>(40, message({})), reason::empty_messages},
  };
  for (const Refusal& refusal : refusals) {
    const Decoded run = decode(refusal.messages);
    EXPECT_EQ(run.state, TransferDecoder::State::refused) << refusal.what;
    EXPECT_EQ(run.reason, refusal.reason) << refusal.what << ": " << run.text;
    EXPECT_FALSE(run.text.empty()) << refusal.what;
  }
}

TEST(TransferDecoder, KeepsWithinItsLimits) {
  TransferRules rules = default_rules();
  rules.max_records = 3;
  const Decoded run = decode({message(small_zone)}, rules);
  EXPECT_EQ(run.reason, reason::limit_records);
  EXPECT_EQ(run.counts.records, run.lines.size());  // the one too many was not handed on
  rules.max_records = 4;
  EXPECT_EQ(decode({message(small_zone)}, rules).state, TransferDecoder::State::complete);
  rules = default_rules();
  rules.max_octets = message(small_zone).size();
  EXPECT_EQ(decode({message(small_zone)}, rules).state, TransferDecoder::State::complete);
  --rules.max_octets;
  EXPECT_EQ(decode({message(small_zone)}, rules).reason, reason::limit_octets);
}

TEST(TransferDecoder, DropsOrRefusesWhatLiesOutside) {
  const std::vector<Rr> records{soa_rr(5),           a_rr("example."), a_rr("example.com."),
                                a_rr("notexample."), a_rr("."),        soa_rr(5)};
  const Decoded dropped = decode({message(records)});
  EXPECT_EQ(dropped.state, TransferDecoder::State::complete);
  EXPECT_EQ(dropped.counts.out_of_zone, 3u);
  EXPECT_EQ(dropped.counts.first_out_of_zone, "example.com. A");
  EXPECT_EQ(dropped.lines.size(), 2u);
  TransferRules rules = default_rules();
  rules.refuse_out_of_zone = true;
  EXPECT_EQ(decode({message(records)}, rules).reason, reason::out_of_zone);
}

TEST(TransferDecoder, PassesOnWhatItsTargetSays) {
  Collector collector;
  collector.refuse = true;
  TransferDecoder decoder(default_rules(), collector);
  EXPECT_EQ(decoder.message(message(small_zone)), TransferDecoder::State::refused);
  EXPECT_EQ(decoder.error().reason, "full");
}

TEST(TransferDecoder, TellsHowFarAStreamCame) {
  Collector collector;
  TransferDecoder decoder(default_rules(), collector);
  EXPECT_NE(decoder.ended_early().message.find("before the first message"), std::string::npos);
  decoder.message(message({soa_rr(5)}));
  EXPECT_EQ(decoder.serial(), 5u);
  EXPECT_NE(decoder.ended_early().message.find("SOA alone"), std::string::npos);
  decoder.message(message({a_rr("example.")}));
  EXPECT_NE(decoder.ended_early().message.find("2 records"), std::string::npos);
  EXPECT_EQ(decoder.ended_early().reason, reason::truncated);
}

// Octets that are random, or a transfer with some of its octets changed: never a crash, never a record
// outside.
TEST(TransferDecoder, SurvivesAnything) {
  std::mt19937 random(20240229);
  const Bytes good = message(small_zone);
  unsigned complete = 0;
  for (int round = 0; round < 20000; ++round) {
    Bytes bad = good;
    if (round % 4 == 0) {
      bad.resize(random() % 200);
      for (auto& octet : bad) octet = static_cast<std::uint8_t>(random());
      if (bad.size() > 2) bad[0] = 0, bad[1] = 7, bad[2] = 0x84;
    } else {
      for (unsigned i = 0; i < 1 + random() % 3; ++i)
        bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    }
    const Decoded run = decode({bad});
    if (run.state == TransferDecoder::State::complete) ++complete;
    EXPECT_EQ(run.state == TransferDecoder::State::refused, !run.reason.empty());
  }
  EXPECT_GT(complete, 100u);  // many changes are harmless (a TTL): the loop did reach the end of the decoder
}

TEST(SoaProbe, ReadsTheSerialOrSaysWhyNot) {
  const dns::Name apex = *dns::Name::from_text("example.");
  Shape shape;
  shape.qtype = 6;
  EXPECT_EQ(*serial_in(message({soa_rr(4000000000u)}, shape), apex), 4000000000u);
  EXPECT_EQ(serial_in(message({}, shape), apex).error().reason, reason::soa_missing);
  EXPECT_EQ(serial_in(message({soa_rr(5, "sub.example.")}, shape), apex).error().reason, reason::soa_missing);
  EXPECT_EQ(serial_in(shorter(message({soa_rr(5)}, shape)), apex).error().reason, reason::malformed);
  EXPECT_EQ(serial_in(Bytes(5), apex).error().reason, reason::malformed);
  shape.flags = 0x8000;
  EXPECT_EQ(serial_in(message({soa_rr(5)}, shape), apex).error().reason, reason::not_authoritative);
  shape.flags = 0x8405;
  EXPECT_EQ(serial_in(message({}, shape), apex).error().reason, reason::refused);
}

}  // namespace
}  // namespace understudy::sync
