// The octets on disk, against golden ones written by hand from docs/formats.md.
#include <gtest/gtest.h>

#include "backend/content_digest.h"
#include "backend/lmdb/store_format.h"
#include "backend/node_block.h"

namespace understudy::backend {
namespace {

using Bytes = std::vector<std::uint8_t>;

Name name(std::string_view text) { return *Name::from_text(text); }
Bytes bytes(Octets o) { return {o.begin(), o.end()}; }
Bytes wire(std::string_view text) { return bytes(name(text).view().octets()); }

TEST(NodeFormat, apex_with_a_compressed_name_server) {
  NodeBuilder builder;
  builder.begin(name("example."));
  builder.add(RRType::NS, 3600, wire("ns.example."));
  const Bytes golden{0x01, 0, 0, 1, 0, 2, 0, 0, 0, 10, 0, 0, 0x0e, 0x10, 0, 1,
                     0,    0, 0, 1, 0, 7, 0, 5, 9, 0,  5, 2, 'n',  's',  0, 0};
  EXPECT_EQ(bytes(*builder.finish(node_flag::apex, 0)), golden);
}

TEST(NodeFormat, empty_non_terminal_below_a_cut) {
  NodeBuilder builder;
  builder.begin(name("a.example."));
  const Bytes golden{0x04, 1, 0, 0};
  EXPECT_EQ(bytes(*builder.finish(node_flag::occluded, 1)), golden);
}

TEST(NodeFormat, owner_case_order_of_records_lowest_ttl_and_duplicates) {
  NodeBuilder builder;
  builder.begin(name("Ab."));
  builder.add(RRType::AAAA, 9, Bytes(16, 0));
  builder.add(RRType::A, 300, Bytes{10, 0, 0, 2});
  builder.add(RRType::A, 60, Bytes{10, 0, 0, 1});
  builder.add(RRType::A, 90, Bytes{10, 0, 0, 2});
  Bytes golden{0x20, 0,  0, 2,  2, 'A', 'b', 0, 0, 1, 0, 0,  0, 20,  // A at 20
               0,    28, 0, 0,  0, 44,                               // AAAA at 44
               0,    0,  0, 60, 0, 2,   0,   0, 0, 0, 0, 12, 0, 4,  10, 0, 0,  1, 0,
               4,    10, 0, 0,  2, 0,   0,   0, 9, 0, 1, 0,  0, 0,  0,  0, 18, 0, 16};
  golden.resize(golden.size() + 16);
  EXPECT_EQ(bytes(*builder.finish(0, 0)), golden);
  EXPECT_EQ(builder.record_count(), 3u);
}

TEST(NodeFormat, signatures_are_filed_under_the_type_they_cover) {
  Bytes signature{0, 16, 8, 1, 0, 0, 0, 60, 0, 0, 0, 2, 0, 0, 0, 1, 0, 7};
  const Bytes signer = wire("x.");
  signature.insert(signature.end(), signer.begin(), signer.end());
  signature.push_back(0xab);
  NodeBuilder builder;
  builder.begin(name("x."));
  builder.add(RRType::RRSIG, 61, signature);
  builder.add(RRType::TXT, 60, Bytes{1, 't'});
  Bytes golden{0, 0, 0, 1, 0, 16, 0, 0, 0, 10,  0, 0, 0, 60, 0, 1,
               0, 1, 0, 0, 0, 4,  0, 2, 1, 't', 0, 0, 0, 61, 0, 22};
  golden.insert(golden.end(), signature.begin(), signature.end());
  EXPECT_EQ(bytes(*builder.finish(0, 0)), golden);
}

TEST(NodeFormat, wildcard_compresses_against_what_follows_the_asterisk) {
  NodeBuilder builder;
  builder.begin(name("*.w."));
  builder.add(RRType::MX, 1, [] {
    Bytes b{0, 10};
    const Bytes n = wire("*.w.");
    b.insert(b.end(), n.begin(), n.end());
    return b;
  }());
  const Bytes golden{0, 0, 0, 1, 0, 15, 0, 0, 0, 10, 0, 0,  0, 1,   0, 1, 0,
                     0, 0, 1, 0, 8, 0,  6, 3, 0, 6,  0, 10, 1, '*', 0, 0};
  EXPECT_EQ(bytes(*builder.finish(0, 0)), golden);
}

TEST(NodeBlock, expand_gives_back_names_with_their_case) {
  NodeBuilder builder;
  builder.begin(name("www.Example.org."));
  builder.add(RRType::MX, 1, [] {
    Bytes b{0, 1};
    const Bytes n = wire("MAIL.www.Example.org.");
    b.insert(b.end(), n.begin(), n.end());
    return b;
  }());
  builder.add(RRType::MX, 1, [] {
    Bytes b{0, 2};
    const Bytes n = wire("mail.example.org.");
    b.insert(b.end(), n.begin(), n.end());
    return b;
  }());
  const NodeView node(*builder.finish(0, 0));
  ASSERT_TRUE(node.owner_case());
  EXPECT_EQ(to_string(*node.owner_case()), "www.Example.org.");
  const auto rdata = node.find(RRType::MX)->expand(*node.owner_case());
  ASSERT_EQ(rdata.size(), 2u);
  EXPECT_EQ(Bytes(rdata[0].begin() + 2, rdata[0].end()), wire("MAIL.www.Example.org."));
  EXPECT_EQ(Bytes(rdata[1].begin() + 2, rdata[1].end()), wire("mail.example.org."));
}

TEST(NodeBlock, refuses_what_fits_no_message_and_cname_beside_data) {
  NodeBuilder builder;
  builder.begin(name("big."));
  for (unsigned i = 0; i < 300; ++i) {
    Bytes text(201, static_cast<std::uint8_t>(i));
    text[0] = 200;
    text[1] = static_cast<std::uint8_t>(i >> 8);
    builder.add(RRType::TXT, 1, text);
  }
  EXPECT_TRUE(builder.finish(0, 0));
  for (unsigned i = 0; i < 60; ++i) {
    Bytes text(201, static_cast<std::uint8_t>(i));
    text[0] = 200;
    text[1] = 77;
    builder.add(RRType::TXT, 1, text);
  }
  EXPECT_EQ(builder.finish(0, 0).error().reason, "rrset-too-large");
  // 65,535 octets with header 12, question 255 + 4, an OPT of 200 and 12 before each record's data: 65,052
  // are left.
  for (const auto& [size, fits] : {std::pair{65052u, true}, std::pair{65053u, false}}) {
    builder.begin(name("one."));
    builder.add(dns::RRType{65280}, 1, Bytes(size));
    EXPECT_EQ(builder.finish(0, 0).has_value(), fits) << size;
  }
  builder.begin(name("c."));
  builder.add(RRType::CNAME, 1, wire("x."));
  EXPECT_FALSE(builder.has_other_than_cname());
  EXPECT_TRUE(builder.finish(0, 0));
  builder.add(RRType::A, 1, Bytes{1, 2, 3, 4});
  EXPECT_EQ(builder.finish(0, 0).error().reason, "cname-and-other-data");
  builder.drop_type(RRType::CNAME);
  EXPECT_TRUE(builder.finish(0, 0));
}

TEST(StoreFormat, zone_row) {
  using namespace lmdb::store_format;
  ZoneRow row{7, 0x800000000001, 3, 0x01020304, 5, 6, {}, 8};
  row.digest.fill(0xee);
  Bytes golden{0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 1, 2,
               3, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0,    0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 8};
  golden.resize(84, 0xee);
  const ZoneValue encoded = encode(row);
  EXPECT_EQ(bytes(encoded), golden);
  const auto back = decode_zone(golden);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->serial, 0x01020304u);
  EXPECT_EQ(back->published, 8);
  EXPECT_FALSE(decode_zone(Octets(golden).first(83)));
}

TEST(StoreFormat, version_row) {
  using namespace lmdb::store_format;
  const ChangeKey key = change_key(1, 2, 3);
  EXPECT_EQ(bytes(key), (Bytes{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3}));
  VersionRow row;
  row.version = 2;
  row.how = How::difference;
  row.serial = 0x01020304;
  row.published = 5;
  row.records = 6;
  row.nodes = 7;
  row.digest.fill(0xee);
  row.added = 8;
  row.removed = 9;
  row.zone_octets = 10;
  row.octets = 11;
  row.total_octets = 12;
  row.before = 0x80000000000d;
  row.chunks = 14;
  row.source = "ab";
  Bytes golden{2, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7};
  golden.resize(golden.size() + 32, 0xee);
  for (const std::uint8_t number : Bytes{8, 9, 10, 11, 12})
    golden.insert(golden.end(), {0, 0, 0, 0, 0, 0, 0, number});
  golden.insert(golden.end(), {0x80, 0, 0, 0, 0, 13, 0, 0, 0, 14, 'a', 'b'});
  EXPECT_EQ(encode(row), golden);
  const auto back = decode_version(change_key(1, 2, 0), golden);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->version, 2u);
  EXPECT_EQ(back->how, How::difference);
  EXPECT_EQ(back->total_octets, 12u);
  EXPECT_EQ(back->before, 0x80000000000du);
  EXPECT_EQ(back->source, "ab");
  EXPECT_FALSE(decode_version(key, golden));  // a chunk is no row
  EXPECT_FALSE(decode_version(change_key(1, 2, 0), Octets(golden).first(110)));
  golden[0] = 3;
  EXPECT_FALSE(decode_version(change_key(1, 2, 0), golden));
}

