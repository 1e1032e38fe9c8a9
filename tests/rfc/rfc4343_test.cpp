// RFC 4343, DNS case insensitivity clarification.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

class Rfc4343 : public ::testing::Test {
 protected:
  static ZoneText text() {
    ZoneText out = zone("Test.", R"(
      Test. 60 SOA ns.test. h.test. 1 2 3 4 5
      Test. 60 NS NS.test.
      MiXeD.test. 60 A 192.0.2.1
      *.WILD.test. 60 A 192.0.2.2
      Alias.test. 60 CNAME miXed.TEST.
      Cut.test. 60 NS ns.cut.test.
      NS.cut.test. 60 A 192.0.2.3
    )");
    // 3: only the letters of ASCII fold. These pairs differ by 0x20 and are no letters, or have the high bit.
    out.records.push_back({{"@", "test"}, type::A, 60, {192, 0, 2, 10}});
    out.records.push_back({{"[", "test"}, type::A, 60, {192, 0, 2, 11}});
    out.records.push_back({{"\xc4", "test"}, type::A, 60, {192, 0, 2, 12}});
    return out;
  }
  TestMirror server_{{text()}};
};

// 3: when comparing labels ... ASCII letters are ... case insensitive.
TEST_F(Rfc4343, Section3EveryCaseFinds) {
  for (const char* asked : {"mixed.test.", "MIXED.TEST.", "mIxEd.tEsT."}) {
    const Message got = server_.ask(asked, "A");
    ASSERT_EQ(got.answer.size(), 1u) << asked;
    EXPECT_EQ(got.answer[0].rdata, (Bytes{192, 0, 2, 1}));
  }
  EXPECT_EQ(server_.ask("x.Wild.TEST.", "A").answer.size(), 1u);
  EXPECT_EQ(server_.ask("ALIAS.test.", "A").answer.size(), 2u);
  EXPECT_EQ(server_.ask("x.CUT.test.", "A").additional.size(), 1u);
}

// 4.1: the case ... in the question ... preserved; owners are told as they were asked.
TEST_F(Rfc4343, Section4_1TheCaseAskedComesBack) {
  const Message got = server_.ask("mIxEd.tEsT.", "A");
  EXPECT_EQ(got.questions.at(0).name, name("mIxEd.tEsT."));
  EXPECT_EQ(got.answer.at(0).owner, name("mIxEd.tEsT."));
  EXPECT_EQ(server_.ask("X.wIlD.test.", "A").answer.at(0).owner, name("X.wIlD.test."));
}

// 3: 0x5B and 0x7B are not letters, nor is what has the high bit.
TEST_F(Rfc4343, Section3OnlyLettersFold) {
  for (const auto& [there, not_there] : {std::pair{"@", "`"}, {"[", "{"}, {"\xc4", "\xe4"}}) {
    EXPECT_EQ(server_.ask(Query{.name = {there, "test"}}).rcode, rcode::noerror) << there;
    EXPECT_EQ(server_.ask(Query{.name = {not_there, "test"}}).rcode, rcode::nxdomain) << not_there;
  }
}

}  // namespace

}  // namespace understudy::test
