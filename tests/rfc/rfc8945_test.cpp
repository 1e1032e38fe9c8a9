// RFC 8945: Secret Key Transaction Authentication for DNS (TSIG).
#include "dns/tsig.h"

#include "support/plain_tsig.h"
#include "support/test_server.h"

namespace understudy::test {
namespace {

constexpr std::uint64_t now = 1'700'000'000;
constexpr std::size_t large_records = 9;  // of 112 octets each: with a signature just what 1232 hold

const Secret ours{name("xfr.example"), Bytes(32, 7)}, reader{name("read.example"), Bytes(32, 9)};

dns::TsigKeyRingPtr keys(const std::vector<Secret>& secrets = {ours, reader}) {
  auto ring = std::make_shared<dns::TsigKeyRing>();
  for (const Secret& secret : secrets) {
    const auto called = dns::Name::from_text(text_of(secret.name)).value();
    ring->add(dns::TsigKey::make(called, dns::TsigAlgorithm::hmac_sha256, secret.octets).value());
  }
  return ring;
}

server::PipelineOptions with_keys() {
  server::PipelineOptions options;
  options.keys = keys();
  return options;
}

net::AccessRule rule(std::string_view text) { return net::AccessRule::parse(text).value(); }

ZoneText zone_text() {
  ZoneText text = zone("test.", R"(
    test. 60 SOA ns.test. h.test. 1 2 3 4 5
    test. 60 NS ns.test.
    ns.test. 60 A 192.0.2.1
  )");
  for (unsigned i = 0; i < large_records; ++i) {
    Rr record{name("large.test"), type::TXT, 60, Bytes(100, static_cast<std::uint8_t>(i))};
    record.rdata[0] = 99;
    text.records.push_back(record);
  }
  text.policy.allow_transfer = {rule("key:xfr.example."), rule("192.0.2.0/24 key:read.example.")};
  text.policy.allow_notify = text.policy.allow_transfer;
  return text;
}

class Rfc8945 : public ::testing::Test {
 protected:
  Rfc8945() { server_.clock().set(now); }

  Bytes exchange(const Bytes& query) {
    const auto response = server_.exchange(query);
    if (!response) throw std::runtime_error("no response");
    return *response;
  }
  static Bytes plain(std::string_view owner = "ns.test", std::uint16_t rr_type = type::A) {
    Query query;
    query.name = name(owner);
    query.type = rr_type;
    return encode(query);
  }
  void expect_unsigned_error(const Bytes& response, unsigned error) {
    const Message read = decode(response);
    EXPECT_EQ(read.rcode, rcode::notauth);
    EXPECT_TRUE(read.answer.empty());
    ASSERT_TRUE(read.tsig);
    EXPECT_EQ(read.tsig->error, error);
    EXPECT_TRUE(read.tsig->mac.empty());
  }