TEST(StoreFormat, timers_garbage_and_generation) {
  using namespace lmdb::store_format;
  const TimerValue timers = encode(TimerRow{1, 2, 3, 4});
  EXPECT_EQ(bytes(timers), (Bytes{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2,
                                  0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4}));
  EXPECT_EQ(bytes(encode_garbage(GarbageState::dead, 258)), (Bytes{2, 0, 0, 0, 0, 0, 0, 1, 2}));
  Bytes generation(6);
  store_generation(generation.data(), 0x8000000000ff);
  EXPECT_EQ(generation, (Bytes{0x80, 0, 0, 0, 0, 0xff}));
  EXPECT_EQ(load_generation(generation.data()), 0x8000000000ffu);
}

TEST(StoreFormat, added_and_unserved_zones) {
  using namespace lmdb::store_format;
  const AddedZone zone{name("z."), 258, {{"source", "file:/z"}, {"notify", ""}}};
  const Bytes golden{0,   0,   0,   0,   0,   0,   1,   2, 6,   's', 'o', 'u', 'r', 'c', 'e', 0, 7,
                     'f', 'i', 'l', 'e', ':', '/', 'z', 6, 'n', 'o', 't', 'i', 'f', 'y', 0,   0};
  EXPECT_EQ(encode(zone), golden);
  const auto back = decode_added(name("z."), golden);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->added, 258);
  EXPECT_EQ(back->options, zone.options);
  EXPECT_TRUE(decode_added(name("z."), Octets(golden).first(8))->options.empty());
  // Cut anywhere else than between two options, it is no row.
  for (std::size_t size = 0; size < golden.size(); ++size) {
    EXPECT_EQ(decode_added(name("z."), Octets(golden).first(size)).has_value(), size == 8 || size == 24)
        << size;
  }
  EXPECT_EQ(bytes(encode(UnservedZone{name("z."), 258})), (Bytes{0, 0, 0, 0, 0, 0, 1, 2}));
  EXPECT_EQ(decode_unserved(name("z."), Bytes{0, 0, 0, 0, 0, 0, 1, 2})->since, 258);
  EXPECT_FALSE(decode_unserved(name("z."), Bytes(7)));
}

