// RFC 9619, In the DNS, QDCOUNT is (usually) one.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

// 4: "A DNS message with OPCODE = 0 and QDCOUNT > 1 MUST be treated as an incorrectly formatted message. The
// value of the RCODE parameter in the response message MUST be set to 1 (FORMERR)."
TEST(Rfc9619, Section4MoreThanOneQuestionIsAFormatError) {
  TestMirror server{{zone("test.", "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.")}};
  for (const unsigned count : {2u, 3u, 256u, 65535u}) {
    for (const bool present : {true, false}) {
      Bytes query = encode({.name = name("test."), .type = type::SOA});
      const Bytes question(query.begin() + 12, query.end());
      query[4] = static_cast<std::uint8_t>(count >> 8);
      query[5] = static_cast<std::uint8_t>(count & 255);
      if (present) query.insert(query.end(), question.begin(), question.end());
      const auto response = server.exchange(query);
      ASSERT_TRUE(response.has_value()) << count;
      const Message got = decode(*response);
      EXPECT_EQ(got.rcode, rcode::formerr) << count;
      EXPECT_TRUE(got.answer.empty()) << count;
      EXPECT_LE(got.questions.size(), 1u);
    }
  }
  EXPECT_EQ(server.ask("test.", "SOA").rcode, rcode::noerror);
}

}  // namespace

}  // namespace understudy::test
