#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include "dns/duration.h"
#include "dns/presentation.h"
#include "dns/rdata.h"
#include "random_rdata.h"

namespace understudy::dns {
namespace {

// Completes names in the texts below.
const Name origin = Name::from_text("example.com").value();

Bytes parse(RRType type, std::string_view text) {
  auto parsed = parse_rdata_text(type, text, origin);
  if (!parsed) {
    ADD_FAILURE() << to_string(type) << " '" << text << "': " << parsed.error().message;
    return {};
  }
  return *parsed;
}

// Why text was refused, or nothing.
std::string refusal(RRType type, std::string_view text) {
  const auto parsed = parse_rdata_text(type, text, origin);
  if (parsed) return "";
  EXPECT_EQ(parsed.error().reason, "bad-rdata");
  return parsed.error().message;
}

// What is printed is read back as the same octets, for every type and whatever stands in it.
TEST(Presentation, RoundTripOfEveryType) {
  Random random(11);
  RandomRdata maker(random, false);
  for (const std::uint16_t value : RandomRdata::types()) {
    const RRType type{value};
    for (int round = 0; round < 300; ++round) {
      const Bytes data = maker.make(value);
      const std::string text = rdata_text(type, data);
      for (const char c : text) ASSERT_TRUE(c >= ' ' && c < 0x7f) << text;
      const auto back = parse_rdata_text(type, text, origin);
      ASSERT_TRUE(back.has_value()) << to_string(type) << ' ' << text << ": " << back.error().message;
      ASSERT_EQ(*back, data) << to_string(type) << ' ' << text;
    }
  }
}

// Types that must not fall back to the generic form for sound data.
TEST(Presentation, OwnFormOfKnownTypes) {
  Random random(12);
  RandomRdata maker(random, true);
  const std::vector<std::uint16_t> known = {
      1,  2,  5,  6,  12, 13, 15, 16, 17, 18, 25, 28, 29, 33, 35,  36,  37,  39,  42,  43,  44,  45, 46,
      47, 48, 49, 50, 51, 52, 53, 59, 60, 61, 62, 63, 64, 65, 104, 105, 106, 107, 108, 109, 256, 257};
  for (const std::uint16_t value : known) {
    const RRType type{value};
    EXPECT_FALSE(rdata_text(type, maker.make(value)).starts_with("\\#")) << value;
  }
}

Bytes data_of(const ldns_rr* rr) {
  Bytes out;
  for (std::size_t i = 0; i < ldns_rr_rd_count(rr); ++i) {
    const ldns_rdf* field = ldns_rr_rdf(rr, i);
    out.insert(out.end(), ldns_rdf_data(field), ldns_rdf_data(field) + ldns_rdf_size(field));
  }
  return out;
}

// A second opinion, for data that ldns prints and reads rightly.
TEST(Presentation, LdnsReadsWhatWePrint) {
  Random random(13);
  RandomRdata maker(random, true);
  unsigned compared = 0;
  for (const std::uint16_t value : RandomRdata::types()) {
    if (value == 23) continue;  // ldns takes the name in NSAP-PTR for a string
    for (int round = 0; round < 50; ++round) {
      const Bytes data = maker.make(value);
      if (value == 37 && load16(data.data()) == 0) continue;  // ldns does not read certificate type 0
      const std::string line = record_text({NameView(), RRType{value}, 60, data});
      ldns_rr* rr = nullptr;
      const ldns_status status = ldns_rr_new_frm_str(&rr, line.c_str(), 0, nullptr, nullptr);
      ASSERT_EQ(status, LDNS_STATUS_OK) << line << ": " << ldns_get_errorstr_by_id(status);
      EXPECT_EQ(data_of(rr), data) << line;
      EXPECT_EQ(ldns_rr_get_type(rr), value) << line;
      ldns_rr_free(rr);
      ++compared;
    }
  }
  EXPECT_GT(compared, 3000u);
}

TEST(Presentation, WeReadWhatLdnsPrints) {
  Random random(14);
  RandomRdata maker(random, true);
  unsigned compared = 0;
  for (const std::uint16_t value : RandomRdata::types()) {
    // WKS, NULL and NXT have no text of their own here; NSAP-PTR as above.
    if (value == 10 || value == 11 || value == 30 || value == 23) continue;
    for (int round = 0; round < 50; ++round) {
      const Bytes data = maker.make(value);
      Bytes record = {0,
                      static_cast<std::uint8_t>(value >> 8),
                      static_cast<std::uint8_t>(value),
                      0,
                      1,
                      0,
                      0,
                      0,
                      0,
                      static_cast<std::uint8_t>(data.size() >> 8),
                      static_cast<std::uint8_t>(data.size())};
      record.insert(record.end(), data.begin(), data.end());
      ldns_rr* rr = nullptr;
      std::size_t at = 0;
      ASSERT_EQ(ldns_wire2rr(&rr, record.data(), record.size(), &at, LDNS_SECTION_ANSWER), LDNS_STATUS_OK)
          << value;
      std::string text;
      bool printed = true;
      for (std::size_t i = 0; i < ldns_rr_rd_count(rr); ++i) {
        char* field = ldns_rdf2str(ldns_rr_rdf(rr, i));
        printed = printed && field != nullptr;
        text += std::string(i > 0 ? " " : "") + (field != nullptr ? field : "");
        std::free(field);
      }
      ldns_rr_free(rr);
      if (!printed) continue;  // such as IPSECKEY without a key
      ++compared;
      const auto parsed = parse_rdata_text(RRType{value}, text, Name());
      ASSERT_TRUE(parsed.has_value())
          << to_string(RRType{value}) << ' ' << text << ": " << parsed.error().message;
      EXPECT_EQ(*parsed, data) << to_string(RRType{value}) << ' ' << text;
    }
  }
  EXPECT_GT(compared, 3000u);
}

TEST(Presentation, GenericFormOfAnyType) {
  EXPECT_EQ(parse(RRType::A, "\\# 4 0a000001"), (Bytes{10, 0, 0, 1}));
  EXPECT_EQ(parse(RRType::A, "\\# 4 0A 00 00 01"), (Bytes{10, 0, 0, 1}));
  EXPECT_EQ(parse(RRType{65280}, "\\# 0"), Bytes());
  EXPECT_EQ(parse(RRType{65280}, "\\# 3 abcDEF"), (Bytes{0xab, 0xcd, 0xef}));
  for (const char* wrong : {"\\#", "\\# 4", "\\# 4 0a0000", "\\# 4 0a00000001", "\\# x 00", "\\# 1 0",
                            "\\# 1 zz", "\\# 65536 00", "\\# -1", "\\# 3 0a0000"}) {
    EXPECT_NE(refusal(RRType::A, wrong), "") << wrong;
  }
  // Known types are checked in this form too.
  EXPECT_NE(refusal(RRType::MX, "\\# 3 000a02").find("name in its data"), std::string::npos);
  EXPECT_NE(refusal(RRType{65280}, "10.0.0.1").find("generic form"), std::string::npos);
  EXPECT_NE(refusal(RRType{11}, "10.0.0.1 TCP smtp").find("generic form"), std::string::npos);
  // In quotes it is a string like any other.
  EXPECT_EQ(parse(RRType::TXT, "\"\\# 1\""), (Bytes{3, '#', ' ', '1'}));
}

TEST(Presentation, RecordsOfTypesThatOthersMayNotKnow) {
  const Bytes strings = {1, 'a'};
  EXPECT_EQ(record_text({origin, RRType{261}, 60, strings}), "example.com. 60 IN TYPE261 \\# 2 0161");
  EXPECT_EQ(record_text({origin, RRType{65280}, 60, {}}), "example.com. 60 IN TYPE65280 \\# 0");
  // Malformed data of a known type: never a text that says something else.
  EXPECT_EQ(record_text({origin, RRType::A, 60, strings}), "example.com. 60 IN TYPE1 \\# 2 0161");
  EXPECT_EQ(parse(RRType{261}, "qnamemin exterr=15-17 \"infourl=https://x/?a\""),
            parse(RRType::TXT, "qnamemin exterr=15-17 \"infourl=https://x/?a\""));
  // A type bitmap names only what every server reads.
  EXPECT_EQ(rdata_text(RRType::NSEC, Bytes{0, 0, 9, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x20}), ". A TYPE66");
}

TEST(Presentation, StringsWithAnyOctets) {
  Bytes all = {255};
  for (int c = 0; c < 255; ++c) all.push_back(static_cast<std::uint8_t>(c));
  EXPECT_EQ(parse(RRType::TXT, rdata_text(RRType::TXT, all)), all);
  EXPECT_EQ(parse(RRType::TXT, "a b \"c d\" \"\" \"e\\\"f\\\\\\103\" \"g;h(i)\""),
            (Bytes{1,   'a', 1,    'b', 3, 'c', ' ', 'd', 0,   5,   'e',
                   '"', 'f', '\\', 'g', 6, 'g', ';', 'h', '(', 'i', ')'}));
  EXPECT_EQ(rdata_text(RRType::TXT, Bytes{3, '"', '\\', 1, 0}), "\"\\\"\\\\\\001\" \"\"");
  EXPECT_NE(refusal(RRType::TXT, std::string(256, 'a')).find("255"), std::string::npos);
  EXPECT_EQ(parse(RRType::TXT, std::string(255, 'a')).size(), 256u);
  EXPECT_NE(refusal(RRType::TXT, ""), "");
  EXPECT_NE(refusal(RRType::TXT, "\"open"), "");
  EXPECT_NE(refusal(RRType::TXT, "\\300"), "");
  EXPECT_NE(refusal(RRType::TXT, "x=\"y z\""),
            "");  // would be read as three strings, or as one, or with its quotes
}

TEST(Presentation, NamesAreCompletedEverywhere) {
  const auto name = [](std::string_view text) {
    const Name made = Name::from_text(text).value();
    return Bytes(made.data(), made.data() + made.size());
  };
  EXPECT_EQ(parse(RRType::NS, "ns1"), name("ns1.example.com."));
  EXPECT_EQ(parse(RRType::NS, "@"), name("example.com."));
  EXPECT_EQ(parse(RRType::NS, "ns1."), name("ns1."));
  // ldns takes these as absolute in silence.
  Bytes ipseckey = {10, 3, 2}, amtrelay = {10, 3};
  for (Bytes* data : {&ipseckey, &amtrelay}) {
    const Bytes gateway = name("gw.example.com.");
    data->insert(data->end(), gateway.begin(), gateway.end());
  }
  EXPECT_EQ(parse(RRType{45}, "10 3 2 gw"), ipseckey);
  EXPECT_EQ(parse(RRType{260}, "10 0 3 gw"), amtrelay);
  const Bytes hip = parse(RRType{55}, "2 2001 AQID rvs");
  const Bytes server = name("rvs.example.com.");
  ASSERT_GT(hip.size(), server.size());
  EXPECT_TRUE(std::equal(server.rbegin(), server.rend(), hip.rbegin()));
  // 184 octets, but over 255 characters: too much for ldns_rr_new_frm_str as an owner.
  std::string escaped;
  for (int i = 0; i < 180; ++i) escaped += i % 60 == 59 ? "\\255." : "\\255";
  EXPECT_EQ(parse(RRType::CNAME, escaped).size(), 184u);
}

TEST(Presentation, ServiceParameters) {
  // RFC 9460 appendix D.2.
  EXPECT_EQ(parse(RRType::SVCB, "0 foo.example.com."), parse(RRType::SVCB, "0 foo"));
  EXPECT_EQ(parse(RRType::SVCB, "16 foo.example.com. port=53"),
            parse(RRType::SVCB, "\\# 25 0010 03666f6f076578616d706c6503636f6d00 0003 0002 0035"));
  EXPECT_EQ(parse(RRType::SVCB, "1 foo.example.com. key667=hello"),
            parse(RRType::SVCB, "\\# 28 000103666f6f076578616d706c6503636f6d00029b000568656c6c6f"));
  EXPECT_EQ(parse(RRType::SVCB, "1 foo.example.com. key667=\"hello\\210qoo\""),
            parse(RRType::SVCB, "\\# 32 000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f"));
  EXPECT_EQ(parse(RRType::SVCB, "1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\""),
            parse(RRType::SVCB,
                  "\\# 55 000103666f6f076578616d706c6503636f6d0000060020"
                  "20010db800000000000000000000000120010db8000000000000000000530001"));
  const Bytes ordered = parse(RRType::SVCB,
                              "\\# 48 001003666f6f076578616d706c65036f7267000000000400010004"
                              "00010009026832056833 2d3139 0004 0004 c0000201");
  EXPECT_EQ(
      parse(RRType::SVCB, "16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1"),
      ordered);
  const Bytes escaped =
      parse(RRType::SVCB, "\\# 35 001003666f6f076578616d706c65036f72670000010 00c08665c6f6f2c626172026832");
  EXPECT_EQ(parse(RRType::SVCB, "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\""), escaped);
  EXPECT_EQ(parse(RRType::SVCB, "16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2"), escaped);
  for (const char* wrong : {"1 . port=65536", "1 . port=", "1 . port", "1 . alpn=", "1 . alpn=a,,b",
                            "1 . ipv4hint=1.2.3", "1 . no-default-alpn=x", "1 . key123=a key123=b",
                            "1 . mandatory=mandatory", "1 . mandatory=port,port", "1 . key65536=a",
                            "1 . key01=a", "1 . unknown=a", "1 . ech=*", "1 . port=1 alpn=\"a"}) {
    EXPECT_NE(refusal(RRType::HTTPS, wrong), "") << wrong;
  }
  // Broken data of a known parameter has no own form that means these octets.
  EXPECT_TRUE(rdata_text(RRType::HTTPS, Bytes{0, 1, 0, 0, 3, 0, 1, 7}).starts_with("\\# 8"));
}

TEST(Presentation, LocationsAndPrefixes) {
  // RFC 1876 4 and RFC 3123 9.
  EXPECT_EQ(parse(RRType{29}, "42 21 54 N 71 06 18 W -24m 30m"),
            parse(RRType{29}, "\\# 16 00331613 8917 2dd0 70be 15f0 0098 8d20"));
  EXPECT_EQ(parse(RRType{42}, "1:192.168.32.0/21 !1:192.168.38.0/28"),
            (Bytes{0, 1, 21, 3, 192, 168, 32, 0, 1, 28, 0x83, 192, 168, 38}));
  // A size of 15 * 10^15 m cannot be written.
  Bytes impossible(16);
  impossible[1] = 0xff;
  EXPECT_TRUE(rdata_text(RRType{29}, impossible).starts_with("\\# 16"));
}

TEST(Presentation, WhatIsWrongIsNamed) {
  const std::pair<RRType, std::pair<const char*, const char*>> cases[] = {
      {RRType::A, {"10.0.0.256", "'10.0.0.256' is not an IPv4 address"}},
      {RRType::A, {"10.0.0.1 x", "'x' is more than it takes"}},
      {RRType::A, {"", "too little"}},
      {RRType::AAAA, {"1.2.3.4", "IPv6"}},
      {RRType::MX, {"65536 a", "0 to 65535"}},
      {RRType::MX, {"10 a..b", "empty label"}},
      {RRType::SOA, {"a b 1 2 3 4", "too little"}},
      {RRType::SOA, {"a b 4294967296 2 3 4 5", "0 to 4294967295"}},
      {RRType::SOA, {"a b 1 2x 3 4 5", "1h30m"}},
      {RRType::DS, {"1 8 2 abc", "hex"}},
      {RRType::DS, {"1 8 2", "shorter"}},
      {RRType::DNSKEY, {"256 3 8 A=AA", "base64"}},
      {RRType::DNSKEY, {"256 3 NOSUCH AAAA", "mnemonic"}},
      {RRType::RRSIG, {"A 8 2 1 20241301000000 20240101000000 1 . AAAA", "YYYYMMDDHHmmSS"}},
      {RRType::NSEC, {"a A NOSUCH", "record type"}},
      {RRType::NSEC3, {"1 0 1 abc 00 A", "hex"}},
      {RRType::CAA, {"0 is_sue x", "tag"}},
      {RRType{45}, {"1 7 2 x", "generic form"}},
      {RRType{108}, {"00-00-5e-00-53-2a junk", "too much"}},
  };
  for (const auto& [type, pair] : cases) {
    EXPECT_NE(refusal(type, pair.first).find(pair.second), std::string::npos)
        << to_string(type) << ' ' << pair.first << " -> " << refusal(type, pair.first);
  }
}

TEST(Presentation, TimesAndMnemonics) {
  EXPECT_EQ(
      rdata_text(RRType::RRSIG, parse(RRType::RRSIG, "A RSASHA256 2 1h 1709210096 20240101000000 1 . AAAA")),
      "A 8 2 3600 20240229123456 20240101000000 1 . AAAA");
  EXPECT_EQ(parse(RRType{37}, "PKIX 1 RSASHA256 AQID"), parse(RRType{37}, "1 1 8 AQID"));
}

TEST(Durations, UnitsAndLimits) {
  EXPECT_EQ(parse_duration("0"), 0u);
  EXPECT_EQ(parse_duration("4294967295"), 4294967295u);
  EXPECT_EQ(parse_duration("1w2d3h4m5s"), 788645u);
  EXPECT_EQ(parse_duration("1H30M"), 5400u);
  for (const char* wrong :
       {"", "h", "1h30", "1x", "-1", "1.5h", "4294967296", "99999999999999999999", "8000w", " 1", "1 h"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace understudy::dns