TEST(ContentDigest, order_and_case_do_not_matter_and_removal_undoes) {
  const Name upper = name("A.Example."), lower_name = name("a.example.");
  const Bytes a{1, 2, 3, 4}, b{5, 6, 7, 8};
  ContentDigest one, two;
  one.add({upper, RRType::A, 60, a});
  one.add({upper, RRType::A, 60, b});
  two.add({lower_name, RRType::A, 60, b});
  two.add({lower_name, RRType::A, 60, a});
  EXPECT_EQ(one.value(), two.value());
  two.add({lower_name, RRType::A, 61, a});
  EXPECT_NE(one.value(), two.value());
  two.remove({lower_name, RRType::A, 61, a});
  EXPECT_EQ(one.value(), two.value());
  // One RR's digest is the SHA-256 of what docs/formats.md says: computed with sha256sum over
  // 01 61 00  00 01  00 00 00 3c  00 04  01 02 03 04.
  ContentDigest single;
  single.add({name("A."), RRType::A, 60, a});
  EXPECT_EQ(single.value(), (Digest{0x0c, 0x40, 0x7d, 0xad, 0xd7, 0x9e, 0xc2, 0x69, 0x05, 0xb2, 0x4e,
                                    0x0a, 0x2f, 0xf8, 0xaa, 0x75, 0x7f, 0xd4, 0x70, 0x58, 0xc3, 0x8a,
                                    0x85, 0xf8, 0x7a, 0x71, 0x1f, 0x73, 0x09, 0xdd, 0xdb, 0xe5}));
  ContentDigest resumed(one.value());
  resumed.remove({upper, RRType::A, 60, a});
  resumed.remove({upper, RRType::A, 60, b});
  EXPECT_EQ(resumed.value(), Digest{});
}

}  // namespace
}  // namespace understudy::backend
