#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include "dns/rdata.h"
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

std::string read_at(const Bytes& message, std::size_t at, std::size_t* end = nullptr) {
  WireReader reader(message, at);
  Name name = Name::from_text("left.over").value();
  const bool ok = reader.name(name);
  EXPECT_EQ(ok, reader.ok());
  if (end != nullptr) *end = reader.position();
  if (ok) return to_string(name);
  EXPECT_TRUE(name.view().is_root());  // never half a name
  EXPECT_EQ(reader.u8(), 0);           // spent
  return "refused";
}

TEST(WireReader, NumbersAndTheEnd) {
  const Bytes message = {1, 2, 3, 4, 5, 6, 7};
  WireReader reader(message);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607u);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_FALSE(reader.ok());
  WireReader half(message, 5);
  EXPECT_EQ(half.u32(), 0u);
  EXPECT_EQ(half.u8(), 0);  // spent, though there is an octet
  EXPECT_FALSE(half.ok());
  EXPECT_FALSE(WireReader(message, 8).ok());
  EXPECT_TRUE(WireReader(message, 7).ok());
  EXPECT_TRUE(WireReader(message).octets(8).empty());
}

TEST(WireReader, CompressedNames) {
  // 0: a.b.  5: x -> 0  9: -> 5  11: -> 9
  const Bytes message = {1, 'a', 1, 'b', 0, 1, 'x', 0xc0, 0, 0xc0, 5, 0xc0, 9};
  std::size_t end = 0;
  EXPECT_EQ(read_at(message, 5, &end), "x.a.b.");
  EXPECT_EQ(end, 9u);
  EXPECT_EQ(read_at(message, 9, &end), "x.a.b.");
  EXPECT_EQ(end, 11u);
  EXPECT_EQ(read_at(message, 11, &end), "x.a.b.");
  EXPECT_EQ(end, 13u);
}

TEST(WireReader, PointersThatDoNotLeadBackwards) {
  EXPECT_EQ(read_at({0xc0, 0}, 0), "refused");           // itself
  EXPECT_EQ(read_at({0xc0, 2, 0}, 0), "refused");        // forward
  EXPECT_EQ(read_at({0xc0, 2, 0xc0, 0}, 2), "refused");  // two that lead to each other
  EXPECT_EQ(read_at({1, 'a', 0xc0, 0}, 0), "refused");   // into the name that it ends
  EXPECT_EQ(read_at({1, 'a', 1, 'b', 0xc0, 2}, 0), "refused");
  EXPECT_EQ(read_at({0, 1, 'a', 0xc0, 1}, 1), "refused");
  EXPECT_EQ(read_at({1, 'a', 0xc0, 4, 0xc0, 0}, 4), "refused");  // a loop of a backward and a forward one
}

// Past bug: a chain of thousands of pointers, each one hop backwards, was followed for each of thousands of records.
TEST(WireReader, PointersAreCounted) {
  Bytes message{0};  // the root; then pointers, each to the one before
  for (std::size_t at = 0; message.size() < 2 * 200; at = message.size() - 2) {
    message.push_back(static_cast<std::uint8_t>(0xc0 | (at >> 8)));
    message.push_back(static_cast<std::uint8_t>(at));
  }
  Name out;
  EXPECT_TRUE(WireReader(message, 1 + 2 * 126).name(out));  // the 127th pointer
  EXPECT_FALSE(WireReader(message, 1 + 2 * 127).name(out));
}

TEST(WireReader, TruncatedAndReservedLabels) {
  EXPECT_EQ(read_at({}, 0), "refused");
  EXPECT_EQ(read_at({1}, 0), "refused");
  EXPECT_EQ(read_at({1, 'a'}, 0), "refused");
  EXPECT_EQ(read_at({0, 0xc0}, 1), "refused");
  EXPECT_EQ(read_at({0x40, 'a', 0}, 0), "refused");
  EXPECT_EQ(read_at({0x80, 'a', 0}, 0), "refused");
  EXPECT_EQ(read_at({0, 0xc0, 0}, 1), ".");
}

