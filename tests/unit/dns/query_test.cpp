#include <gtest/gtest.h>

#include "dns/edns.h"
#include "dns/message.h"
#include "random_rdata.h"

namespace understudy::dns {
namespace {

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes wire(std::string_view text) {
  const Name name = Name::from_text(text).value();
  return {name.data(), name.data() + name.size()};
}

// ------------------------------------------------------------------------------------------------------

Bytes header(std::uint16_t flags, std::uint16_t qd = 1, std::uint16_t an = 0, std::uint16_t ns = 0,
             std::uint16_t ar = 0) {
  Bytes out(12);
  store_header(out.data(), {0x1234, flags, qd, an, ns, ar});
  return out;
}
Bytes question(const char* name = "www.example.", std::uint16_t type = 1) {
  return wire(name) + Bytes{static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type), 0, 1};
}
Bytes record(const Bytes& owner, std::uint16_t type, std::uint16_t rclass, std::uint32_t ttl,
             const Bytes& data) {
  Bytes out(10);
  store16(out.data(), type);
  store16(out.data() + 2, rclass);
  store32(out.data() + 4, ttl);
  store16(out.data() + 8, static_cast<std::uint16_t>(data.size()));
  return owner + out + data;
}
Bytes opt(const Bytes& options = {}, std::uint32_t ttl = 0x8000) {
  return record({0}, 41, 1232, ttl, options);
}

QueryFault fault_of(const Bytes& message, Query& query) { return parse_query(message, query); }
QueryFault fault_of(const Bytes& message) {
  Query query;
  return parse_query(message, query);
}

TEST(ParseQuery, PlainAndWithEdns) {
  Query query;
  ASSERT_EQ(fault_of(header(0x0100) + question(), query), QueryFault::none);
  EXPECT_EQ(query.header.id, 0x1234);
  EXPECT_EQ(to_string(query.question.name), "www.example.");
  EXPECT_EQ(query.question.type, RRType::A);
  EXPECT_EQ(query.question_end, 12 + 13 + 4u);
  EXPECT_FALSE(query.edns.has_value());
  const Bytes cookie = {0, 10, 0, 2, 7, 7};
  ASSERT_EQ(fault_of(header(0, 1, 0, 0, 1) + question() + opt(cookie, 0x01028000), query), QueryFault::none);
  ASSERT_TRUE(query.edns.has_value());
  EXPECT_EQ(query.edns->udp_size, 1232);
  EXPECT_EQ(query.edns->extended_rcode, 1);
  EXPECT_EQ(query.edns->version, 2);
  EXPECT_TRUE(query.edns->dnssec_ok);
  EXPECT_EQ(query.edns->options.size(), cookie.size());
  // What was left by the query before does not stay.
  ASSERT_EQ(fault_of(header(0) + question(), query), QueryFault::none);
  EXPECT_FALSE(query.edns.has_value());
}

TEST(ParseQuery, NothingToAnswer) {
  EXPECT_EQ(fault_of({}), QueryFault::ignore);
  EXPECT_EQ(fault_of(Bytes(11)), QueryFault::ignore);
  EXPECT_EQ(fault_of(header(0x8000) + question()), QueryFault::ignore);
  EXPECT_EQ(fault_of(header(0x8000, 7)), QueryFault::ignore);
}

TEST(ParseQuery, MalformedMessages) {
  EXPECT_EQ(fault_of(header(0)), QueryFault::formerr);         // no question where one is named
  EXPECT_EQ(fault_of(header(0, 0)), QueryFault::no_question);  // none at all
  EXPECT_EQ(fault_of(header(0, 2) + question() + question()), QueryFault::formerr);  // RFC 9619
  EXPECT_EQ(fault_of(header(0) + question() + Bytes{0}), QueryFault::formerr);       // octets left over
  EXPECT_EQ(fault_of(header(0, 1, 0, 0, 1) + question()), QueryFault::formerr);  // a record that is not there
  EXPECT_EQ(fault_of(header(0, 1, 0xffff, 0xffff, 0xffff) + question()), QueryFault::formerr);
  EXPECT_EQ(fault_of(header(0) + Bytes{0xc0, 12, 0, 1, 0, 1}),
            QueryFault::formerr);  // its name points at itself
  EXPECT_EQ(fault_of(header(0) + Bytes{0xc0, 4, 0, 1, 0, 1}), QueryFault::formerr);  // into the header
  EXPECT_EQ(fault_of(header(0) + Bytes{1, 'a', 0xc0, 6, 0, 1, 0, 1}), QueryFault::formerr);
  const Bytes whole = header(0, 1, 0, 0, 1) + question() + opt({0, 3, 0, 0});
  for (std::size_t size = 12; size < whole.size(); ++size) {
    EXPECT_NE(fault_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), QueryFault::none)
        << size;
  }
  EXPECT_EQ(fault_of(whole), QueryFault::none);
}

