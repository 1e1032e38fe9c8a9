// RFC 1035, Domain names: implementation and specification.
#include <gtest/gtest.h>

#include "support/test_mirror.h"

namespace understudy::test {

namespace {

class Rfc1035 : public ::testing::Test {
 protected:
  static std::string many_addresses() {
    std::string lines;
    for (int i = 0; i < 60; ++i) lines += "many.test. 60 A 192.0.2." + std::to_string(i) + "\n";
    return lines;
  }
  TestMirror server_{{zone("test.", R"(
    test. 60 SOA ns.test. h.test. 1 2 3 4 5
    test. 60 NS ns.test.
    ns.test. 60 A 192.0.2.53
    mail.test. 60 MX 10 mx.mail.test.
  )" + many_addresses())}};
};

// 4.1.1: "ID ... This identifier is copied the corresponding reply"; OPCODE: "This value is set by the
// originator of a query and copied into the response"; RD "is copied into the response".
TEST_F(Rfc1035, Section4_1_1CopiesIdOpcodeAndRd) {
  for (const std::uint16_t flags : std::initializer_list<std::uint16_t>{0x0000, 0x0100}) {
    Query query{.name = name("ns.test."), .id = 0xbeef, .flags = flags};
    const Message got = server_.ask(query);
    EXPECT_EQ(got.id, 0xbeef);
    EXPECT_TRUE(got.qr());
    EXPECT_EQ(got.opcode(), 0u);
    EXPECT_EQ(got.rd(), flags != 0);
    EXPECT_FALSE(got.ra());
    EXPECT_EQ(got.flags & 0x0040, 0);  // Z: "Must be zero in all queries and responses."
  }
}

// 4.1.2: the question section comes back.
TEST_F(Rfc1035, Section4_1_2RepeatsTheQuestion) {
  const Message got = server_.ask("ns.test.", "AAAA");
  ASSERT_EQ(got.questions.size(), 1u);
  EXPECT_EQ(got.questions[0].name, name("ns.test."));
  EXPECT_EQ(got.questions[0].type, type::AAAA);
  EXPECT_EQ(got.questions[0].qclass, 1);
}

// 4.2.1: "Messages carried by UDP are restricted to 512 bytes ... Longer messages are truncated and the TC
// bit is set".
TEST_F(Rfc1035, Section4_2_1TruncatesAt512Octets) {
  const Message datagram = server_.ask("many.test.", "A");
  EXPECT_LE(datagram.size, 512u);
  EXPECT_TRUE(datagram.tc());
  const Message whole = server_.ask_tcp("many.test.", "A");
  EXPECT_FALSE(whole.tc());
  EXPECT_EQ(whole.answer.size(), 60u);
}

// 4.1.4: a repeated name is a pointer to a prior occurrence: 60 addresses cost 16 octets each.
TEST_F(Rfc1035, Section4_1_4CompressesOwners) {
  const Message whole = server_.ask_tcp("many.test.", "A");
  EXPECT_EQ(whole.size, 12u + 11u + 4u + 60u * 16u);
}

TEST_F(Rfc1035, Section4_1_4CompressionKeepsNamesInDataWhole) {
  EXPECT_EQ(shown(server_.ask("mail.test.", "MX").answer), shown("mail.test. 60 MX 10 mx.mail.test."));
  EXPECT_EQ(shown(server_.ask("test.", "SOA").answer), shown("test. 60 SOA ns.test. h.test. 1 2 3 4 5"));
}

// 4.1.1 RCODE 1: "Format error - The name server was unable to interpret the query."
TEST_F(Rfc1035, Section4_1_1FormatErrors) {
  Bytes label_of_reserved_kind = header(7, 0, 1, 0, 0, 0);
  for (const int octet : std::initializer_list<int>{0x80, 'a', 0, 0, 1, 0, 1})
    label_of_reserved_kind.push_back(static_cast<std::uint8_t>(octet));
  Bytes ends_in_name = header(7, 0, 1, 0, 0, 0);
  for (const int octet : std::initializer_list<int>{4, 't', 'e'})
    ends_in_name.push_back(static_cast<std::uint8_t>(octet));
  Bytes without_class = header(7, 0, 1, 0, 0, 0);
  append_name(without_class, name("test."));
  append16(without_class, type::A);
  Bytes too_long = header(7, 0, 1, 0, 0, 0);
  append_name(too_long, Labels(5, std::string(63, 'x')));  // 2.3.4: names are 255 octets or less
  append32(too_long, 0x00010001);
  Bytes record_missing = encode({.name = name("test.")});
  record_missing[11] = 1;
  for (const Bytes& query : {label_of_reserved_kind, ends_in_name, without_class, too_long, record_missing}) {
    const auto response = server_.exchange(query);
    ASSERT_TRUE(response.has_value());
    ASSERT_GE(response->size(), 12u);
    EXPECT_EQ((*response)[0] << 8 | (*response)[1], query[0] << 8 | query[1]);
    EXPECT_EQ((*response)[2] & 0x80, 0x80);
    EXPECT_EQ((*response)[3] & 0x0f, rcode::formerr);
  }
}

// 4.1.1: without a whole header there is no ID to answer to, and a response is never answered.
TEST_F(Rfc1035, Section4_1_1NothingToAnswer) {
  EXPECT_FALSE(server_.exchange({}).has_value());
  EXPECT_FALSE(server_.exchange({0, 1, 0, 0, 0, 1}).has_value());
  EXPECT_FALSE(server_.exchange(encode({.name = name("test."), .flags = 0x8000})).has_value());
}

// 3.2.4 and 4.1.1 RCODE 5: no zone of another class is held.
TEST_F(Rfc1035, Section3_2_4OtherClassesAreRefused) {
  const Message got = server_.ask(Query{.name = name("ns.test."), .qclass = 3});
  EXPECT_EQ(got.rcode, rcode::refused);
  EXPECT_TRUE(got.answer.empty());
}

// 3.1: "labels ... any octet"; 2.3.4: labels of 63 octets and names of 255.
TEST(Rfc1035Names, Section2_3_4TheLongestNamesAreServed) {
  const std::string label(63, 'n');
  Labels longest(3, label);
  longest.push_back(std::string(57, 'm'));
  longest.push_back("tst");
  ASSERT_EQ(wire_size(longest), 255u);
  ZoneText text = zone("tst.", "tst. 60 SOA ns. h. 1 2 3 4 5\ntst. 60 NS ns.");
  text.records.push_back({longest, type::A, 60, {192, 0, 2, 1}});
  TestMirror server{{text}};
  const Message got = server.ask(Query{.name = longest});
  EXPECT_EQ(got.rcode, rcode::noerror);
  EXPECT_EQ(got.answer.size(), 1u);
  EXPECT_EQ(got.answer.at(0).owner, longest);
}

}  // namespace

}  // namespace understudy::test
