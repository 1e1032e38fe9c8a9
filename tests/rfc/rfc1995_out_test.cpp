// RFC 1995: Incremental Zone Transfer in DNS, the side that answers.
#include "support/test_server.h"

namespace understudy::test {

namespace {

// The zone of section 7, with other hosts beside it: a difference must be less than the zone to be sent.
ZoneText jain(std::uint32_t serial, std::string_view hosts, unsigned others = 20) {
  const std::string soa = "JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. " + std::to_string(serial) +
                          " 600 600 3600000 604800\n";
  ZoneText text = zone("JAIN.AD.JP", soa + R"(
    JAIN.AD.JP. 60 NS NS.JAIN.AD.JP.
    NS.JAIN.AD.JP. 60 A 133.69.136.1
  )" + std::string(hosts));
  for (unsigned i = 0; i < others; ++i) {
    text.records.push_back(
        rr("other" + std::to_string(i) + ".JAIN.AD.JP. 60 A 192.0.2." + std::to_string(i)));
  }
  text.policy.allow_transfer = {net::Prefix::parse("127.0.0.0/8").value()};
  return text;
}

// What section 7 changes.
const ZoneText first = jain(1, "NEZU.JAIN.AD.JP. 60 A 133.69.136.5");
const ZoneText second = jain(2, R"(
  JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.4
  JAIN-BB.JAIN.AD.JP. 60 A 192.41.197.2
)");
const ZoneText third = jain(3, R"(
  JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.3
  JAIN-BB.JAIN.AD.JP. 60 A 192.41.197.2
)");

// As text, one a line, in the order in which they came.
std::string in_order(const std::vector<Rr>& records) {
  std::string text;
  for (const Rr& record : records) text += to_string(record) + "\n";
  return text;
}
std::string in_order(std::string_view lines) { return in_order(rrs(lines)); }

// A message of one answer is compressed as every answer is, against the question, whose case it then has.
std::string caseless(std::vector<Rr> records) {
  for (Rr& record : records) record = normal(record);
  return in_order(records);
}

Rr soa_of(const ZoneText& text) { return text.records.front(); }

class Rfc1995Out : public ::testing::Test {
 protected:
  void change_to(const ZoneText& version) { server_.mirror().serve({version}); }

  // Over TCP, all of it in one message.
  Message ask(std::uint32_t serial) {
    TcpClient client(server_.address());
    client.send(framed(ixfr_query("JAIN.AD.JP", serial)));
    return decode(client.message().value());
  }
  Message ask_udp(std::uint32_t serial) {
    UdpClient client(server_.address());
    client.send(ixfr_query("JAIN.AD.JP", serial));
    return decode(client.receive());
  }
  void expect_whole(const Message& response, const ZoneText& version) {
    ASSERT_GE(response.answer.size(), 2u);
    EXPECT_EQ(response.answer.front(), soa_of(version));
    EXPECT_EQ(response.answer.back(), soa_of(version));
    EXPECT_EQ(shown({response.answer.begin(), response.answer.end() - 1}), shown(version.records));
    EXPECT_EQ(response.questions.at(0).type, type::IXFR);
  }

