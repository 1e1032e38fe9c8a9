// RFC 7873, Domain Name System (DNS) cookies, with RFC 9018, Interoperable DNS server cookies.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

constexpr std::uint16_t cookie_code = 10;  // 4

server::CookieSecret secret(std::string_view hex) {
  const Bytes octets = from_hex(hex);
  server::CookieSecret out;
  std::copy(octets.begin(), octets.end(), out.begin());
  return out;
}

server::PipelineOptions with_secrets(std::string_view active, std::string_view other = {}) {
  server::PipelineOptions options;
  options.cookies.active = secret(active);
  if (!other.empty()) options.cookies.other = secret(other);
  return options;
}

constexpr const char* lines = "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.\na.test. 60 A 192.0.2.1";
constexpr std::string_view one = "e5e973e5a6b2a43f48e7dc849e37bfcf", old = "dd3bdf9344b678b185a6f5cb60fca715",
                           fresh = "445536bcd2513298075a5d379663c962";

class Cookies : public ::testing::Test {
 protected:
  explicit Cookies(const server::PipelineOptions& options = with_secrets(one))
      : server_({zone("test.", lines)}, options) {}

  Message ask(std::string_view cookie) {
    return server_.ask(
        Query{.name = name("a.test."), .edns = true, .options = option(cookie_code, from_hex(cookie))});
  }
  // What is answered to `cookie` from there and then.
  Bytes learn(std::string_view cookie, std::string_view client, UnixTime now) {
    server_.come_from(client);
    server_.clock().set(now);
    const Message got = ask(cookie);
    EXPECT_EQ(got.rcode, rcode::noerror);
    EXPECT_EQ(got.answer.size(), 1u);
    return option_of(got, cookie_code).value_or(Bytes());
  }

  TestMirror server_;
};

// RFC 9018 A.1: Learning a new Server Cookie.
TEST_F(Cookies, Rfc9018A1Learning) {
  EXPECT_EQ(learn("2464c4abcf10c957", "198.51.100.100", 1559731985),
            from_hex("2464c4abcf10c957010000005cf79f111f8130c3eee29480"));
}

// A.2: The same client learning a renewed (fresh) Server Cookie, 40 minutes later.
TEST_F(Cookies, Rfc9018A2Renewing) {
  EXPECT_EQ(learn("2464c4abcf10c957010000005cf79f111f8130c3eee29480", "198.51.100.100", 1559734385),
            from_hex("2464c4abcf10c957010000005cf7a871d4a564a1442aca77"));
}

