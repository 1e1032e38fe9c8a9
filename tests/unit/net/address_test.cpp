#include "net/address.h"

#include <gtest/gtest.h>

#include "net/framing.h"

namespace understudy::net {
namespace {

using boost::asio::ip::make_address;

struct EndpointCase {
  const char* text;
  const char* printed;
};

TEST(Endpoint, IsReadInEveryForm) {
  const EndpointCase cases[] = {{"192.0.2.1", "192.0.2.1:53"},
                                {"192.0.2.1:5300", "192.0.2.1:5300"},
                                {"2001:db8::1", "[2001:db8::1]:53"},
                                {"[2001:db8::1]", "[2001:db8::1]:53"},
                                {"[2001:db8::1]:0", "[2001:db8::1]:0"},
                                {"[2001:DB8::1]:65535", "[2001:db8::1]:65535"},
                                {"::1", "[::1]:53"},
                                {"::ffff:192.0.2.1", "192.0.2.1:53"}};
  for (const EndpointCase& c : cases) {
    const auto endpoint = parse_endpoint(c.text, 53);
    ASSERT_TRUE(endpoint) << c.text;
    EXPECT_EQ(to_string(*endpoint), c.printed);
  }
}

TEST(Endpoint, RefusesWhatIsNone) {
  for (const char* text :
       {"", "host.example", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:5x", "192.0.2.1:-1", "192.0.2",
        "[192.0.2.1]:53", "[2001:db8::1", "[2001:db8::1]53", "2001:db8::1:", "300.0.2.1", "[]:53"}) {
    const auto endpoint = parse_endpoint(text, 53);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().reason, "bad-address");
    EXPECT_NE(endpoint.error().message.find(text), std::string::npos) << endpoint.error().message;
  }
}

struct PrefixCase {
  const char* prefix;
  const char* address;
  bool inside;
};

TEST(Prefix, ContainsExactlyItsAddresses) {
  const PrefixCase cases[] = {
      {"192.0.2.0/24", "192.0.2.255", true},       {"192.0.2.0/24", "192.0.3.0", false},
      {"192.0.2.77/24", "192.0.2.1", true},        {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.128/25", "192.0.2.128", true},     {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},           {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},         {"::/0", "2001:db8::1", true},
      {"2001:db8::/33", "2001:db8:7fff::1", true}, {"2001:db8::/33", "2001:db8:8000::1", false},
      {"192.0.2.0/24", "::ffff:192.0.2.7", true},  {"::ffff:192.0.2.7", "192.0.2.7", true}};
  for (const PrefixCase& c : cases) {
    const auto prefix = Prefix::parse(c.prefix);
    ASSERT_TRUE(prefix) << c.prefix;
    EXPECT_EQ(prefix->contains(make_address(c.address)), c.inside) << c.prefix << " " << c.address;
  }
}

TEST(Prefix, PrintsItsNormalForm) {
  EXPECT_EQ(Prefix::parse("192.0.2.77/24")->text(), "192.0.2.0/24");
  EXPECT_EQ(Prefix::parse("192.0.2.77")->text(), "192.0.2.77");
  EXPECT_EQ(Prefix::parse("2001:db8:ffff::/32")->text(), "2001:db8::/32");
  EXPECT_EQ(Prefix(make_address("::1")).text(), "::1");
  for (const char* text : {"", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/2x", "2001:db8::/129", "example/8"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

// However a stream is cut into pieces, the same messages come out.
TEST(FrameSplitter, CutsAStreamWhereverItIsSplit) {
  std::vector<std::vector<std::uint8_t>> messages;
  for (const std::size_t size : {1u, 0u, 12u, 700u, 65535u, 3u}) {
    messages.emplace_back(size, static_cast<std::uint8_t>(size));
  }
  std::vector<std::uint8_t> stream;
  for (const auto& message : messages) {
    stream.push_back(static_cast<std::uint8_t>(message.size() >> 8));
    stream.push_back(static_cast<std::uint8_t>(message.size()));
    stream.insert(stream.end(), message.begin(), message.end());
  }
  for (const std::size_t piece : {1u, 2u, 3u, 5u, 13u, 711u, 70000u}) {
    FrameSplitter splitter;
    std::vector<std::vector<std::uint8_t>> got;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      const dns::Octets part = dns::Octets(stream).subspan(at, std::min(piece, stream.size() - at));
      ASSERT_TRUE(
          splitter.feed(part, [&](dns::Octets m) { return got.emplace_back(m.begin(), m.end()), true; }));
    }
    EXPECT_EQ(got, messages) << "pieces of " << piece;
    EXPECT_TRUE(splitter.at_boundary());
  }
}

}  // namespace
}  // namespace understudy::net
