// A name server as a side of a comparison: what its responses say of an RRset, and what is made of its
// silence.
#include "audit/name_by_name.h"

#include <gtest/gtest.h>

#include <climits>
#include <map>

#include "audit/rrset_answer.h"
#include "dns/presentation.h"
#include "unit/audit/replies.h"
#include "unit/audit/walks.h"
#include "unit/net/responder.h"

namespace understudy::audit {
namespace {

using test::product_name;
using test::Reply;

// "TTL TYPE DATA" of each record, or "none", or "? why".
std::string said(std::string_view owner, std::string_view type, const Reply& reply) {
  const RRsetAnswer answer =
      read_rrset_answer(product_name("z."), product_name(owner), dns::RRType{test::type_of(type)},
                        test::response(owner, type, reply));
  if (!answer.unknown.empty()) {
    EXPECT_TRUE(answer.records.empty());
    return "? " + answer.unknown;
  }
  std::string out;
  for (const dns::Record& record : answer.records) {
    out += (out.empty() ? "" : "; ") + std::to_string(record.ttl) + " " + dns::to_string(record.type) + " " +
           dns::rdata_text(record.type, record.rdata);
  }
  return out.empty() ? "none" : out;
}

TEST(RRsetAnswer, KnowsDataAndItsAbsence) {
  EXPECT_EQ(said("w.z.", "A", {.answer = "W.z. 300 A 192.0.2.1\nw.z. 300 A 192.0.2.2"}),
            "300 A 192.0.2.1; 300 A 192.0.2.2");
  EXPECT_EQ(said("w.z.", "A", {.authority = "z. 60 SOA ns.z. h.z. 1 2 3 4 5"}), "none");
  EXPECT_EQ(said("w.z.", "A", {.rcode = 3, .authority = "z. 60 SOA ns.z. h.z. 1 2 3 4 5"}), "none");
  // A CNAME instead, and where it leads to: the name has no such RRset itself.
  EXPECT_EQ(said("w.z.", "A", {.answer = "w.z. 300 CNAME x.z.\nx.z. 300 A 192.0.2.1"}), "none");
}

TEST(RRsetAnswer, KnowsNothingWhereTheServerHasNoSay) {
  EXPECT_EQ(said("w.z.", "A", {.rcode = 2}), "? SERVFAIL");
  EXPECT_EQ(said("w.z.", "A", {.rcode = 5}), "? REFUSED");
  EXPECT_EQ(said("w.z.", "A", {.answer = "w.z. 300 A 192.0.2.1", .aa = false}),
            "? the answer is not authoritative");
  EXPECT_EQ(said("w.z.", "A", {.aa = false}), "? the answer is not authoritative");
  EXPECT_EQ(said("w.z.", "A", {.answer = "w.z. 300 A 192.0.2.1", .tc = true}), "? the answer is truncated");
  EXPECT_EQ(said("w.d.z.", "A", {.answer = "d.z. 300 DNAME e.z.\nw.d.z. 300 CNAME w.e.z."}),
            "? below the DNAME of d.z.");
  // The zone's own name servers are no referral downwards.
  EXPECT_EQ(said("w.z.", "A", {.authority = "z. 300 NS ns.z.", .aa = false}),
            "? the answer is not authoritative");
}

TEST(RRsetAnswer, TakesADelegationFromItsReferral) {
  const Reply referral{
      .authority = "sub.z. 300 NS ns.sub.z.", .additional = "ns.sub.z. 60 A 192.0.2.5", .aa = false};
  EXPECT_EQ(said("sub.z.", "NS", referral), "300 NS ns.sub.z.");
  EXPECT_EQ(said("ns.sub.z.", "A", referral), "60 A 192.0.2.5");
  EXPECT_EQ(said("ns.sub.z.", "AAAA", referral), "? the server refers to the name servers of sub.z.");
  EXPECT_EQ(said("deep.sub.z.", "A", referral), "? the server refers to the name servers of sub.z.");
}

TEST(RRsetAnswer, KnowsNothingOfBrokenMessages) {
  const test::Bytes whole = test::response("w.z.", "A", {.answer = "w.z. 300 A 192.0.2.1"});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const test::Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const RRsetAnswer answer =
        read_rrset_answer(product_name("z."), product_name("w.z."), dns::RRType::A, cut);
    ASSERT_EQ(answer.unknown, "the answer is malformed") << size;
    ASSERT_TRUE(answer.records.empty());
  }
}

// Answers what is in the table; a question that is not gets silence.
class Server {
 public:
  using Table = std::map<std::pair<std::string, std::string>, Reply>;
  // After so many questions for an SOA, `later` is the answer to them.
  explicit Server(Table table, unsigned soa_questions = UINT_MAX, Reply later = {})
      : table_(std::move(table)),
        soa_questions_(soa_questions),
        later_(std::move(later)),
        responder_([this](const net::Message& query) { return answer(query); },
                   [this](const net::Message& query) { return answer(query); }) {}
  net::Endpoint endpoint() const { return responder_.endpoint(); }