TEST(WireReader, NamesGrowBy_PointersOnlyTo255Octets) {
  Bytes message;
  for (int i = 0; i < 127; ++i) message.insert(message.end(), {1, 'a'});
  message.push_back(0);
  EXPECT_EQ(read_at(message, 0).size(), 254u);
  const std::size_t at = message.size();
  EXPECT_EQ(read_at(message + Bytes{1, 'b', 0xc0, 2}, at).size(), 254u);
  EXPECT_EQ(read_at(message + Bytes{1, 'b', 0xc0, 0}, at), "refused");
}

TEST(WireReader, RandomOctetsNeverLeadAstray) {
  std::mt19937 random(5);
  Name name;
  for (int round = 0; round < 200'000; ++round) {
    Bytes message(random() % 40);
    for (auto& c : message) c = static_cast<std::uint8_t>(random() % 4 == 0 ? 0xc0 : random() % 8);
    WireReader reader(message, random() % (message.size() + 1));
    if (reader.name(name)) {
      ASSERT_LE(reader.position(), message.size());
    }
    ASSERT_TRUE(NameView::parse(name.view().octets()).has_value());
  }
}

// --- RDATA
// ---------------------------------------------------------------------------------------------------------

TEST(Rdata, RandomDataOfEveryTypeIsWellFormed) {
  Random random(6);
  RandomRdata maker(random, false);
  for (const std::uint16_t type : RandomRdata::types()) {
    for (int round = 0; round < 200; ++round) {
      const Bytes data = maker.make(type);
      const RdataFault fault = check_rdata(RRType{type}, data);
      ASSERT_EQ(fault, nullptr) << type << ": " << fault;
      // Out of the midst of a message, with something behind it.
      const Bytes message = Bytes(20, 0) + data + Bytes{1, 2, 3};
      WireReader reader(message, 20);
      Bytes out = {9};
      ASSERT_EQ(expand_rdata(reader, RRType{type}, data.size(), out), nullptr);
      ASSERT_EQ(out, Bytes{9} + data);
      ASSERT_EQ(reader.position(), 20 + data.size());
    }
  }
}

struct Layout {
  std::uint16_t type;
  const char* what;
  Bytes data;
  bool shorter_is_wrong = true, longer_is_wrong = true;
};

std::vector<Layout> layouts() {
  const Bytes n = wire("a.b.");
  return {{1, "A", Bytes(4)},
          {28, "AAAA", Bytes(16)},
          {2, "NS", n},
          {6, "SOA", n + n + Bytes(20)},
          {13, "HINFO", {1, 'a', 1, 'b'}},
          {14, "MINFO", n + n},
          {15, "MX", Bytes(2) + n},
          {16, "TXT", {1, 'a', 2, 'b', 'c'}},
          {19, "X25", {2, '1', '2'}},
          {24, "SIG", Bytes(18) + n + Bytes(1), true, false},
          {26, "PX", Bytes(2) + n + n},
          {27, "GPOS", {1, '1', 1, '2', 1, '3'}},
          {29, "LOC", Bytes(16)},
          {33, "SRV", Bytes(6) + n},
          {35, "NAPTR", Bytes(4) + Bytes{0, 0, 0} + n},
          {37, "CERT", Bytes(6), true, false},
          {39, "DNAME", n},
          {42, "APL", {0, 1, 32, 4, 1, 2, 3, 4}},
          {43, "DS", Bytes(5), true, false},
          {44, "SSHFP", Bytes(3), true, false},
          {45, "IPSECKEY without gateway", {1, 0, 0}, true, false},
          {45, "IPSECKEY by IPv6", Bytes{1, 2, 0} + Bytes(16), true, false},
          {45, "IPSECKEY by name", Bytes{1, 3, 0} + n, true, false},
          {46, "RRSIG", Bytes(18) + n + Bytes(1), true, false},
          {47, "NSEC", n + Bytes{0, 1, 0x40}},
          {48, "DNSKEY", Bytes(5), true, false},
          {50, "NSEC3", Bytes(4) + Bytes{1, 7, 1, 8, 0, 1, 0x40}},
          {51, "NSEC3PARAM", Bytes(4) + Bytes{1, 7}},
          {52, "TLSA", Bytes(4), true, false},
          {55, "HIP", Bytes{1, 2, 0, 1, 7, 7} + n},
          {62, "CSYNC", Bytes(6) + Bytes{0, 1, 0x40}},
          {63, "ZONEMD", Bytes(7), true, false},
          {64, "SVCB", Bytes(2) + n + Bytes{0, 3, 0, 2, 1, 187}},
          {66, "DSYNC", Bytes(5) + n},
          {104, "NID", Bytes(10)},
          {105, "L32", Bytes(6)},
          {107, "LP", Bytes(2) + n},
          {108, "EUI48", Bytes(6)},
          {109, "EUI64", Bytes(8)},
          {256, "URI", Bytes(5), true, false},
          {257, "CAA", {0, 2, 'a', 'b'}, true, false},
          {260, "AMTRELAY by IPv4", Bytes{1, 0x81} + Bytes(4)},
          {260, "AMTRELAY by name", Bytes{1, 3} + n}};
}