TEST(ParseQuery, TheQuestionStaysReadableAfterAFault) {
  Query query;
  EXPECT_EQ(fault_of(header(0, 1, 0, 0, 1) + question("a.b.", 28) + Bytes{0, 0}, query), QueryFault::formerr);
  EXPECT_EQ(query.question_end, 12 + 5 + 4u);
  EXPECT_EQ(to_string(query.question.name), "a.b.");
  // And where it is not, nothing says that it is.
  EXPECT_EQ(fault_of(header(0) + Bytes{1, 'x', 5}, query), QueryFault::formerr);
  EXPECT_EQ(query.question_end, header_octets);
}

TEST(ParseQuery, MalformedEdns) {
  const auto with = [](std::uint16_t count, const Bytes& records) {
    return fault_of(header(0, 1, 0, 0, count) + question() + records);
  };
  EXPECT_EQ(with(2, opt() + opt()), QueryFault::bad_edns);                        // RFC 6891 6.1.1
  EXPECT_EQ(with(1, record({1, 'x', 0}, 41, 512, 0, {})), QueryFault::bad_edns);  // 6.1.2
  EXPECT_EQ(with(1, opt({0, 3, 0, 1})), QueryFault::bad_edns);                    // an option past the end
  EXPECT_EQ(with(1, opt({0, 3, 0})), QueryFault::bad_edns);                       // half an option
  EXPECT_EQ(with(1, opt({0, 99, 0, 2, 1, 2})), QueryFault::none);                 // unknown ones are no fault
  EXPECT_EQ(with(1, opt({}, 0xff0000)), QueryFault::none);                        // BADVERS is the pipeline's
}

TEST(ParseQuery, TsigIsTheLastRecord) {
  const Bytes tsig = record(wire("key."), 250, 255, 0, Bytes(10));
  Query query;
  ASSERT_EQ(fault_of(header(0, 1, 0, 0, 2) + question() + opt() + tsig, query), QueryFault::none);
  EXPECT_EQ(query.tsig_at, 12 + 13 + 4 + 11u);
  EXPECT_EQ(fault_of(header(0, 1, 0, 0, 2) + question() + tsig + opt()), QueryFault::formerr);
  EXPECT_EQ(fault_of(header(0, 1, 0, 0, 2) + question() + tsig + tsig), QueryFault::formerr);
}

TEST(ParseQuery, SerialOfIxfrAndNotify) {
  Bytes numbers(20);
  store32(numbers.data(), 77);
  const Bytes soa = record({0xc0, 12}, 6, 1, 0, Bytes{0xc0, 12, 0xc0, 12} + numbers);
  Query query;
  ASSERT_EQ(fault_of(header(0, 1, 0, 1, 0) + question("example.", 251) + soa, query), QueryFault::none);
  EXPECT_EQ(query.serial, 77u);
  ASSERT_EQ(fault_of(header(4 << 11, 1, 1, 0, 0) + question("example.", 6) + soa, query), QueryFault::none);
  EXPECT_EQ(query.header.opcode(), Opcode::notify);
  EXPECT_EQ(query.serial, 77u);
  // SOA data too short for a serial: none, and no read past it.
  const Bytes stub = record({0}, 6, 1, 0, {0, 0, 1});
  ASSERT_EQ(fault_of(header(4 << 11, 1, 1, 0, 0) + question("example.", 6) + stub, query), QueryFault::none);
  EXPECT_FALSE(query.serial.has_value());
}

