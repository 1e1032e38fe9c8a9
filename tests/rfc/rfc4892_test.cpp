// RFC 4892, Requirements for a mechanism identifying a name server instance: the names in class CH; and RFC
// 2136, Dynamic updates, which are refused.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

constexpr std::uint16_t chaos = 3;
const ZoneText test_zone = zone("test.", "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.");

Message ask(TestMirror& server, std::string_view asked, std::uint16_t qtype = type::TXT) {
  return server.ask(Query{.name = name(asked), .type = qtype, .qclass = chaos});
}

// 4: "... it MUST be possible to ... disable" it; here it is off unless configured.
TEST(Rfc4892, OffUnlessConfigured) {
  TestMirror server({test_zone});
  for (const char* asked :
       {"version.bind.", "version.server.", "hostname.bind.", "id.server.", "other.bind."}) {
    const Message got = ask(server, asked);
    EXPECT_EQ(got.rcode, rcode::refused) << asked;
    EXPECT_TRUE(got.answer.empty()) << asked;
  }
}

TEST(Rfc4892, AnswersWhatIsConfigured) {
  server::PipelineOptions options;
  options.chaos = {.version = "", .hostname = "ns1 of two", .id = std::string(255, 'i')};
  TestMirror server({test_zone}, options);
  EXPECT_EQ(ask(server, "version.bind.").rcode, rcode::refused);
  for (const std::uint16_t qtype : {type::TXT, type::ANY}) {
    const Message got = ask(server, "HostName.bind.", qtype);
    EXPECT_EQ(got.rcode, rcode::noerror);
    EXPECT_EQ(shown(got.answer), shown("hostname.bind. 0 TXT \"ns1 of two\""));
  }
  EXPECT_EQ(ask(server, "id.server.").answer.at(0).rdata.size(), 256u);
  EXPECT_TRUE(ask(server, "id.server.", type::A).answer.empty());
  EXPECT_EQ(ask(server, "id.server.", type::A).rcode, rcode::noerror);
  EXPECT_EQ(ask(server, "x.id.server.").rcode, rcode::refused);
  // In class IN these are names like any other.
  EXPECT_EQ(server.ask("id.server.", "TXT").rcode, rcode::refused);
}

// The record has the class that was asked.
TEST(Rfc4892, TheAnswersClassIsChaos) {
  server::PipelineOptions options;
  options.chaos.id = "x";
  TestMirror server({test_zone}, options);
  const Bytes response =
      server.exchange(encode(Query{.name = name("id.server."), .type = type::TXT, .qclass = chaos})).value();
  const std::size_t record = 12 + 11 + 4;  // after header and question: a pointer, type, class
  EXPECT_EQ(response.at(record + 4), 0);
  EXPECT_EQ(response.at(record + 5), chaos);
}

// RFC 2136 3.3: "... a zone ... for which the server is not the primary ... REFUSED" where it does not
// forward.
TEST(Rfc2136, UpdatesAreRefused) {
  TestMirror server({test_zone});
  for (const char* asked : {"test.", "elsewhere."}) {
    Bytes query = encode({.name = name(asked), .type = type::SOA});
    query[2] = 5 << 3;
    const Message got = decode(server.exchange(query).value());
    EXPECT_EQ(got.rcode, rcode::refused);
    EXPECT_EQ(got.opcode(), 5u);
    EXPECT_TRUE(got.answer.empty());
  }
}

}  // namespace

}  // namespace understudy::test