TEST(Rdata, FieldsFillRdlengthExactly) {
  for (const Layout& layout : layouts()) {
    const RRType type{layout.type};
    EXPECT_EQ(check_rdata(type, layout.data), nullptr) << layout.what;
    Bytes shorter = layout.data;
    shorter.pop_back();
    EXPECT_EQ(check_rdata(type, shorter) != nullptr, layout.shorter_is_wrong) << layout.what;
    // One more octet: 7 begins neither a string, nor a name, bitmap, parameter or prefix that would fit.
    EXPECT_EQ(check_rdata(type, layout.data + Bytes{7}) != nullptr, layout.longer_is_wrong) << layout.what;
    // RFC 3123 4: a list of no prefixes is one.
    EXPECT_EQ(check_rdata(type, Bytes()) == nullptr, layout.type == 42) << layout.what;
    // The octets are there in the message, but RDLENGTH ends before them.
    const Bytes message = layout.data + Bytes(8);
    WireReader reader(message);
    Bytes out;
    EXPECT_EQ(expand_rdata(reader, type, layout.data.size() - 1, out) != nullptr, layout.shorter_is_wrong);
    WireReader cut(layout.data);
    EXPECT_NE(expand_rdata(cut, type, layout.data.size() + 1, out), nullptr) << layout.what;
  }
}

TEST(Rdata, MalformedTails) {
  const Bytes n = wire(".");
  const auto wrong = [](std::uint16_t type, const Bytes& data) {
    return check_rdata(RRType{type}, data) != nullptr;
  };
  EXPECT_FALSE(wrong(47, n));
  EXPECT_TRUE(wrong(47, n + Bytes{0, 0}));                               // an empty window
  EXPECT_TRUE(wrong(47, n + Bytes{0, 2, 0x40, 0}));                      // a trailing zero octet
  EXPECT_TRUE(wrong(47, n + Bytes{0, 33} + Bytes(33, 1)));               // over 32 octets
  EXPECT_TRUE(wrong(47, n + Bytes{1, 1, 1, 0, 1, 1}));                   // windows descend
  EXPECT_TRUE(wrong(47, n + Bytes{1, 1, 1, 1, 1, 1}));                   // the same twice
  EXPECT_TRUE(wrong(64, Bytes(2) + n + Bytes{0, 3, 0, 0, 0, 1, 0, 0}));  // keys descend
  EXPECT_TRUE(wrong(64, Bytes(2) + n + Bytes{0, 3, 0, 0, 0, 3, 0, 0}));
  EXPECT_TRUE(wrong(64, Bytes(2) + n + Bytes{0, 3, 0, 9, 1}));
  EXPECT_TRUE(wrong(42, {0, 1, 33, 0}));                 // 33 bits of IPv4
  EXPECT_TRUE(wrong(42, {0, 1, 32, 5, 1, 2, 3, 4, 5}));  // 5 octets of it
  EXPECT_FALSE(wrong(42, {}));
  EXPECT_TRUE(wrong(257, {0, 0, 'x'}));   // no tag
  EXPECT_FALSE(wrong(257, {0, 1, 't'}));  // no value: RFC 8659 4.2 has it mean something
  EXPECT_TRUE(wrong(29, Bytes(15)));
  EXPECT_FALSE(wrong(29, {1}));  // a version that nobody knows
  EXPECT_FALSE(wrong(65280, {}));
}

