#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dns/name.h"
#include "dns/name_key.h"
#include "dns/serial.h"
#include "dns/types.h"

namespace understudy::dns {
namespace {

using Labels = std::vector<std::string>;  // from the left

Name name_of(const Labels& labels) {
  Name out;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    out = Name::prepend({reinterpret_cast<const std::uint8_t*>(label->data()), label->size()}, out).value();
  }
  return out;
}

// Few different octets, so that names meet: the ones that keys escape, both cases, and neighbours of both.
Labels random_labels(std::mt19937& random) {
  static constexpr std::string_view octets("\0\1\2 @A[aZz{\x7f\x80\xff", 14);
  Labels labels(random() % 5);
  for (std::string& label : labels) {
    label.resize(1 + random() % 3);
    for (char& c : label) c = octets[random() % octets.size()];
  }
  return labels;
}

// RFC 4034 6.1, word for word: right to left, label by label, octet by octet, upper case as lower, absence
// first.
int rfc4034_order(Labels a, Labels b) {
  for (Labels* labels : {&a, &b}) {
    std::reverse(labels->begin(), labels->end());
    for (std::string& label : *labels) {
      for (char& c : label) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
  }
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const int order = a[i].compare(b[i]);  // as unsigned octets, the shorter first
    if (order != 0) return order < 0 ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

int sign(std::strong_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

Name text(std::string_view presentation) { return Name::from_text(presentation).value(); }

TEST(Names, OrderOfKeysIsCanonicalOrder) {
  std::mt19937 random(1);
  for (int round = 0; round < 100'000; ++round) {
    const Labels a = random_labels(random), b = random_labels(random);
    const Name x = name_of(a), y = name_of(b);
    const int expected = rfc4034_order(a, b);
    ASSERT_EQ(sign(canonical_order(x, y)), expected) << to_string(x) << " and " << to_string(y);
    ASSERT_EQ(x == y, expected == 0);
    const NameKey p(x), q(y);
    const bool same = std::equal(p.octets().begin(), p.octets().end(), q.octets().begin(), q.octets().end());
    ASSERT_EQ(same, expected == 0);
  }
}

// The example of RFC 4034 6.1.
TEST(Names, CanonicalOrderOfTheRfc) {
  const char* sorted[] = {"example.",         "a.example.",      "yljkjljk.a.example.",
                          "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
                          "\\001.z.example.", "*.z.example.",    "\\200.z.example."};
  for (std::size_t i = 0; i + 1 < std::size(sorted); ++i) {
    EXPECT_EQ(sign(canonical_order(text(sorted[i]), text(sorted[i + 1]))), -1) << sorted[i];
  }
}

TEST(Names, KeysShareLabelsAsNamesDo) {
  std::mt19937 random(2);
  for (int round = 0; round < 50'000; ++round) {
    Labels a = random_labels(random), b = random_labels(random);
    const std::size_t grafted = a.empty() ? 0 : random() % (a.size() + 1);
    b.insert(b.end(), a.end() - static_cast<std::ptrdiff_t>(grafted), a.end());
    const NameKey x(name_of(a)), y(name_of(b));
    unsigned expected = 0;
    while (expected < a.size() && expected < b.size()) {
      const Labels p{a[a.size() - 1 - expected]}, q{b[b.size() - 1 - expected]};
      if (rfc4034_order(p, q) != 0) break;
      ++expected;
    }
    ASSERT_EQ(x.common_labels(y.octets()), expected);
    ASSERT_EQ(y.common_labels(x.octets()), expected);
    ASSERT_EQ(x.label_count(), a.size());
    ASSERT_EQ(key_label_count(x.octets()), a.size());
    // The key of each ancestor is a prefix of the name's.
    for (unsigned labels = 0; labels <= x.label_count(); ++labels) {
      const NameKey ancestor(name_of(a).view().suffix(labels));
      ASSERT_EQ(ancestor.size(), x.prefix_size(labels));
      ASSERT_TRUE(std::equal(ancestor.octets().begin(), ancestor.octets().end(), x.octets().begin()));
    }
    ASSERT_EQ(name_of(b).view().is_at_or_below(name_of(a)), expected == a.size());
  }
}

TEST(Names, KeysTurnBackIntoNames) {
  std::mt19937 random(3);
  for (int round = 0; round < 50'000; ++round) {
    const Name name = name_of(random_labels(random));
    const auto back = name_of_key(NameKey(name).octets());
    ASSERT_TRUE(back.has_value());
    const Name lowered = name.lowered();
    ASSERT_TRUE(std::equal(back->data(), back->data() + back->size(), lowered.data(),
                           lowered.data() + lowered.size()));
  }
}

// The apex's key, 00, and the hash; RFC 5155 appendix A for the hash and its label.
TEST(Names, KeysOfNsec3) {
  const Name apex = *Name::from_text("example.");
  const Name owner = *Name::from_text("0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM.example.");
  const auto hash = nsec3_hash_of_label(owner.view().first_label());
  ASSERT_TRUE(hash.has_value());
  NameKey key(apex);
  key.append_nsec3(*hash);
  const std::vector<std::uint8_t> golden{'e',  'x',  'a',  'm',  'p',  'l',  'e',  0,    0,    0x06,
                                         0x53, 0x68, 0xab, 0xee, 0xd7, 0xec, 0x6e, 0x9f, 0xeb, 0xa9,
                                         0x6b, 0x8c, 0x8b, 0xc3, 0xe8, 0xb7, 0x91, 0xf7, 0x16};
  EXPECT_EQ(std::vector<std::uint8_t>(key.octets().begin(), key.octets().end()), golden);
  EXPECT_TRUE(is_nsec3_key(key.octets()));
  EXPECT_FALSE(is_nsec3_key(NameKey(owner).octets()));
  EXPECT_EQ(*name_of_key(key.octets()), owner);
  EXPECT_EQ(key_label_count(key.octets()), 2u);
  NameKey again;
  again.assign_key(key.octets());
  EXPECT_EQ(again.label_count(), 1u);
  EXPECT_EQ(again.size(), key.size());
  // Of the root, and with a hash full of 00.
  NameKey root{NameView()};
  root.append_nsec3({});
  EXPECT_EQ(root.size(), 21u);
  EXPECT_EQ(to_string(*name_of_key(root.octets())), std::string(32, '0') + ".");
  again.assign_key(root.octets());
  EXPECT_EQ(again.label_count(), 0u);
  for (const char* no_hash : {"0p9mhaveqvm6t7vbl5lop2u3t2rp3to", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tow"}) {
    const std::string_view label = no_hash;
    EXPECT_FALSE(nsec3_hash_of_label({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()})) << label;
  }
}

// What stands between a name and all before it.
TEST(Names, KeysRightBefore) {
  const NameKey name(*Name::from_text("b.example."));
  NameKey before;
  before.assign_before(name.octets());
  const auto less = [](const NameKey& x, const NameKey& y) {
    return std::lexicographical_compare(x.octets().begin(), x.octets().end(), y.octets().begin(), y.octets().end());
  };
  EXPECT_TRUE(less(before, name));
  for (const char* text : {"example.", "a.example.", "zz.a.example.", "az\\255.example."})
    EXPECT_TRUE(less(NameKey(*Name::from_text(text)), before)) << text;
}

TEST(Names, LongestKeyHas504Octets) {
  const std::string zeros(63, '\0');
  const NameKey key(name_of({std::string(61, '\0'), zeros, zeros, zeros}));
  EXPECT_EQ(key.size(), NameKey::max_octets);
  EXPECT_EQ(name_of_key(key.octets())->size(), 255u);
}

TEST(Names, WhatIsNoKeyIsRefused) {
  const auto refused = [](std::string_view octets) {
    return !name_of_key({reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()}).has_value();
  };
  using namespace std::string_view_literals;
  EXPECT_FALSE(refused(""sv));  // the root
  EXPECT_FALSE(refused("com\0"sv));
  EXPECT_TRUE(refused("com"sv));  // no end
  EXPECT_TRUE(refused("Com\0"sv));
  EXPECT_TRUE(refused("\0"sv));  // an empty label
  EXPECT_TRUE(refused("com\0\0"sv));
  EXPECT_TRUE(refused("a\1"sv));      // half an escape
  EXPECT_TRUE(refused("a\1\3\0"sv));  // no escape
  EXPECT_TRUE(refused("a\1\0"sv));
  EXPECT_TRUE(refused(std::string(64, 'a') + '\0'));
  std::string many;
  for (int i = 0; i < 128; ++i) many += std::string("a\0", 2);
  EXPECT_TRUE(refused(many));
  many.resize(2 * 127);
  EXPECT_FALSE(refused(many));
}

TEST(Names, TextRoundTrip) {
  std::mt19937 random(4);
  for (int round = 0; round < 50'000; ++round) {
    const Name name = name_of(random_labels(random));
    const auto back = Name::from_text(to_string(name));
    ASSERT_TRUE(back.has_value()) << to_string(name);
    // Case is kept, so octets and not names are compared.
    ASSERT_TRUE(
        std::equal(back->data(), back->data() + back->size(), name.data(), name.data() + name.size()));
  }
}

TEST(Names, TextOfEveryOctet) {
  for (int c = 0; c < 256; ++c) {
    const Name name = name_of({std::string(1, static_cast<char>(c)), "x"});
    const std::string shown = to_string(name);
    for (const char letter : shown) EXPECT_TRUE(letter > ' ' && letter < 0x7f) << c;
    EXPECT_EQ(to_string(text(shown)), shown);
  }
  EXPECT_EQ(to_string(name_of({"a.b", "c"})), "a\\.b.c.");
  EXPECT_EQ(to_string(name_of({std::string("\0", 1), "\\"})), "\\000.\\\\.");
}

TEST(Names, LimitsOfText) {
  const std::string label63(63, 'a');
  EXPECT_TRUE(Name::from_text(label63));
  EXPECT_FALSE(Name::from_text(label63 + "a"));
  const std::string three = label63 + "." + label63 + "." + label63 + ".";
  EXPECT_EQ(Name::from_text(three + std::string(61, 'b'))->size(), 255u);
  EXPECT_EQ(Name::from_text(three + std::string(61, 'b') + ".")->size(), 255u);
  EXPECT_FALSE(Name::from_text(three + std::string(62, 'b')));
  EXPECT_FALSE(Name::from_text(three + std::string(59, 'b') + ".cc"));
  // Escapes make text long, not names: 4 characters an octet.
  std::string escaped;
  for (int i = 0; i < 63; ++i) escaped += "\\255";
  EXPECT_EQ(Name::from_text(escaped + "." + escaped + ".")->size(), 129u);
  const Name origin = text(three);
  EXPECT_EQ(Name::from_text(std::string(61, 'b'), &origin)->size(), 255u);
  EXPECT_FALSE(Name::from_text(std::string(62, 'b'), &origin));
  EXPECT_FALSE(Name::prepend(Octets(), Name()));
}

TEST(Names, TextThatIsNoName) {
  for (const char* wrong : {"", "..", ".a", "a..b", "a..", "\\", "a\\", "\\25", "\\256.", "\\2x5", "\\999"}) {
    EXPECT_FALSE(Name::from_text(wrong)) << wrong;
  }
  EXPECT_TRUE(text(".").view().is_root());
  EXPECT_EQ(text("\\097\\B"), text("AB."));
}

TEST(Names, OriginCompletesRelativeNames) {
  const Name origin = text("example.com"), root;
  EXPECT_EQ(*Name::from_text("@", &origin), origin);
  EXPECT_EQ(*Name::from_text("www", &origin), text("www.example.com"));
  EXPECT_EQ(*Name::from_text("www.", &origin), text("www"));
  EXPECT_EQ(*Name::from_text("www", &root), text("www"));
  EXPECT_EQ(to_string(*Name::from_text("\\@", &origin)), "\\@.example.com.");
}

TEST(Names, Relations) {
  const Name name = text("A.b.Example.COM");
  EXPECT_EQ(name.view().label_count(), 4u);
  EXPECT_EQ(to_string(name.view().suffix(2)), "Example.COM.");
  EXPECT_TRUE(name.view().suffix(0).is_root());
  EXPECT_TRUE(Name().view().parent().is_root());
  EXPECT_TRUE(name.view().is_at_or_below(text("example.com")));
  EXPECT_TRUE(name.view().is_at_or_below(name));
  EXPECT_TRUE(name.view().is_at_or_below(Name()));
  EXPECT_FALSE(text("xexample.com").view().is_at_or_below(text("example.com")));
  EXPECT_FALSE(text("example.com").view().is_at_or_below(name));
  EXPECT_TRUE(text("*.x").view().is_wildcard());
  EXPECT_FALSE(text("**.x").view().is_wildcard());
  EXPECT_FALSE(text("a.*.x").view().is_wildcard());
  EXPECT_TRUE(name.view().has_upper_case());
  EXPECT_FALSE(name.lowered().view().has_upper_case());
}

// RFC 6672 2.2 table 1, shortened.
TEST(Names, Substitution) {
  const auto redirected = [](const char* name, const char* from, const char* to) {
    const auto out = Name::substitute(text(name), text(from), text(to));
    return out ? to_string(*out) : "too long";
  };
  EXPECT_EQ(redirected("a.example.com", "example.com", "example.net"), "a.example.net.");
  EXPECT_EQ(redirected("a.b.example.com", "example.com", "."), "a.b.");
  EXPECT_EQ(redirected("shortloop.x.x", "x", "."), "shortloop.x.");
  const std::string label(63, 'l');
  const std::string target = label + "." + label + "." + label;  // 193 octets
  EXPECT_EQ(redirected((std::string(61, 'a') + ".x").c_str(), "x", target.c_str()).size(), 254u);
  EXPECT_EQ(redirected((std::string(62, 'a') + ".x").c_str(), "x", target.c_str()), "too long");
}

TEST(Names, ParseOfWire) {
  const auto size = [](std::initializer_list<std::uint8_t> wire) {
    const std::vector<std::uint8_t> copy(wire);
    const auto name = NameView::parse(copy);
    return name ? name->size() : 0;
  };
  EXPECT_EQ(size({0}), 1u);
  EXPECT_EQ(size({1, 'a', 0, 9, 9}), 3u);
  EXPECT_EQ(size({}), 0u);
  EXPECT_EQ(size({1, 'a'}), 0u);
  EXPECT_EQ(size({2, 'a'}), 0u);
  EXPECT_EQ(size({64, 'a'}), 0u);
  EXPECT_EQ(size({0xc0, 0}), 0u);
  std::vector<std::uint8_t> longest;
  for (int i = 0; i < 127; ++i) longest.insert(longest.end(), {1, 'a'});
  longest.push_back(0);
  EXPECT_EQ(NameView::parse(longest)->size(), 255u);
  longest.insert(longest.begin(), {1, 'a'});
  EXPECT_FALSE(NameView::parse(longest));
}

// RFC 1982 3.2, with its own examples' shape at 32 bits.
TEST(Serials, ArithmeticWraps) {
  const auto newer = [](std::uint32_t a, std::uint32_t b) { return Serial(a).is_newer_than(Serial(b)); };
  EXPECT_TRUE(newer(1, 0));
  EXPECT_FALSE(newer(0, 1));
  EXPECT_FALSE(newer(7, 7));
  EXPECT_TRUE(newer(0, 0xffffffff));
  EXPECT_TRUE(newer(0x7fffffff, 0));
  EXPECT_FALSE(newer(0, 0x7fffffff));
  EXPECT_TRUE(newer(0x80000000, 1));
  EXPECT_TRUE(newer(5, 0xfffffff0));
  EXPECT_TRUE(newer(0, 0x80000001));
  EXPECT_FALSE(newer(0x80000001, 0));
}

TEST(Serials, HalfTheRangeApartThereIsNoOrder) {
  for (const std::uint32_t base : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    const Serial a(base), b(base + 0x80000000u);
    EXPECT_FALSE(a.is_newer_than(b)) << base;
    EXPECT_FALSE(b.is_newer_than(a)) << base;
    EXPECT_FALSE(a == b);
  }
}

TEST(Types, TextRoundTripOfAll) {
  for (unsigned value = 0; value <= 65535; ++value) {
    const RRType type{static_cast<std::uint16_t>(value)};
    ASSERT_EQ(parse_type(to_string(type)), type) << to_string(type);
    ASSERT_EQ(parse_type("type" + std::to_string(value)), type);
  }
}

TEST(Types, KnownAndWrongMnemonics) {
  EXPECT_EQ(parse_type("aaaa"), RRType::AAAA);
  EXPECT_EQ(parse_type("NSAP-PTR"), RRType{23});
  EXPECT_EQ(parse_type("RESINFO"), RRType{261});
  EXPECT_EQ(parse_type("any"), RRType::ANY);
  for (const char* wrong :
       {"", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "TYPE+1", "DELEG", "A ", "AAAAA", "TYPE99999999999"}) {
    EXPECT_FALSE(parse_type(wrong)) << wrong;
  }
  EXPECT_EQ(to_string(RRType{65280}), "TYPE65280");
  EXPECT_EQ(to_string(Rcode::nxdomain), "NXDOMAIN");
  EXPECT_EQ(to_string(Rcode{99}), "RCODE99");
  EXPECT_TRUE(is_meta_type(RRType{0}));
  EXPECT_TRUE(is_meta_type(RRType::OPT));
  EXPECT_TRUE(is_meta_type(RRType{128}));
  EXPECT_TRUE(is_meta_type(RRType::ANY));
  EXPECT_FALSE(is_meta_type(RRType{127}));
  EXPECT_FALSE(is_meta_type(RRType{256}));
}

}  // namespace
}  // namespace understudy::dns
