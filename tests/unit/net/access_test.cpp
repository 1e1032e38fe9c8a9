#include "net/access.h"

#include <gtest/gtest.h>

namespace understudy::net {
namespace {

using boost::asio::ip::make_address;

dns::Name name(std::string_view text) { return dns::Name::from_text(text).value(); }
const dns::Name xfr = name("xfr.example."), other = name("other.example.");

TEST(Access, AnAddressOrAPrefix) {
  const AccessRule rule = AccessRule::parse("192.0.2.0/24").value();
  EXPECT_TRUE(rule.allows({make_address("192.0.2.7"), nullptr}));
  EXPECT_TRUE(rule.allows({make_address("192.0.2.7"), &xfr})) << "signed or not";
  EXPECT_FALSE(rule.allows({make_address("192.0.3.7"), &xfr}));
  EXPECT_FALSE(rule.key().has_value());
  EXPECT_EQ(rule.text(), "192.0.2.0/24");
}

TEST(Access, AKeyFromWherever) {
  const AccessRule rule = AccessRule::parse("key:XFR.example").value();
  EXPECT_TRUE(rule.allows({make_address("192.0.2.7"), &xfr}));
  EXPECT_TRUE(rule.allows({make_address("2001:db8::1"), &xfr}));
  EXPECT_FALSE(rule.allows({make_address("192.0.2.7"), &other}));
  EXPECT_FALSE(rule.allows({make_address("192.0.2.7"), nullptr}));
  EXPECT_EQ(rule.key(), xfr);
  EXPECT_EQ(rule.text(), "key:xfr.example.");
}

TEST(Access, BothMustHoldWhereBothAreGiven) {
  for (const std::string_view text : {"2001:db8::/32 key:xfr.example.", "2001:db8::/32   key:xfr.example."}) {
    const AccessRule rule = AccessRule::parse(text).value();
    EXPECT_TRUE(rule.allows({make_address("2001:db8::1"), &xfr}));
    EXPECT_FALSE(rule.allows({make_address("2001:db8::1"), nullptr}));
    EXPECT_FALSE(rule.allows({make_address("2001:db8::1"), &other}));
    EXPECT_FALSE(rule.allows({make_address("2001:db9::1"), &xfr}));
    EXPECT_EQ(rule.text(), "2001:db8::/32 key:xfr.example.");
  }
}

const std::string pin_text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
const KeyPin pin = parse_pin(pin_text).value();
const boost::asio::ip::address somewhere = make_address("192.0.2.7");

TEST(Access, WhatACertificateProves) {
  const ClientIdentity nobody, friend_of_ours{pin, {"a.example", "ns2.example"}}, only_key{pin, {}},
      only_name{KeyPin{}, {"ns2.example"}};
  const auto allows = [](std::string_view text, const ClientIdentity* tls) {
    return AccessRule::parse(text).value().allows({somewhere, nullptr, tls});
  };
  EXPECT_TRUE(allows("tls:NS2.example.", &friend_of_ours));
  EXPECT_TRUE(allows("tls:ns2.example", &only_name));
  EXPECT_FALSE(allows("tls:ns2.example", &only_key)) << "its names are not believed";
  EXPECT_FALSE(allows("tls:ns3.example", &friend_of_ours));
  EXPECT_TRUE(allows("tls:pin:" + pin_text, &only_key));
  EXPECT_FALSE(allows("tls:pin:" + pin_text, &only_name));
  EXPECT_TRUE(allows("tls:ns2.example tls:pin:" + pin_text, &friend_of_ours));
  EXPECT_FALSE(allows("tls:ns2.example tls:pin:" + pin_text, &only_key));
  EXPECT_FALSE(allows("tls:ns2.example tls:pin:" + pin_text, &only_name));
  EXPECT_TRUE(allows("tls", &nobody));
  for (const std::string& text :
       {std::string("tls"), std::string("tls:ns2.example"), "tls:pin:" + pin_text}) {
    EXPECT_FALSE(allows(text, nullptr)) << "in the clear: " << text;
    EXPECT_EQ(AccessRule::parse(text)->text(), text);
  }
  EXPECT_FALSE(allows("tls:ns2.example", &nobody));
}

TEST(Access, EverythingThatIsGivenMustHold) {
  const ClientIdentity good{pin, {"ns2.example"}}, bad{pin, {}};
  const auto rule = AccessRule::parse("192.0.2.0/24 tls:ns2.example key:xfr.example.").value();
  EXPECT_TRUE(rule.allows({somewhere, &xfr, &good}));
  EXPECT_FALSE(rule.allows({make_address("192.0.3.7"), &xfr, &good}));
  EXPECT_FALSE(rule.allows({somewhere, &other, &good}));
  EXPECT_FALSE(rule.allows({somewhere, &xfr, &bad}));
  EXPECT_FALSE(rule.allows({somewhere, &xfr, nullptr}));
  EXPECT_EQ(rule.text(), "192.0.2.0/24 key:xfr.example. tls:ns2.example");
  EXPECT_EQ(AccessRule::parse(rule.text()).value(), rule);
}

TEST(Access, OneEntryOfSeveralIsEnough) {
  const std::vector<AccessRule> rules = {AccessRule::parse("192.0.2.1").value(),
                                         AccessRule::parse("key:xfr.example.").value()};
  EXPECT_TRUE(any_allows(rules, {make_address("192.0.2.1"), nullptr}));
  EXPECT_TRUE(any_allows(rules, {make_address("192.0.2.2"), &xfr}));
  EXPECT_FALSE(any_allows(rules, {make_address("192.0.2.2"), nullptr}));
  EXPECT_FALSE(any_allows({}, {make_address("192.0.2.1"), &xfr})) << "default deny";
}

TEST(Access, WhatIsNotUnderstoodIsAnError) {
  for (const std::string_view text : {"",
                                      " ",
                                      "key:",
                                      "key:a..b",
                                      "192.0.2.1 ",
                                      "192.0.2.1 xfr.example.",
                                      "192.0.2.1 key:",
                                      "xfr.example.",
                                      "key:a. key:b.",
                                      "key:a. 192.0.2.1",
                                      "192.0.2.1 192.0.2.2 key:a.",
                                      "192.0.2.1 key:a. ",
                                      "192.0.2.0/33 key:a.",
                                      "tls:",
                                      "tls:pin:",
                                      "tls:pin:AAAA",
                                      "tls:a..b",
                                      "tls tls",
                                      "tls:a tls:b",
                                      "tls 192.0.2.1",
                                      "192.0.2.1 tcp",
                                      "tcp",
                                      " tls",
                                      "tls "}) {
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
  const auto tcp = parse_keyed_endpoint("192.0.2.1 tcp", 53);
  ASSERT_TRUE(tcp);
  EXPECT_TRUE(tcp->tcp);
  EXPECT_FALSE(plain->tcp);
  const auto tls = parse_keyed_endpoint("192.0.2.1 tls:Ns2.example key:xfr.example", 53);
  ASSERT_TRUE(tls && tls->tls);
  EXPECT_EQ(to_string(tls->address), "192.0.2.1:853");
  EXPECT_EQ(tls->tls->name, "ns2.example");
  EXPECT_EQ(tls->key, xfr);
  EXPECT_EQ(to_string(parse_keyed_endpoint("192.0.2.1:54 tls:pin:" + pin_text, 53)->address), "192.0.2.1:54");
  for (const std::string_view text : {"", "key:xfr.example.", "192.0.2.0/24 key:a.", "192.0.2.1 key:",
                                      "192.0.2.1 tls", "tls:ns2.example", "192.0.2.1 tcp tcp"})
    EXPECT_FALSE(parse_keyed_endpoint(text, 53)) << text;
}

}  // namespace
}  // namespace understudy::net