  TestMirror server_{{zone_text()}, with_keys()};
};

// "When verifying an incoming message, the TSIG is checked against the message after the TSIG RR has been
// removed, the ARCOUNT decremented, and the message ID replaced by the original message ID from the TSIG if
// those IDs differ."
TEST_F(Rfc8945, Section4_3_2OriginalId) {
  Bytes query = with_tsig(plain(), ours, {now});
  const Bytes mac = mac_of(query);
  query[0] ^= 0x55;
  const Bytes response = exchange(query);
  EXPECT_EQ(response[0], query[0]);
  EXPECT_EQ(decode(response).rcode, rcode::noerror);
  EXPECT_TRUE(is_signed(response, ours, {mac}));
}

// "If an incoming message contains a TSIG record, it MUST be the last record in the additional section.
// Multiple TSIG records are not allowed. If multiple TSIG records are detected or a TSIG record is present in
// any other position, the DNS message is dropped and a response with RCODE 1 (FORMERR) MUST be returned."
TEST_F(Rfc8945, Section5_2OneRecordAtTheEnd) {
  const Bytes good = with_tsig(plain(), ours, {now});
  EXPECT_EQ(decode(exchange(good)).rcode, rcode::noerror);
  const Bytes record(good.begin() + static_cast<std::ptrdiff_t>(plain().size()), good.end());
  Bytes twice = good;
  twice.insert(twice.end(), record.begin(), record.end());
  twice[11] = 2;
  Bytes before_opt = good;
  for (const int octet : {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0})
    before_opt.push_back(static_cast<std::uint8_t>(octet));
  before_opt[11] = 2;
  Bytes in_answer = good;
  in_answer[7] = 1;
  in_answer[11] = 0;
  Bytes in_authority = good;
  in_authority[9] = 1;
  in_authority[11] = 0;
  for (const Bytes& bad : {twice, before_opt, in_answer, in_authority}) {
    const Message response = decode(exchange(bad));
    EXPECT_EQ(response.rcode, rcode::formerr);
    EXPECT_FALSE(response.tsig);
  }
}

// "If the TSIG RR cannot be interpreted, the server MUST regard the message as corrupt and return a FORMERR
// to the server." (To the client, that is.)
TEST_F(Rfc8945, Section5_2ARecordThatCannotBeInterpreted) {
  const Bytes good = with_tsig(plain(), ours, {now});
  for (std::size_t cut = 1; cut < 40; ++cut) {
    Bytes bad(good.begin(), good.end() - static_cast<std::ptrdiff_t>(cut));
    const std::size_t length_at = plain().size() + 13 + 8;
    bad[length_at + 1] = static_cast<std::uint8_t>(bad[length_at + 1] - cut);
    EXPECT_EQ(decode(exchange(bad)).rcode, rcode::formerr) << cut;
  }
}

// "If a non-forwarding server does not recognize the key or algorithm used by the client (or recognizes the
// algorithm but does not implement it), the server MUST generate an error response with RCODE 9 (NOTAUTH) and
// TSIG ERROR 17 (BADKEY). This response MUST be unsigned as specified in Section 5.3.2."
TEST_F(Rfc8945, Section5_2_1UnknownKeyOrAlgorithm) {
  Secret other = ours, way = ours;
  other.name = name("other.example");
  way.algorithm = "hmac-sha512";
  for (const Secret& secret : {other, way}) {
    const Bytes response = exchange(with_tsig(plain(), secret, {now}));
    expect_unsigned_error(response, 17);
    EXPECT_TRUE(same(decode(response).tsig->key, secret.name));
  }
}

// "If the MAC fails to verify, the server MUST generate an error response as specified in Section 5.3.2 with
// RCODE 9 (NOTAUTH) and TSIG ERROR 16 (BADSIG). This response MUST be unsigned, as specified in Section
// 5.3.2."
TEST_F(Rfc8945, Section5_2_2WrongMac) {
  Secret wrong = ours;
  wrong.octets[0] ^= 1;
  expect_unsigned_error(exchange(with_tsig(plain(), wrong, {now})), 16);
  Bytes changed = with_tsig(plain(), ours, {now});
  changed[13] ^= 1;  // another name is asked for
  expect_unsigned_error(exchange(changed), 16);
}

// "If the MAC Size field is greater than the keyed hash output length", and "If the MAC Size field is less
// than the larger of 10 (octets) and half the length of the hash function in use": "this case MUST NOT be
// generated and, if received, MUST cause the DNS message to be dropped and RCODE 1 (FORMERR) to be returned."
TEST_F(Rfc8945, Section5_2_2_1LengthsThatNobodyMaySend) {
  for (const std::size_t octets : {0u, 1u, 9u, 10u, 15u, 33u, 64u}) {
    const Message response = decode(exchange(with_mac(plain(), ours, {now}, Bytes(octets, 1))));
    EXPECT_EQ(response.rcode, rcode::formerr) << octets;
    EXPECT_FALSE(response.tsig);
  }
}

// "A response indicating a BADTIME error MUST be signed by the same key as the request. It MUST include the
// client's current time in the Time Signed field, the server's current time (an unsigned 48-bit integer) in
// the Other Data field, and 6 in the Other Len field. ... In addition, the Fudge field MUST be set to the
// fudge value received from the client." (That the server "SHOULD also cache the most recent Time Signed
// value" and return BADTIME for an earlier one is not done: datagrams that overtake one another would be
// refused. See docs/decisions/0016.)
TEST_F(Rfc8945, Section5_2_3BadTime) {
  for (const std::uint64_t then : {now - 101, now + 101, std::uint64_t{0}, std::uint64_t{0xffffffffffff}}) {
    const Bytes query = with_tsig(plain(), ours, {then, 100});
    const Bytes response = exchange(query);
    const Message read = decode(response);
    EXPECT_EQ(read.rcode, rcode::notauth);
    ASSERT_TRUE(read.tsig);
    EXPECT_EQ(read.tsig->error, 18);
    EXPECT_EQ(read.tsig->time, then);
    EXPECT_EQ(read.tsig->fudge, 100);
    EXPECT_EQ(read.tsig->other, from_hex("00006553f100"));  // 1700000000
    EXPECT_TRUE(is_signed(response, ours, {mac_of(query)}));
  }
  for (const std::uint64_t then : {now - 100, now + 100})
    EXPECT_EQ(decode(exchange(with_tsig(plain(), ours, {then, 100}))).rcode, rcode::noerror);
}

// "To validate the received TSIG RR, the server MUST perform the following checks in the following order: 1.
// Check key 2. Check MAC 3. Check time values 4. Check truncation policy". So a wrong MAC tells nothing of
// the time.
TEST_F(Rfc8945, Section5_2TheOrderOfChecks) {
  Secret wrong = ours;
  wrong.octets[0] ^= 1;
  expect_unsigned_error(exchange(with_tsig(plain(), wrong, {now - 1000})), 16);
  wrong.name = name("other.example");
  expect_unsigned_error(exchange(with_tsig(plain(), wrong, {now - 1000})), 17);
}

// "If a TSIG is received with truncation that is permitted per Section 5.2.2.1 but the MAC is too short for
// the local policy in force, an RCODE 9 (NOTAUTH) and TSIG ERROR 22 (BADTRUNC) MUST be returned." 5.2.2.1:
// "The request MAC used when calculating the TSIG MAC for a reply is the truncated request MAC."
TEST_F(Rfc8945, Section5_2_4TooShortForUs) {
  Bytes mac = mac_of(with_tsig(plain(), ours, {now}));
  for (const std::size_t octets : {31u, 16u}) {
    mac.resize(octets);
    const Bytes response = exchange(with_mac(plain(), ours, {now}, mac));
    const Message read = decode(response);
    EXPECT_EQ(read.rcode, rcode::notauth);
    ASSERT_TRUE(read.tsig);
    EXPECT_EQ(read.tsig->error, 22);
    EXPECT_TRUE(is_signed(response, ours, {mac}));
  }
}

// "When a server has generated a response to a signed request, it signs the response using the same algorithm
// and key." "It also MUST NOT generate a signed response to an unsigned request" (but for TKEY).
TEST_F(Rfc8945, Section5_3AnswersAreSignedAsTheirQuestionsAre) {
  for (const Secret& secret : {ours, reader}) {
    for (const char* owner : {"ns.test", "none.test", "elsewhere.example"}) {
      const Bytes query = with_tsig(plain(owner), secret, {now});
      const Bytes response = exchange(query);
      EXPECT_TRUE(is_signed(response, secret, {mac_of(query)})) << owner;
      Bytes bare = exchange(plain(owner));
      EXPECT_FALSE(decode(bare).tsig);
      bare[11] = 1;
      const std::size_t at = decode(response).tsig->at;
      EXPECT_EQ(Bytes(response.begin(), response.begin() + static_cast<std::ptrdiff_t>(at)), bare) << owner;
    }
  }
}

// "If addition of the TSIG record will cause the message to be truncated, the server MUST alter the response
// so that a TSIG can be included. This response contains only the question and a TSIG record, has the TC bit
// set, and has an RCODE of 0 (NOERROR)."
TEST_F(Rfc8945, Section5_3ATruncatedAnswerIsSignedToo) {
  for (unsigned size = 512; size <= 1232; size += 8) {
    Query large;
    large.name = name("large.test");
    large.type = type::TXT;
    large.edns = true;
    large.udp_size = static_cast<std::uint16_t>(size);
    const Bytes query = with_tsig(encode(large), ours, {now});
    const Bytes response = exchange(query);
    const Message read = decode(response);
    EXPECT_LE(response.size(), size);
    EXPECT_EQ(read.rcode, rcode::noerror);
    EXPECT_TRUE(is_signed(response, ours, {mac_of(query)}));
    EXPECT_NE(read.tc(), read.answer.size() == large_records);
  }
}

// Names that leave no room for a signature beside the question: nothing is written past what the client
// takes.
TEST_F(Rfc8945, Section5_3NamesOfTheGreatestLength) {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
  Secret unknown = ours;
  unknown.name = name(longest);
  for (const bool edns : {false, true}) {
    Query query;
    query.name = name(longest);
    query.edns = edns;
    query.udp_size = 512;
    const Bytes response = exchange(with_tsig(encode(query), unknown, {now}));
    EXPECT_LE(response.size(), 512u);
    EXPECT_TRUE(decode(response).rcode == rcode::notauth || decode(response).rcode == rcode::formerr);
  }
}

// Access lists are ours, not the RFC's. What a signature opens: a transfer.
TEST_F(Rfc8945, AccessByKey) {
  const auto soa = [this](const char* client, const Secret* secret) {
    server_.come_from(client);
    const Bytes query = [] {
      Query ixfr;
      ixfr.name = name("test");
      ixfr.type = type::IXFR;
      Bytes octets = encode(ixfr);
      octets[9] = 1;
      for (const char c :
           std::string_view("\4test\0\0\6\0\1\0\0\0\0\0\26\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 38))
        octets.push_back(static_cast<std::uint8_t>(c));
      return octets;
    }();
    return decode(exchange(secret != nullptr ? with_tsig(query, *secret, {now}) : query)).rcode;
  };
  EXPECT_EQ(soa("198.51.100.1", nullptr), rcode::refused);
  EXPECT_EQ(soa("192.0.2.1", nullptr), rcode::refused) << "the address alone is not enough";
  EXPECT_EQ(soa("198.51.100.1", &ours), rcode::noerror);
  EXPECT_EQ(soa("198.51.100.1", &reader), rcode::refused) << "that key is good from one network only";
  EXPECT_EQ(soa("192.0.2.1", &reader), rcode::noerror);
}

// And a NOTIFY that is believed: what an entry of its address or key demands is not to be had unsigned, nor
// with a signature that is no good.
TEST_F(Rfc8945, NotifyByKey) {
  const auto notify = [this](const char* client, const Secret* secret) {
    server_.come_from(client);
    const Bytes octets = encode(Query{.name = name("test"), .type = type::SOA, .flags = 4 << 11});
    return decode(exchange(secret != nullptr ? with_tsig(octets, *secret, {now}) : octets)).rcode;
  };
  Secret wrong = ours;
  wrong.octets[0] ^= 1;
  EXPECT_EQ(notify("192.0.2.1", nullptr), rcode::refused);
  EXPECT_EQ(notify("192.0.2.1", &reader), rcode::noerror);
  EXPECT_EQ(notify("198.51.100.1", &reader), rcode::refused);
  EXPECT_EQ(notify("198.51.100.1", &ours), rcode::noerror);
  EXPECT_EQ(notify("198.51.100.1", &wrong), rcode::notauth);
}

// Keys come and go with the configuration; what is asked next goes by those that are there then.
TEST_F(Rfc8945, KeysAreReplaced) {
  const auto answered = [this](const Secret& secret) {
    return decode(exchange(with_tsig(plain(), secret, {now}))).rcode;
  };
  EXPECT_EQ(answered(ours), rcode::noerror);
  Secret next = ours;
  next.octets[0] ^= 1;
  server_.believe(keys({next}));
  EXPECT_EQ(answered(ours), rcode::notauth);
  EXPECT_EQ(answered(reader), rcode::notauth);
  EXPECT_EQ(answered(next), rcode::noerror);
  server_.believe(nullptr);
  EXPECT_EQ(answered(next), rcode::notauth);
}

class Stream : public ::testing::Test {
 protected:
  static ZoneText large() {
    ZoneText text = zone_text();
    for (unsigned i = 0; i < 4000; ++i)
      text.records.push_back(rr("h" + std::to_string(i) + ".test. 60 TXT \"" + std::string(60, 'x') + '"'));
    return text;
  }
  server::ServerOptions options() {
    server::ServerOptions options;
    options.clock = &clock_;
    options.pipeline = with_keys();
    return options;
  }
  ManualClock clock_;
  TestServer server_{{large()}, options()};
  const Bytes axfr_ = [] {
    Query query;
    query.name = name("test");
    query.type = type::AXFR;
    return encode(query);
  }();
  const std::uint64_t time_ = static_cast<std::uint64_t>(clock_.wall());
};

// "The TSIG MUST be included on all DNS messages in the response." "The first message is processed as a
// standard answer (see Section 5.3), but subsequent messages have the following digest components": the prior
// MAC, the message, the timers.
TEST_F(Stream, Section5_3_1EveryMessageOfATransferIsSigned) {
  TcpClient client(server_.address());
  const Bytes query = with_tsig(axfr_, ours, {time_});
  client.send(framed(query));
  Bytes prior = mac_of(query);
  std::size_t records = 0;
  unsigned soas = 0, messages = 0;
  for (; soas < 2; ++messages) {
    const auto octets = client.message();
    ASSERT_TRUE(octets);
    const Message message = decode(*octets);
    ASSERT_EQ(message.rcode, rcode::noerror);
    ASSERT_TRUE(is_signed(*octets, ours, {prior, messages > 0})) << messages;
    prior = mac_of(*octets);
    records += message.answer.size();
    for (const Rr& record : message.answer) soas += record.type == type::SOA;
  }
  EXPECT_EQ(records, large().records.size() + 1);
  EXPECT_GT(messages, 10u);
  EXPECT_EQ(server_.transfers("success"), 1u);
}

TEST_F(Stream, Section5_3_1WithoutTheKeyThereIsNoTransfer) {
  TcpClient client(server_.address());
  client.send(framed(axfr_));
  EXPECT_EQ(decode(client.message().value()).rcode, rcode::refused);
  Secret wrong = ours;
  wrong.octets[0] ^= 1;
  client.send(framed(with_tsig(axfr_, wrong, {time_})));
  EXPECT_EQ(decode(client.message().value()).rcode, rcode::notauth);
  EXPECT_EQ(server_.transfers("success"), 0u);
}

// The other side of it: what we take from a primary.
class Asking : public ::testing::Test {
 protected:
  void SetUp() override {
    clock_.set(now);
    ASSERT_TRUE(verifier_.sign(query_));
    prior_ = mac_of(query_);
  }
  Bytes signed_message(bool first) {
    const Bytes message = with_tsig(response_, ours, {now}, {prior_, !first});
    prior_ = mac_of(message);
    return message;
  }
  const Bytes response_ = [] {
    Bytes octets = encode(Query{.name = name("test"), .type = type::AXFR, .flags = 0x8400});
    return octets;
  }();
  StillClock clock_;
  dns::TsigVerifier verifier_{keys()->find(dns::Name::from_text("xfr.example").value()), clock_};
  Bytes query_ = encode(Query{.name = name("test"), .type = type::AXFR});
  Bytes prior_;
};

// "For backward compatibility, a client that receives DNS messages and verifies TSIG MUST accept up to 99
// intermediary messages without a TSIG and MUST verify that both the first and last message contain a TSIG."
TEST_F(Asking, Section5_3_1UpToNinetyNineWithoutTsig) {
  EXPECT_TRUE(is_signed(query_, ours, {}));
  EXPECT_EQ(verifier_.check(response_).error().reason, "tsig-missing");
  ASSERT_TRUE(verifier_.check(signed_message(true)));
  EXPECT_TRUE(verifier_.end());
  for (int i = 0; i < 99; ++i) ASSERT_TRUE(verifier_.check(response_)) << i;
  EXPECT_FALSE(verifier_.end());
  EXPECT_EQ(verifier_.check(response_).error().reason, "tsig-missing");
}

// "'DNS Messages' comprises the concatenation (in message order) of all messages after the last message that
// included a TSIG and includes the current message." One that was changed on its way is found out by the next
// signature.
TEST_F(Asking, Section5_3_1UnsignedMessagesAreVouchedForByTheNext) {
  ASSERT_TRUE(verifier_.check(signed_message(true)));
  Bytes changed = response_;
  changed[13] ^= 1;
  ASSERT_TRUE(verifier_.check(changed));
  EXPECT_EQ(verifier_.check(signed_message(false)).error().reason, "tsig-badsig");
}

// "In this case, the client SHOULD log the event. DNS resolvers MUST NOT adjust any clocks in the client
// based on BADTIME errors, but the server's time in the Other Data field SHOULD be logged."
TEST_F(Asking, Section5_4_3BothClocksAreTold) {
  Bytes refusal = encode(Query{.name = name("test"), .type = type::AXFR, .flags = 0x8009});
  Bytes late = with_mac(refusal, ours, {now}, Bytes(32, 1), 18);
  late.resize(late.size() - 1);
  late.push_back(6);
  for (const std::uint8_t octet : from_hex("00006553f4e8")) late.push_back(octet);  // 1700001000
  late[refusal.size() + 13 + 9] = static_cast<std::uint8_t>(late[refusal.size() + 13 + 9] + 6);
  const auto told = verifier_.check(late);
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().reason, "tsig-badtime");
  EXPECT_NE(told.error().message.find("2023-11-14T22:30:00Z"), std::string::npos) << told.error().message;
  EXPECT_NE(told.error().message.find("2023-11-14T22:13:20Z"), std::string::npos) << told.error().message;
}

}  // namespace
}  // namespace understudy::test