  TestServer server_{{first}};
};

// 2: "If an IXFR query with the same or newer version number than that of the server is received, it is
// replied to with a single SOA record of the server's current version, just as in AXFR." (Erratum 3196: but
// for "just as in AXFR".)
TEST_F(Rfc1995Out, Section2TheSameOrNewerIsASingleSoa) {
  change_to(second);
  for (const std::uint32_t serial : {2u, 3u, 0x80000001u}) {
    for (const Message& response : {ask(serial), ask_udp(serial)}) {
      EXPECT_EQ(caseless(response.answer), caseless({soa_of(second)})) << serial;
      EXPECT_EQ(response.rcode, rcode::noerror);
      EXPECT_TRUE(response.aa());
      EXPECT_FALSE(response.tc());
    }
  }
}

constexpr std::string_view section_7 = R"(
  JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 3 600 600 3600000 604800
  JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 1 600 600 3600000 604800
  NEZU.JAIN.AD.JP. 60 A 133.69.136.5
  JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 2 600 600 3600000 604800
  JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.4
  JAIN-BB.JAIN.AD.JP. 60 A 192.41.197.2
  JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 2 600 600 3600000 604800
  JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.4
  JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 3 600 600 3600000 604800
  JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.3
  JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 3 600 600 3600000 604800
)";

// 2: "If an IXFR query is via UDP, the IXFR server may attempt to reply using UDP if the entire response can
// be contained in a single DNS packet.  If the UDP reply does not fit, the query is responded to with a
// single SOA record of the server's current version to inform the client that a TCP query should be
// initiated."
TEST_F(Rfc1995Out, Section2OverUdpWhatFits) {
  change_to(second);
  change_to(third);
  EXPECT_EQ(caseless(ask_udp(1).answer), caseless(rrs(section_7)));
  EXPECT_TRUE(ask_udp(1).aa());
  ZoneText large = jain(4, "");
  for (unsigned i = 0; i < 40; ++i)
    large.records.push_back(rr("a" + std::to_string(i) + ".JAIN.AD.JP. 60 A 192.0.2.1"));
  change_to(large);
  const Message too_large = ask_udp(3);
  EXPECT_EQ(caseless(too_large.answer), caseless({soa_of(large)}));
  EXPECT_FALSE(too_large.tc());
  // A version from before the history, and one that it never had.
  EXPECT_EQ(caseless(ask_udp(0).answer), caseless({soa_of(large)}));
}

// 3: "The IXFR query packet format is the same as that of a normal DNS query, but with the query type being
// IXFR and the authority section containing the SOA record of client's version of the zone."
TEST_F(Rfc1995Out, Section3WithoutTheSoaItIsNoQuery) {
  TcpClient client(server_.address());
  EXPECT_EQ(client.ask(query("JAIN.AD.JP", type::IXFR)).rcode, rcode::formerr);
}

// 4: "If incremental zone transfer is available, one or more difference sequences is returned.  The list of
// difference sequences is preceded and followed by a copy of the server's current version of the SOA."
// "The first RR of the deleted RRs is the older SOA RR and the first RR of the added RRs is the newer SOA
// RR." "The sequences of differential information are ordered oldest first newest last."
// 7: "The following incremental message is sent" (the second of its two forms is the next case).
TEST_F(Rfc1995Out, Section7DifferencesVersionByVersion) {
  change_to(second);
  change_to(third);
  const Message response = ask(1);
  EXPECT_EQ(in_order(response.answer), in_order(section_7));
  EXPECT_EQ(response.questions.at(0).type, type::IXFR);
  EXPECT_TRUE(response.aa());
  EXPECT_EQ(in_order(ask(2).answer), in_order(R"(
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 3 600 600 3600000 604800
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 2 600 600 3600000 604800
    JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.4
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 3 600 600 3600000 604800
    JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.3
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 3 600 600 3600000 604800
  )"));
  server_.stop();
  EXPECT_EQ(server_.transfers("success", "tcp", "ixfr"), 2u);
  EXPECT_EQ(server_.transfers("success", "tcp", "axfr"), 0u);
}

// 4: "RRs in the incremental transfer messages may be partial.  That is, if a single RR of multiple RRs of
// the same RR type changes, only the changed RR is transferred."
TEST_F(Rfc1995Out, Section4OnlyTheChangedRr) {
  change_to(second);
  change_to(third);
  for (const Rr& record : ask(2).answer)
    EXPECT_NE(to_string(record), "JAIN-BB.JAIN.AD.JP. 60 A 192.41.197.2");
}

// 4: "If incremental zone transfer is not available, the entire zone is returned.  The first and the last RR
// of the response is the SOA record of the zone.  I.e. the behavior is the same as an AXFR response except
// the query type is IXFR."
TEST_F(Rfc1995Out, Section4AnUnknownVersionIsAnsweredWithTheZone) {
  change_to(second);
  change_to(third);
  expect_whole(ask(0), third);
  server_.stop();
  EXPECT_EQ(server_.transfers("success", "tcp", "axfr"), 1u);
  EXPECT_EQ(server_.transfers("success", "tcp", "ixfr"), 0u);
}

// The same where a serial stood still or went backwards between: a client's 2 may be the one or the other.
TEST_F(Rfc1995Out, Section4NoWayAcrossASerialThatDidNotMove) {
  change_to(second);
  change_to(jain(2, "JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.4"));
  const ZoneText last = jain(5, "JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.5");
  change_to(last);
  expect_whole(ask(1), last);
  EXPECT_EQ(in_order(ask(2).answer), in_order(R"(
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 5 600 600 3600000 604800
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 2 600 600 3600000 604800
    JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.4
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 5 600 600 3600000 604800
    JAIN-BB.JAIN.AD.JP. 60 A 133.69.136.5
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 5 600 600 3600000 604800
  )"));
  const ZoneText backwards = jain(4, "");
  change_to(backwards);
  const ZoneText after = jain(6, "");
  change_to(after);
  expect_whole(ask(2), after);
  expect_whole(ask(5), after);
  EXPECT_EQ(ask(4).answer.size(), 4u);
}

// 5: "Information about older versions should be purged if the total length of an IXFR response would be
// longer than that of an AXFR response."
TEST_F(Rfc1995Out, Section5NeverLongerThanTheZone) {
  change_to(second);
  std::string hosts;
  for (unsigned i = 0; i < 5; ++i) hosts += "new" + std::to_string(i) + ".JAIN.AD.JP. 60 A 192.0.2.1\n";
  const ZoneText small = jain(3, hosts, 0);  // 20 hosts went
  change_to(small);
  expect_whole(ask(2), small);
}

// 6: "For example, if multiple ftp servers share a single DNS name and the IP address associated with the
// name is changed once a minute to balance load between the ftp servers, it is not so important to keep track
// of all the history of changes."
TEST_F(Rfc1995Out, Section6CondensedWhereMuchIsSaved) {
  for (std::uint32_t i = 2; i < 10; ++i)
    change_to(jain(i, "ftp.JAIN.AD.JP. 60 A 192.0.2." + std::to_string(100 + i)));
  EXPECT_EQ(in_order(ask(2).answer), in_order(R"(
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 9 600 600 3600000 604800
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 2 600 600 3600000 604800
    ftp.JAIN.AD.JP. 60 A 192.0.2.102
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 9 600 600 3600000 604800
    ftp.JAIN.AD.JP. 60 A 192.0.2.109
    JAIN.AD.JP. 60 SOA NS.JAIN.AD.JP. mohta.jain.ad.jp. 9 600 600 3600000 604800
  )"));
}

// An RR that came and went again is in no condensed difference.
TEST_F(Rfc1995Out, Section6WhatCameAndWentIsLeftOut) {
  for (std::uint32_t i = 2; i <= 9; ++i)
    change_to(jain(i, i % 2 == 0 ? "ftp.JAIN.AD.JP. 60 A 192.0.2.100" : "ftp.JAIN.AD.JP. 60 A 192.0.2.101"));
  const ZoneText last = jain(10, "ftp.JAIN.AD.JP. 60 A 192.0.2.100");
  change_to(last);
  const std::vector<Rr> answer = ask(2).answer;
  ASSERT_EQ(answer.size(), 4u);
  EXPECT_EQ(answer[0], soa_of(last));
  EXPECT_EQ(to_string(answer[1]), to_string(soa_of(jain(2, ""))));
  EXPECT_EQ(answer[2], soa_of(last));
  EXPECT_EQ(answer[3], soa_of(last));
}

}  // namespace

}  // namespace understudy::test