TEST(Rdata, CompressedNamesAreExpanded) {
  // 0: example.com.  13: mail -> 0
  const Bytes message = wire("example.com.") + Bytes{0, 10, 4, 'm', 'a', 'i', 'l', 0xc0, 0};
  WireReader reader(message, 13);
  Bytes out;
  ASSERT_EQ(expand_rdata(reader, RRType::MX, 9, out), nullptr);
  EXPECT_EQ(out, (Bytes{0, 10} + wire("mail.example.com.")));
  // A pointer forward, past RDLENGTH, and one whose second octet lies past it.
  WireReader outside(message, 13);
  EXPECT_NE(expand_rdata(outside, RRType::MX, 8, out), nullptr);
  const Bytes forward = {0, 10, 0xc0, 4, 0};
  WireReader ahead(forward);
  EXPECT_NE(expand_rdata(ahead, RRType::MX, 4, out), nullptr);
  // PX: the first pointer shortens by 1 what the second lengthens by 1. The sum shows nothing.
  const Bytes px = {0, 10, 0xc0, 0, 0xc0, 1};
  EXPECT_STREQ(check_rdata(RRType{26}, px), "a name in its data is compressed");
}

TEST(Rdata, NamesInside) {
  const Bytes soa = wire("Ns.example.") + wire("Host.example.") + Bytes(20);
  const RdataNames names = names_in(RRType::SOA, soa);
  ASSERT_EQ(names.count, 2u);
  EXPECT_EQ(names.names[0].offset, 0u);
  EXPECT_EQ(names.names[1].offset, wire("ns.example.").size());
  EXPECT_TRUE(names.names[1].compressible);
  const RdataNames naptr = names_in(RRType::NAPTR, Bytes(4) + Bytes{1, 'U', 0, 2, 'x', 'y'} + wire("a."));
  ASSERT_EQ(naptr.count, 1u);
  EXPECT_EQ(naptr.names[0].offset, 10u);
  EXPECT_FALSE(naptr.names[0].compressible);
  EXPECT_EQ(names_in(RRType::TXT, Bytes{1, 'a'}).count, 0u);
  EXPECT_EQ(names_in(RRType{65280}, Bytes{1, 'a', 0}).count, 0u);
}

TEST(Rdata, CanonicalFormAgreesWithLdns) {
  Random random(7);
  for (const std::uint16_t type : RandomRdata::types()) {
    // ldns 1.8.3 takes NXT for a name and a bitmap of NSEC, and the name in NSAP-PTR for a string.
    if (type == 30 || type == 23) continue;
    RandomRdata maker(random, false);
    for (int round = 0; round < 20; ++round) {
      Bytes data = maker.make(type);
      Bytes record = Bytes{0,
                           static_cast<std::uint8_t>(type >> 8),
                           static_cast<std::uint8_t>(type),
                           0,
                           1,
                           0,
                           0,
                           0,
                           0,
                           static_cast<std::uint8_t>(data.size() >> 8),
                           static_cast<std::uint8_t>(data.size())} +
                     data;
      ldns_rr* rr = nullptr;
      std::size_t at = 0;
      if (ldns_wire2rr(&rr, record.data(), record.size(), &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
        continue;
      ldns_rr2canonical(rr);
      Bytes expected;
      for (std::size_t i = 0; i < ldns_rr_rd_count(rr); ++i) {
        const ldns_rdf* field = ldns_rr_rdf(rr, i);
        expected.insert(expected.end(), ldns_rdf_data(field), ldns_rdf_data(field) + ldns_rdf_size(field));
      }
      ldns_rr_free(rr);
      make_canonical(RRType{type}, data);
      ASSERT_EQ(data, expected) << type;
    }
  }
}

}  // namespace
}  // namespace understudy::dns