 private:
  std::vector<net::Message> answer(const net::Message& query) {
    dns::Query parsed;
    if (dns::parse_query(query, parsed) != dns::QueryFault::none) return {};
    const std::string owner = dns::to_string(parsed.question.name),
                      type = dns::to_string(parsed.question.type);
    const auto found = table_.find({owner, type});
    if (found == table_.end()) return {};
    const bool is_later = type == "SOA" && soa_asked_++ >= soa_questions_;
    net::Message response = test::response(owner, type, is_later ? later_ : found->second);
    std::copy(query.begin(), query.begin() + 2, response.begin());  // its ID
    return {response};
  }
  const Table table_;
  const unsigned soa_questions_;
  const Reply later_;
  unsigned soa_asked_ = 0;
  net::Responder responder_;  // the last: its thread uses the others
};

constexpr std::string_view soa = "z. 60 SOA ns.z. h.z. 1 2 3 4 5";

struct Outcome {
  Result<> result;
  std::vector<std::string> differences, unknown;
  ZoneDiff::Counts counts;
};

Outcome compare(const net::Endpoint& server, std::string_view known, AskedSide side = AskedSide::b) {
  Outcome outcome;
  ZoneDiff diff([&](const Difference& d) {
    outcome.differences.push_back(dns::to_string(d.owner) + " " + dns::to_string(d.type) + " " +
                                  std::string(to_string(d.what)));
  });
  NameByNameEvents events;
  events.unknown = [&](dns::NameView owner, dns::RRType type, const std::string& why) {
    outcome.unknown.push_back(dns::to_string(owner) + " " + dns::to_string(type) + ": " + why);
  };
  NameByNameOptions options;
  options.server = server;
  options.apex = product_name("z.");
  options.queries_per_second = 100000;
  options.timeout = std::chrono::milliseconds(100);
  test::TextWalk walk(known);
  outcome.result = compare_name_by_name(options, walk, side, diff, events);
  outcome.counts = diff.counts();
  return outcome;
}
using Told = std::vector<std::string>;

TEST(NameByName, TellsDifferencesOnEitherSide) {
  Server server({{{"z.", "SOA"}, {.answer = std::string(soa)}},
                 {{"a.z.", "A"}, {.answer = "a.z. 300 A 192.0.2.1"}},
                 {{"a.z.", "MX"}, {.rcode = 0, .authority = std::string(soa)}},
                 {{"b.z.", "A"}, {.answer = "b.z. 60 A 192.0.2.2\nb.z. 60 A 192.0.2.1"}},
                 {{"c.z.", "A"}, {.rcode = 3, .authority = std::string(soa)}}});
  const std::string known = std::string(soa) +
                            "\na.z. 300 A 192.0.2.1\na.z. 300 MX 1 b.z.\n"
                            "b.z. 300 A 192.0.2.1\nb.z. 300 A 192.0.2.2\nc.z. 300 A 192.0.2.3";
  const Outcome as_b = compare(server.endpoint(), known);
  ASSERT_TRUE(as_b.result);
  EXPECT_EQ(as_b.differences, (Told{"a.z. MX missing", "b.z. A ttl", "c.z. A missing"}));
  EXPECT_EQ(as_b.unknown, Told{});
  EXPECT_EQ(as_b.counts.records_a, 6u);
  const Outcome as_a = compare(server.endpoint(), known, AskedSide::a);
  ASSERT_TRUE(as_a.result);
  EXPECT_EQ(as_a.differences, (Told{"a.z. MX extra", "b.z. A ttl", "c.z. A extra"}));
}

TEST(NameByName, FailsWhereTheServerDoesNotAnswerForTheZone) {
  Server silent({}), refusing({{{"z.", "SOA"}, {.rcode = 5}}}),
      other({{{"z.", "SOA"}, {.rcode = 3, .authority = std::string(soa)}}});
  for (const auto& [server, why] :
       {std::pair(&silent, "in time"), {&refusing, "REFUSED"}, {&other, "no SOA"}}) {
    const Outcome outcome = compare(server->endpoint(), soa);
    ASSERT_FALSE(outcome.result);
    EXPECT_EQ(outcome.result.error().reason, "name-server");
    EXPECT_NE(outcome.result.error().message.find(why), std::string::npos) << outcome.result.error().message;
  }
}

TEST(NameByName, LeavesOutWhatCouldNotBeEstablished) {
  Server server({{{"z.", "SOA"}, {.answer = std::string(soa)}},
                 {{"a.z.", "A"}, {.rcode = 2}},
                 {{"b.z.", "A"}, {.answer = "b.z. 300 A 192.0.2.1"}}});
  const Outcome outcome = compare(server.endpoint(), std::string(soa) +
                                                         "\na.z. 300 A 192.0.2.1\nb.z. 300 A 192.0.2.1\n"
                                                         "h.z. 300 TYPE50 \\# 11 010000000001AA0001 4000");
  ASSERT_TRUE(outcome.result);
  EXPECT_EQ(outcome.differences, Told{});
  EXPECT_EQ(outcome.unknown, (Told{"a.z. A: SERVFAIL", "h.z. NSEC3: an NSEC3 record cannot be asked for"}));
  EXPECT_EQ(outcome.counts.records_a, 2u);
}

TEST(NameByName, SaysThatTheZoneChangedMeanwhile) {
  // The serial is asked for first, as data, and at the end.
  Server server({{{"z.", "SOA"}, {.answer = std::string(soa)}}}, 2,
                {.answer = "z. 60 SOA ns.z. h.z. 9 2 3 4 5"});
  const Outcome outcome = compare(server.endpoint(), soa);
  ASSERT_TRUE(outcome.result);
  EXPECT_EQ(outcome.differences, Told{});
  EXPECT_EQ(outcome.unknown, Told{"z. SOA: its serial went from 1 to 9 while it was asked"});
}

TEST(NameByName, GivesUpOnAServerThatFallsSilent) {
  Server server({{{"z.", "SOA"}, {.answer = std::string(soa)}}});
  std::string known(soa);
  for (int i = 0; i < 200; ++i) known += "\nn" + std::to_string(1000 + i) + ".z. 300 A 192.0.2.1";
  const Outcome outcome = compare(server.endpoint(), known);
  ASSERT_TRUE(outcome.result);
  EXPECT_EQ(outcome.differences, Told{});
  ASSERT_EQ(outcome.unknown.size(), 200u) << "all of it, in the order of the zone";
  EXPECT_EQ(outcome.unknown.front().find("n1000.z. A: "), 0u) << outcome.unknown.front();
  EXPECT_EQ(outcome.unknown.back(), "n1199.z. A: not asked: the server had fallen silent");
}

}  // namespace
}  // namespace understudy::audit
