// [[compare.expect]]: differences that are known and wanted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/expect_rows.h"

namespace understudy::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Expect, ReadsEveryKey) {
  const LoadedConfig loaded = parse_config(R"(
[compare]
rate = 5
[[compare.expect]]
owner = "Shop.Example.COM"
type = "A"
class = "rdata"
until = "2027-01-31"
reason = "flattened"
[[compare.expect]]
owner = "*.cdn.example.com"
until = "2027-01-31T12:00:01Z"
reason = "answers by place"
)",
                                           "f");
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.config.compare_rate, 5);
  ASSERT_THAT(loaded.config.expectations, SizeIs(2));
  const audit::Expectation& one = loaded.config.expectations[0];
  EXPECT_EQ(dns::to_string(one.name), "shop.example.com.");
  EXPECT_FALSE(one.below);
  EXPECT_EQ(one.type, dns::RRType::A);
  EXPECT_EQ(one.difference, audit::Class::rdata);
  EXPECT_EQ(one.until, 1801353600);  // date -ud 2027-01-31 +%s
  EXPECT_EQ(one.reason, "flattened");
  const audit::Expectation& two = loaded.config.expectations[1];
  EXPECT_EQ(dns::to_string(two.name), "cdn.example.com.");
  EXPECT_TRUE(two.below);
  EXPECT_EQ(two.type, std::nullopt);
  EXPECT_EQ(two.difference, std::nullopt);
  EXPECT_EQ(two.until, 1801353600 + 12 * 3600 + 1);
}

TEST(Expect, WrongValuesAreToldWithTheirLine) {
  const auto problems = [](const std::string& lines) {
    return parse_config("[[compare.expect]]\nowner = \"a.test\"\nreason = \"r\"\n" + lines, "f").problems;
  };
  EXPECT_THAT(problems(""), IsEmpty());
  EXPECT_THAT(problems("type = \"NONSENSE\""), ElementsAre(HasSubstr("f:4: compare.expect.type")));
  EXPECT_THAT(problems("class = \"other\""), ElementsAre(HasSubstr("f:4: compare.expect.class")));
  EXPECT_THAT(problems("until = \"tomorrow\""), ElementsAre(HasSubstr("2027-01-31")));
  EXPECT_THAT(problems("until = \"2027-01-31T12:00\""), ElementsAre(HasSubstr("2027-01-31")));
  EXPECT_THAT(problems("until = \"2027-02-30x\""), SizeIs(1));
  EXPECT_THAT(problems("untill = \"2027-02-03\""), ElementsAre(HasSubstr("did you mean \"until\"?")));
}

TEST(Expect, WantsAnOwnerAndAReason) {
  EXPECT_THAT(parse_config("[[compare.expect]]\nreason = \"r\"", "f").problems,
              ElementsAre(HasSubstr("owner")));
  EXPECT_THAT(parse_config("[[compare.expect]]\nowner = \"a.test\"", "f").problems,
              ElementsAre(HasSubstr("reason")));
  EXPECT_THAT(parse_config("[compare]\nexpect = \"a.test\"", "f").problems,
              ElementsAre(HasSubstr("[[compare.expect]]")));
}

}  // namespace
}  // namespace understudy::app
