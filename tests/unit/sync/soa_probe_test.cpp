// The SOA question to primaries that make different things of EDNS.
#include "sync/soa_probe.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "dns/presentation.h"
#include "sync/reasons.h"
#include "unit/net/responder.h"

namespace understudy::sync {
namespace {

using net::Message;

const dns::Name apex = *dns::Name::from_text("example.");

bool has_opt(const Message& query) { return dns::load_header(query.data()).additionals != 0; }

// The query's question, with that RCODE and, where it is 0, an SOA of serial 7; never with an OPT record.
Message answer_to(const Message& query, unsigned rcode) {
  Message out(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(12 + apex.size() + 4));
  dns::Header header = dns::load_header(out.data());
  header.flags = static_cast<std::uint16_t>(dns::flag::qr | dns::flag::aa | rcode);
  header.additionals = 0;
  header.answers = rcode == 0 ? 1 : 0;
  dns::store_header(out.data(), header);
  if (rcode != 0) return out;
  const auto soa = *dns::parse_rdata_text(dns::RRType::SOA, "ns. host. 7 3600 600 86400 300", apex);
  out.insert(out.end(), apex.data(), apex.data() + apex.size());
  const std::size_t at = out.size();
  out.resize(at + 10);
  dns::store16(&out[at], static_cast<std::uint16_t>(dns::RRType::SOA));
  dns::store16(&out[at + 2], 1);
  dns::store16(&out[at + 8], static_cast<std::uint16_t>(soa.size()));
  out.insert(out.end(), soa.begin(), soa.end());
  return out;
}

Result<ProbeAnswer> probe(net::Responder& primary, bool edns = true) {
  boost::asio::io_context context;
  Result<ProbeAnswer> result = Error{"unset", ""};
  boost::asio::co_spawn(context, probe_soa(primary.endpoint(), apex, std::nullopt, {}, edns),
                        [&](std::exception_ptr, Result<ProbeAnswer> came) { result = std::move(came); });
  context.run();
  return result;
}

std::vector<Message> nothing(const Message&) { return {}; }
std::vector<Message> one(Message message) { return std::vector<Message>(1, std::move(message)); }

TEST(SoaProbe, APrimaryThatIgnoresEdnsIsKnownByItsAnswer) {
  net::Responder primary([](const Message& q) { return one(answer_to(q, 0)); }, nothing);
  const auto answer = probe(primary);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->serial, 7u);
  EXPECT_EQ(answer->edns, EdnsSeen::ignored);
  EXPECT_EQ(primary.udp_queries, 1);
  EXPECT_EQ(probe(primary, false)->edns, EdnsSeen::not_asked);
}

TEST(SoaProbe, OneThatRefusesEdnsIsAskedWithoutAtOnce) {
  for (const unsigned rcode : {1u, 4u}) {  // FORMERR, NOTIMP: RFC 6891 7
    net::Responder primary([&](const Message& q) { return one(answer_to(q, has_opt(q) ? rcode : 0)); },
                           nothing);
    const auto answer = probe(primary);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->serial, 7u);
    EXPECT_EQ(answer->edns, EdnsSeen::refused);
    EXPECT_EQ(primary.udp_queries, 2);
  }
}

TEST(SoaProbe, OneThatRefusesEverythingIsNotTakenForOne) {
  net::Responder primary([](const Message& q) { return one(answer_to(q, 1)); }, nothing);
  const auto answer = probe(primary);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, reason::formerr);
  EXPECT_EQ(primary.udp_queries, 2);
}

TEST(SoaProbe, OneThatDropsEdnsAnswersTheSecondQuestion) {
  net::Responder primary(
      [](const Message& q) { return has_opt(q) ? std::vector<Message>() : one(answer_to(q, 0)); }, nothing);
  const auto answer = probe(primary);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->edns, EdnsSeen::unanswered);
  EXPECT_EQ(primary.udp_queries, 2);
  EXPECT_EQ(primary.tcp_queries, 0);
}

TEST(SoaProbe, WhereUdpIsSilentItIsAskedOverTcp) {
  net::Responder primary(nothing, [](const Message& q) { return one(answer_to(q, 0)); });
  const auto answer = probe(primary);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->serial, 7u);
  EXPECT_EQ(answer->edns, EdnsSeen::ignored);
  EXPECT_EQ(primary.tcp_queries, 1);
}

}  // namespace
}  // namespace understudy::sync