TEST(ParseQuery, OfOtherOpcodesOnlyTheHeaderIsRead) {
  for (const unsigned opcode : {1u, 2u, 3u, 5u, 6u, 15u}) {
    Query query;
    const auto flags = static_cast<std::uint16_t>(opcode << 11);
    EXPECT_EQ(fault_of(header(flags, 9) + Bytes{0xff, 0xff}, query), QueryFault::none);
    EXPECT_EQ(static_cast<unsigned>(query.header.opcode()), opcode);
  }
}

TEST(ParseQuery, RandomDamageIsSurvived) {
  std::mt19937 random(8);
  const Bytes whole = header(0, 1, 0, 1, 2) + question() +
                      record({0xc0, 12}, 6, 1, 0, wire("a.") + wire("b.") + Bytes(20)) + opt({0, 3, 0, 0}) +
                      record(wire("key."), 250, 255, 0, Bytes(10));
  Query query;
  ASSERT_EQ(fault_of(whole, query), QueryFault::none);
  for (int round = 0; round < 200'000; ++round) {
    Bytes damaged = whole;
    for (auto hits = 1 + random() % 3; hits > 0; --hits) {
      damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
    }
    damaged.resize(random() % 4 == 0 ? random() % (damaged.size() + 1) : damaged.size());
    damaged.shrink_to_fit();
    const QueryFault fault = fault_of(damaged, query);
    if (fault == QueryFault::ignore) continue;  // then nothing is said of the rest
    ASSERT_LE(query.question_end, damaged.size());
    ASSERT_TRUE(NameView::parse(query.question.name.view().octets()).has_value());
    if (fault == QueryFault::none && query.edns) {
      ASSERT_LE(query.edns->options.size(), damaged.size());
    }
  }
}

// ------------------------------------------------------------------------------------------------------

// RFC 8914 2: code 15, INFO-CODE, EXTRA-TEXT.
Bytes extended_error(std::uint16_t code, const Bytes& text) {
  Bytes out(6);
  store16(out.data(), 15);
  store16(out.data() + 2, static_cast<std::uint16_t>(2 + text.size()));
  store16(out.data() + 4, code);
  return out + text;
}
Bytes letters(std::string_view text) { return {text.begin(), text.end()}; }
std::string extended_errors(const Bytes& options) {
  return extended_errors_of(header(0x8005, 1, 0, 0, 1) + question() + opt(options));
}

TEST(ExtendedErrors, AreToldByNumberNameAndText) {
  EXPECT_EQ(extended_errors_of(header(0x8005) + question()), "");
  EXPECT_EQ(extended_errors({}), "");
  EXPECT_EQ(extended_errors(extended_error(18, {})), ", EDE 18 (Prohibited)");
  EXPECT_EQ(extended_errors(extended_error(0, letters("no"))), ", EDE 0 (Other): no");
  EXPECT_EQ(extended_errors(extended_error(30, {})), ", EDE 30 (Invalid Query Type)");
  EXPECT_EQ(extended_errors(extended_error(31, {})), ", EDE 31");
  const Bytes cookie = {0, 10, 0, 2, 7, 7};
  EXPECT_EQ(extended_errors(cookie + extended_error(22, {}) + cookie + extended_error(23, letters("x"))),
            ", EDE 22 (No Reachable Authority), EDE 23 (Network Error): x");
}

TEST(ExtendedErrors, CannotBreakALineOrFillALog) {
  EXPECT_EQ(extended_errors(extended_error(24, {'a', '\n', 0xc3, 0xbc, 0x7f, 0})),
            ", EDE 24 (Invalid Data): a\\010\\195\\188\\127");
  const std::string long_one = extended_errors(extended_error(0, Bytes(1000, 'x')));
  EXPECT_EQ(long_one, ", EDE 0 (Other): " + std::string(200, 'x') + "...");
  Bytes many;
  for (int i = 0; i < 10; ++i) many = many + extended_error(14, {});
  EXPECT_EQ(extended_errors(many), ", EDE 14 (Not Ready), EDE 14 (Not Ready), EDE 14 (Not Ready)");
  // One without an INFO-CODE, and one that is cut off.
  EXPECT_EQ(extended_errors({0, 15, 0, 1, 7}), "");
  EXPECT_EQ(extended_errors({0, 15, 0, 9, 0, 18, 'x'}), "");
}

}  // namespace
}  // namespace understudy::dns
