// RFC 5001, DNS name server identifier (NSID) option.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

constexpr std::uint16_t nsid_code = 3;  // 4
const ZoneText test_zone =
    zone("test.", "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.\na.test. 60 A 192.0.2.1");

Message ask(TestMirror& server, const Bytes& options) {
  return server.ask(Query{.name = name("a.test."), .edns = true, .options = options});
}

// 2.1: "The name server ... includes its NSID in an NSID option in the response"; the resolver "MUST NOT
// include any NSID payload data in the query", and the server ignores it.
TEST(Rfc5001, Section2_1TellsWhoAsks) {
  server::PipelineOptions options;
  options.nsid = {'n', 's', 0, 255};
  TestMirror server({test_zone}, options);
  const Bytes identity{'n', 's', 0, 255};
  EXPECT_EQ(option_of(ask(server, option(nsid_code)), nsid_code), identity);
  EXPECT_EQ(option_of(ask(server, option(nsid_code, {1, 2, 3})), nsid_code), identity);
  // "The name server MUST NOT include" it "if the query did not have it".
  EXPECT_FALSE(option_of(ask(server, {}), nsid_code).has_value());
  EXPECT_FALSE(server.ask("a.test.", "A").opt.has_value());
  // It identifies the server that answers, whatever it answers.
  const Message refused =
      server.ask(Query{.name = name("elsewhere."), .edns = true, .options = option(nsid_code)});
  EXPECT_EQ(refused.rcode, rcode::refused);
  EXPECT_EQ(option_of(refused, nsid_code), identity);
}

// 3.1: what is told is the operator's choice; here, nothing unless configured.
TEST(Rfc5001, Section3_1NothingUnlessConfigured) {
  TestMirror server({test_zone});
  EXPECT_FALSE(option_of(ask(server, option(nsid_code)), nsid_code).has_value());
}

}  // namespace

}  // namespace understudy::test
