#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/siphash.h"

namespace understudy {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{"odd", std::to_string(number) + " is odd"};
  return number / 2;
}

// The last vectors of the paper's appendix A and of its authors' list: key 00 to 0f, input 00, 01, ...
TEST(SipHash, IsTheAuthors) {
  SipKey key;
  std::vector<std::uint8_t> input;
  for (std::uint8_t i = 0; i < 16; ++i) key[i] = i;
  EXPECT_EQ(siphash(key, input), 0x726fdb47dd0e0e31ull);
  for (std::uint8_t i = 0; i < 15; ++i) input.push_back(i);
  EXPECT_EQ(siphash(key, input), 0xa129ca6149be45e5ull);
}

TEST(Result, CarriesAValueOrAReason) {
  EXPECT_EQ(*half(4), 2);
  const auto failed = half(3);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "odd");
  EXPECT_EQ(failed.error().message, "3 is odd");
}

TEST(Result, ErrorsAreToldFromFurtherOut) {
  const Error error = half(3).error().within("line 7").within("a.zone");
  EXPECT_EQ(error.reason, "odd");
  EXPECT_EQ(error.message, "a.zone: line 7: 3 is odd");
}

TEST(Result, TheValueOfAFailureIsABug) {
  EXPECT_THROW(half(3).value(), std::logic_error);
  const Result<> fine;
  EXPECT_TRUE(fine.has_value());
}

TEST(Clock, SteadyTimeDoesNotGoBack) {
  const SystemClock clock;
  const SteadyTime first = clock.steady();
  EXPECT_LE(first, clock.steady());
  EXPECT_GT(clock.wall(), 1'700'000'000);
}

// What a call writes to standard error.
template <class Call>
std::string written(Call call) {
  testing::internal::CaptureStderr();
  call();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, ALineForPeopleAndMachines) {
  const std::string line = written([] {
    log::info("transfer-done", {{"zone", "example.com."}, {"serial", 7}, {"seconds", 0.5}});
  });
  EXPECT_THAT(line,
              testing::MatchesRegex(
                  "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z info transfer-done "
                  "zone=example[.]com[.] serial=7 seconds=0[.]50*\n"));
}

TEST(Log, ForeignTextCannotForgeALine) {
  const std::string line = written([] {
    log::warning("refused", {{"why", "a\nb \"c\" \\ d=e\x7f"}, {"empty", ""}});
  });
  EXPECT_NE(line.find("why=\"a\\x0ab \\\"c\\\" \\\\ d=e\\x7f\" empty=\"\"\n"), std::string::npos) << line;
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST(Log, LevelsBelowTheLimitAreSilent) {
  EXPECT_EQ(written([] { log::debug("quiet"); }), "");
  log::set_level(log::Level::error);
  EXPECT_EQ(written([] { log::warning("quiet"); }), "");
  EXPECT_NE(written([] { log::error("loud"); }), "");
  log::set_level(log::Level::debug);
  EXPECT_NE(written([] { log::debug("loud"); }).find(" debug loud"), std::string::npos);
  log::set_level(log::Level::info);
}

}  // namespace
}  // namespace understudy
