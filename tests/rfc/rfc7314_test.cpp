// RFC 7314, EDNS EXPIRE option.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

constexpr std::uint16_t expire_code = 9;  // 5
constexpr const char* lines = "test. 60 SOA ns. h. 1 2 3 86400 5\ntest. 60 NS ns.\na.test. 60 A 192.0.2.1";

std::optional<Bytes> expire(TestMirror& server, std::string_view asked = "test.",
                            std::uint16_t qtype = type::SOA) {
  return option_of(
      server.ask(Query{.name = name(asked), .type = qtype, .edns = true, .options = option(expire_code)}),
      expire_code);
}

Bytes seconds(std::uint32_t value) {
  Bytes out;
  append32(out, value);
  return out;
}

// 3.2, in our words: a secondary tells the time that its own expire timer has left.
TEST(Rfc7314, Section3_2ASecondaryTellsItsTimer) {
  ZoneText text = zone("test.", lines);
  text.timers.expires = 1'700'000'500;  // 500 seconds from the clock's now
  TestMirror server({text});
  EXPECT_EQ(expire(server), seconds(500));
  server.clock().advance(std::chrono::seconds(120));
  EXPECT_EQ(expire(server), seconds(380));
  server.clock().advance(std::chrono::seconds(1000));
  EXPECT_EQ(expire(server), seconds(0));
}

// 3.1, in our words: a primary tells the SOA's EXPIRE field; a zone without a timer is its own primary.
TEST(Rfc7314, Section3_1WithoutATimerTheSoasValue) {
  TestMirror server({zone("test.", lines)});
  EXPECT_EQ(expire(server), seconds(86400));
}

// 2: the option is for SOA, AXFR and IXFR of a zone, and comes only where it was asked for.
TEST(Rfc7314, Section2OnlyForSoaAndTransfers) {
  TestMirror server({zone("test.", lines)});
  EXPECT_FALSE(expire(server, "test.", type::NS).has_value());
  EXPECT_FALSE(expire(server, "a.test.").has_value());
  EXPECT_FALSE(expire(server, "elsewhere.").has_value());
  EXPECT_FALSE(
      option_of(server.ask(Query{.name = name("test."), .type = type::SOA, .edns = true}), expire_code));
}

// 4: a zone that is expired is answered SERVFAIL and has no timer to tell.
TEST(Rfc7314, Section4NotOfAnExpiredZone) {
  ZoneText text = zone("test.", lines);
  text.service = backend::Service::expired;
  TestMirror server({text});
  EXPECT_FALSE(expire(server).has_value());
}

}  // namespace

}  // namespace understudy::test
