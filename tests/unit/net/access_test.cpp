#include "net/access.h"

#include <gtest/gtest.h>

namespace understudy::net {
namespace {

using boost::asio::ip::make_address;

dns::Name name(std::string_view text) { return dns::Name::from_text(text).value(); }
const dns::Name xfr = name("xfr.example."), other = name("other.example.");

TEST(Access, AnAddressOrAPrefix) {
  const AccessRule rule = AccessRule::parse("192.0.2.0/24").value();
  EXPECT_TRUE(rule.allows(make_address("192.0.2.7"), nullptr));
  EXPECT_TRUE(rule.allows(make_address("192.0.2.7"), &xfr)) << "signed or not";
  EXPECT_FALSE(rule.allows(make_address("192.0.3.7"), &xfr));
  EXPECT_FALSE(rule.key().has_value());
  EXPECT_EQ(rule.text(), "192.0.2.0/24");
}

TEST(Access, AKeyFromWherever) {
  const AccessRule rule = AccessRule::parse("key:XFR.example").value();
  EXPECT_TRUE(rule.allows(make_address("192.0.2.7"), &xfr));
  EXPECT_TRUE(rule.allows(make_address("2001:db8::1"), &xfr));
  EXPECT_FALSE(rule.allows(make_address("192.0.2.7"), &other));
  EXPECT_FALSE(rule.allows(make_address("192.0.2.7"), nullptr));
  EXPECT_EQ(rule.key(), xfr);
  EXPECT_EQ(rule.text(), "key:xfr.example.");
}

TEST(Access, BothMustHoldWhereBothAreGiven) {
  for (const std::string_view text : {"2001:db8::/32 key:xfr.example.", "2001:db8::/32   key:xfr.example."}) {
    const AccessRule rule = AccessRule::parse(text).value();
    EXPECT_TRUE(rule.allows(make_address("2001:db8::1"), &xfr));
    EXPECT_FALSE(rule.allows(make_address("2001:db8::1"), nullptr));
    EXPECT_FALSE(rule.allows(make_address("2001:db8::1"), &other));
    EXPECT_FALSE(rule.allows(make_address("2001:db9::1"), &xfr));
    EXPECT_EQ(rule.text(), "2001:db8::/32 key:xfr.example.");
  }
}

TEST(Access, OneEntryOfSeveralIsEnough) {
  const std::vector<AccessRule> rules = {AccessRule::parse("192.0.2.1").value(),
                                         AccessRule::parse("key:xfr.example.").value()};
  EXPECT_TRUE(any_allows(rules, make_address("192.0.2.1"), nullptr));
  EXPECT_TRUE(any_allows(rules, make_address("192.0.2.2"), &xfr));
  EXPECT_FALSE(any_allows(rules, make_address("192.0.2.2"), nullptr));
  EXPECT_FALSE(any_allows({}, make_address("192.0.2.1"), &xfr)) << "default deny";
}

TEST(Access, WhatIsNotUnderstoodIsAnError) {
  for (const std::string_view text :
       {"", " ", "key:", "key:a..b", "192.0.2.1 ", "192.0.2.1 xfr.example.", "192.0.2.1 key:", "xfr.example.",
        "key:a. key:b.", "key:a. 192.0.2.1", "192.0.2.1 192.0.2.2 key:a.", "192.0.2.1 key:a. ",
        "192.0.2.0/33 key:a."}) {
    EXPECT_FALSE(AccessRule::parse(text)) << '"' << text << '"';
  }
}

TEST(Access, AnAddressToTellWithItsKey) {
  const auto plain = parse_keyed_endpoint("192.0.2.1", 53),
             keyed = parse_keyed_endpoint("[2001:db8::1]:5300 key:xfr.example", 53);
  ASSERT_TRUE(plain);
  EXPECT_EQ(to_string(plain->address), "192.0.2.1:53");
  EXPECT_FALSE(plain->key);
  ASSERT_TRUE(keyed);
  EXPECT_EQ(to_string(keyed->address), "[2001:db8::1]:5300");
  EXPECT_EQ(keyed->key, xfr);
  for (const std::string_view text : {"", "key:xfr.example.", "192.0.2.0/24 key:a.", "192.0.2.1 key:"})
    EXPECT_FALSE(parse_keyed_endpoint(text, 53)) << text;
}

}  // namespace
}  // namespace understudy::net
