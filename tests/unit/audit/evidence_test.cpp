// The evidence of a disagreement as octets in the mirror, and other small pieces of the comparison: what an
// address says of itself, what a second question asks, and when answers in turn are a pool.
#include <gtest/gtest.h>

#include "audit/evidence.h"
#include "audit/query.h"
#include "unit/audit/replies.h"

namespace understudy::test {
namespace {

using audit::Confirmation;
using audit::Evidence;
using audit::Fingerprint;
using Outcome = Confirmation::Outcome;

// docs/formats.md, evidence.
const std::vector<std::uint8_t> golden = {
    1,    5,    8,   0,    0,   0,   0,   0,   0,   0,   0,   0x0a, 0,   0,   0,   0,    0,   0,
    0,    0x14, 0,   0,    0,   0,   0,   0,   0,   3,   0,   0,    0,   7,   0,   0,    0,   8,
    0,    1,    0,   0x0d, 3,   'w', 'w', 'w', 7,   'e', 'x', 'a',  'm', 'p', 'l', 'e',  0,   0,
    0x0d, 3,    'w', 'w',  'w', 7,   'e', 'x', 'a', 'm', 'p', 'l',  'e', 0,   0,   0x0c, '1', '9',
    '2',  '.',  '0', '.',  '2', '.', '1', ':', '5', '3', 0,   0,    0,   0};

Evidence sample() {
  Evidence evidence;
  evidence.question = question("www.example.", "A");
  evidence.difference = audit::Class::rdata;
  evidence.since = 10;
  evidence.seen = 20;
  evidence.version = 3;
  evidence.serial = 7;
  evidence.their_serial = 8;
  evidence.address = net::parse_endpoint("192.0.2.1", 53).value();
  return evidence;
}

TEST(Evidence, IsAsThePageOfFormatsSays) { EXPECT_EQ(audit::encode(sample()), golden); }

TEST(Evidence, ComesBackWhole) {
  Evidence evidence = sample();
  evidence.question.random_label = true;
  evidence.question.subject = product_name("example.");
  evidence.dnssec = true;
  evidence.their_serial.reset();
  evidence.address = net::parse_endpoint("[2001:db8::1]:5353", 53).value();
  evidence.ours = {1, 2, 3};
  evidence.theirs = std::vector<std::uint8_t>(Evidence::most_octets, 9);
  const auto back = audit::decode_evidence(audit::encode(evidence));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_string(back->question.name), "www.example.");
  EXPECT_EQ(to_string(back->question.subject), "example.");
  EXPECT_TRUE(back->question.random_label && back->dnssec && !back->question.absent_type);
  EXPECT_EQ(back->their_serial, std::nullopt);
  EXPECT_EQ(back->address, evidence.address);
  EXPECT_EQ(back->ours, evidence.ours);
  EXPECT_EQ(back->theirs, evidence.theirs);
}

TEST(Evidence, DamagedOctetsAreNone) {
  for (std::size_t size = 0; size < golden.size(); ++size)
    EXPECT_FALSE(audit::decode_evidence(dns::Octets(golden).first(size))) << size;
  auto other = golden;
  other[0] = 2;
  EXPECT_FALSE(audit::decode_evidence(other));
  other = golden;
  other[1] = 10;
  EXPECT_FALSE(audit::decode_evidence(other));
}

TEST(SecondQuestion, AsksWhoAnswersAndForNobodyInParticular) {
  audit::Ask ask;
  ask.question = question("www.example.", "A");
  ask.dnssec = true;
  const auto plain = audit::query_of(ask);
  ask.again = true;
  ask.tries = 1;
  const auto query = audit::query_of(ask);
  ASSERT_EQ(query.size(), plain.size() + 16);
  dns::Query parsed;
  ASSERT_EQ(dns::parse_query(query, parsed), dns::QueryFault::none);
  ASSERT_TRUE(parsed.edns && parsed.edns->dnssec_ok);
  // NSID, ZONEVERSION, and a client subnet of family 1 and no bits (RFC 7871 6).
  const std::vector<std::uint8_t> options = {0, 3, 0, 0, 0, 19, 0, 0, 0, 8, 0, 4, 0, 1, 0, 0};
  EXPECT_EQ(std::vector<std::uint8_t>(parsed.edns->options.begin(), parsed.edns->options.end()), options);
  ask.tries = 2;
  EXPECT_EQ(audit::query_of(ask).size(), plain.size() + 8) << "every other time without a subnet";
}

TEST(Answer, TellsItsServerAndVersion) {
  Bytes message = response("www.example.", "A", {.answer = "www.example. 60 A 192.0.2.1"});
  message[11] =
      1;  // one additional record, OPT with NSID "ns1" and ZONEVERSION 1 label, serial 9 (RFC 9660 2.1)
  for (const int octet :
       {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 17, 0, 3, 0, 3, 0x6e, 0x73, 0x31, 0, 19, 0, 6, 1, 0, 0, 0, 0, 9})
    message.push_back(static_cast<std::uint8_t>(octet));
  const auto answer = audit::normalise(product_name("example."), question("www.example.", "A"), message);
  EXPECT_EQ(answer.end, audit::NormalAnswer::End::data) << answer.why;
  EXPECT_EQ(answer.nsid, "ns1");
  EXPECT_EQ(answer.zone_serial, 9u);
}

TEST(Fingerprints, LeaveOutTtlsInOneOfTwo) {
  const auto of = [](const char* record) {
    return audit::fingerprint(normal("www.example.", "A", {.answer = record}));
  };
  const Fingerprint a = of("www.example. 60 A 192.0.2.1"), later = of("www.example. 59 A 192.0.2.1"),
                    other = of("www.example. 60 A 192.0.2.2");
  EXPECT_EQ(a, of("WWW.example. 60 A 192.0.2.1"));
  EXPECT_EQ(a.content, later.content);
  EXPECT_NE(a.full, later.full);
  EXPECT_NE(a.content, other.content);
}

Outcome outcome(std::string_view heard, unsigned wanted = 4) {
  Confirmation confirmation;
  for (const char answer : heard) {
    const auto number = static_cast<std::uint64_t>(answer);
    confirmation.heard({number, number}, answer != '=');
  }
  return confirmation.outcome(wanted);
}

TEST(Confirmation, OneChangeIsAnUpdateAndTwoAreAPool) {
  EXPECT_EQ(outcome("a"), Outcome::ask_again);
  EXPECT_EQ(outcome("aaa"), Outcome::ask_again);
  EXPECT_EQ(outcome("aaaa"), Outcome::mismatch);
  EXPECT_EQ(outcome("ab"), Outcome::ask_again);
  EXPECT_EQ(outcome("abbbb"), Outcome::mismatch);
  EXPECT_EQ(outcome("aba"), Outcome::dynamic);
  EXPECT_EQ(outcome("abc"), Outcome::dynamic);
  EXPECT_EQ(outcome("a="), Outcome::ask_again);
  EXPECT_EQ(outcome("a=="), Outcome::match);
  EXPECT_EQ(outcome("a=a"), Outcome::dynamic);
  EXPECT_EQ(outcome("aaaa", 2), Outcome::mismatch);
  // Behind all that is kept each further one still says something.
  const std::string kept(Confirmation::most, 'a');
  EXPECT_EQ(outcome(kept + "="), Outcome::ask_again);
  EXPECT_EQ(outcome(kept + "=="), Outcome::match);
  EXPECT_EQ(outcome(kept + "b"), Outcome::ask_again) << "heard once";
  EXPECT_EQ(outcome(kept + "bbbb"), Outcome::mismatch);
}

}  // namespace
}  // namespace understudy::test