// A.3: Another client learning a renewed Server Cookie: what it sent has reserved octets that are not zero.
TEST_F(Cookies, Rfc9018A3ReservedOctets) {
  EXPECT_EQ(learn("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "203.0.113.203", 1559734700),
            from_hex("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"));
}

class RolledCookies : public Cookies {
 protected:
  RolledCookies() : Cookies(with_secrets(fresh, old)) {}
};

// A.4: IPv6 query with rolled over secret: the cookie made with the other secret is believed, the new one is
// made with the active one.
TEST_F(RolledCookies, Rfc9018A4AnotherSecret) {
  EXPECT_EQ(learn("22681ab97d52c298010000005cf7c57926556bd0934c72f8", "2001:db8:220:1:59de:d0f4:8769:82b8",
                  1559741961),
            from_hex("22681ab97d52c298010000005cf7c609a6bb79d16625507a"));
}

// RFC 9018 4.3: "The DNS server SHOULD generate a new Server Cookie at least if the received Server Cookie
// from the client is more than half an hour old"; ours gives a younger one back.
TEST_F(Cookies, Rfc9018Section4_3TheYoungAreKept) {
  const std::string_view cookie = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
  const UnixTime made = 1559731985;
  EXPECT_EQ(learn(cookie, "198.51.100.100", made + 1800), from_hex(cookie));
  EXPECT_NE(learn(cookie, "198.51.100.100", made + 1801), from_hex(cookie));
  EXPECT_EQ(learn(cookie, "198.51.100.100", made - 300), from_hex(cookie));
  // "more than five minutes in the future": not valid, and so not given back.
  EXPECT_NE(learn(cookie, "198.51.100.100", made - 301), from_hex(cookie));
}

// RFC 9018 4.3: timestamps are compared by serial number arithmetic (RFC 1982), so that they are good behind
// 2038 and where the number begins anew. NSD 4.15 had that wrong.
TEST_F(Cookies, Rfc9018Section4_3BehindTheEndOfTime) {
  for (const UnixTime end : {1ll << 31, 1ll << 32}) {
    const Bytes made = learn("2464c4abcf10c957", "198.51.100.100", end - 10);
    server_.clock().set(end + 10);
    const Message got =
        server_.ask(Query{.name = name("a.test."), .edns = true, .options = option(cookie_code, made)});
    EXPECT_EQ(option_of(got, cookie_code), made) << end;  // young, so given back
  }
}

// RFC 7873 5.2.1: "If there is no OPT record or no COOKIE option present in the request, then the server
// responds to the request as if the server doesn't implement the COOKIE option."
TEST_F(Cookies, Section5_2_1NoCookie) {
  const Message got = server_.ask(Query{.name = name("a.test."), .edns = true});
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_FALSE(option_of(got, cookie_code).has_value());
}

// 5.2.2: "If the COOKIE option is too short to contain a Client Cookie, then FORMERR is generated. [...] In
// summary, valid cookie lengths are 8 and 16 to 40 inclusive."
TEST_F(Cookies, Section5_2_2Malformed) {
  for (const std::size_t size : {0u, 1u, 7u, 9u, 15u, 41u, 100u}) {
    const Message got = ask(std::string(2 * size, '1'));
    EXPECT_EQ(got.rcode, rcode::formerr) << size;
    EXPECT_TRUE(got.answer.empty()) << size;
  }
  for (const std::size_t size : {8u, 16u, 17u, 24u, 40u})
    EXPECT_EQ(ask(std::string(2 * size, '1')).rcode, 0u) << size;
}

// 5.2.3 and 5.2.4: with a client cookie only, or a server cookie that is not ours, the request is processed
// and the response has a cookie that is good from now on.
TEST_F(Cookies, Section5_2_4AForeignServerCookie) {
  const Bytes learnt = *option_of(ask("0102030405060708"), cookie_code);
  ASSERT_EQ(learnt.size(), 24u);
  const std::string hex_of_client = "0102030405060708";
  for (const std::string& server :
       {std::string(32, '0'), std::string(16, 'a'), "02" + std::string(30, '0')}) {
    const Message got = ask(hex_of_client + server);
    EXPECT_EQ(got.rcode, rcode::noerror);
    EXPECT_EQ(option_of(got, cookie_code), learnt) << server;
  }
  // Another client's is none of this client's.
  server_.come_from("192.0.2.99");
  EXPECT_NE(option_of(ask(hex_of_client), cookie_code), learnt);
}

// 5.2: "In all cases of multiple COOKIE options in a request, only the first (the one closest to the DNS
// header) is considered."
TEST_F(Cookies, Section5_2OnlyTheFirstCounts) {
  Bytes options = option(cookie_code, from_hex("0102030405060708"));
  const Bytes second = option(cookie_code, from_hex("01"));
  options.insert(options.end(), second.begin(), second.end());
  const Message got = server_.ask(Query{.name = name("a.test."), .edns = true, .options = options});
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_EQ(option_of(got, cookie_code)->size(), 24u);
}

// 5.4: "support queries with an empty Question Section (a QDCOUNT of zero (0)), provided that an OPT record
// is present with a COOKIE option."
TEST_F(Cookies, Section5_4WithoutAQuestion) {
  const auto empty = [&](const Bytes& options) {
    Bytes query = header(77, 0, 0, 0, 0, 1);
    query.push_back(0);
    append16(query, type::OPT);
    append16(query, 1232);
    append32(query, 0);
    append16(query, static_cast<std::uint16_t>(options.size()));
    query.insert(query.end(), options.begin(), options.end());
    return decode(server_.exchange(query).value());
  };
  const Message got = empty(option(cookie_code, from_hex("0102030405060708")));
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_TRUE(got.questions.empty());
  EXPECT_TRUE(got.answer.empty() && got.authority.empty() && got.additional.empty());
  ASSERT_TRUE(option_of(got, cookie_code).has_value());
  EXPECT_EQ(option_of(got, cookie_code)->size(), 24u);
  // "the response SHALL have the RCODE BADCOOKIE if the Server Cookie sent with the query was invalid and the
  // RCODE NOERROR if it was valid."
  EXPECT_EQ(empty(option(cookie_code, *option_of(got, cookie_code))).rcode, rcode::noerror);
  const Message renewed = empty(option(cookie_code, from_hex("0102030405060708" + std::string(32, '0'))));
  EXPECT_EQ(renewed.rcode, rcode::badcookie);
  EXPECT_EQ(option_of(renewed, cookie_code), option_of(got, cookie_code));
  EXPECT_EQ(empty({}).rcode, rcode::formerr);
  EXPECT_EQ(empty(option(cookie_code, {1})).rcode, rcode::formerr);
}

// 5.2.3: "Based on server policy, including rate limiting, the server chooses one of the following: [...] (2)
// Send a BADCOOKIE error response."; 5.2.5: with a valid one, "defensive measures for spoofed UDP requests,
// if any, are no longer required."
TEST(CookiesAndRates, Section5_2_3BadCookieWhereRatesAreLimited) {
  server::PipelineOptions options = with_secrets(one);
  options.rate_limit.responses_per_second = 1;
  options.rate_limit.slip = 1;
  TestMirror server({zone("test.", lines)}, options);
  Query query{
      .name = name("a.test."), .edns = true, .options = option(cookie_code, from_hex("0102030405060708"))};
  EXPECT_EQ(server.ask(query).rcode, rcode::noerror);
  const Message limited = server.ask(query);
  EXPECT_EQ(limited.rcode, rcode::badcookie);
  EXPECT_TRUE(limited.answer.empty());
  EXPECT_FALSE(limited.tc());
  query.options = option(cookie_code, *option_of(limited, cookie_code));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(server.ask(query).answer.size(), 1u);
  query.options.clear();
  EXPECT_TRUE(server.ask(query).tc());
}

}  // namespace

}  // namespace understudy::test
