// The options that only streams carry, at the edges of what a message may hold.
#include "server/stream_options.h"

#include "support/message.h"
#include "support/test_mirror.h"

namespace understudy::test {
namespace {

using metrics::Proto;

// A response of that many octets: TXT records and an OPT at the end.
Bytes response_of(std::size_t size) {
  Bytes out = header(1, 0x8000, 0, 0, 0, 1);
  std::uint16_t records = 0;
  const std::size_t opt = 11;
  while (out.size() + opt < size) {
    const std::size_t left = size - out.size() - opt;
    // Ten octets of head, and names that are the root; the rest is one record, or several.
    const std::size_t most = 11 + 65000;
    const std::size_t whole = left > most ? most : left;
    out.push_back(0);
    append16(out, 65280);
    append16(out, 1);
    append32(out, 60);
    append16(out, static_cast<std::uint16_t>(whole - 11));
    out.insert(out.end(), whole - 11, 0x55);
    ++records;
  }
  dns::store16(out.data() + 6, records);
  out.push_back(0);
  append16(out, 41);
  append16(out, 1232);
  append32(out, 0);
  append16(out, 0);
  return out;
}

const Bytes both{0, 11, 0, 0, 0, 12, 0, 0}, padding{0, 12, 0, 0}, keepalive{0, 11, 0, 0};

Bytes added(const Bytes& response, const Bytes& asked, Proto proto, std::size_t block = 468) {
  const server::StreamOptions options{std::chrono::seconds(10), block};
  Bytes room = response;
  room.resize(limits::message_octets, 0xEE);
  room.resize(server::add_stream_options(options, proto, asked, room, response.size()));
  return room;
}

TEST(StreamOptions, EverySizeIsPaddedToAMultipleOfTheBlock) {
  for (std::size_t size = 23 + 11; size < 1500; ++size) {
    const Bytes out = added(response_of(size), both, Proto::tls);
    ASSERT_EQ(out.size() % 468, 0u) << size;
    ASSERT_LT(out.size() - size, 468u + 4 + 6) << size;
    ASSERT_EQ(decode(out).opt_count, 1u);
  }
}

TEST(StreamOptions, NothingIsAddedBeyondTheLargestMessage) {
  for (std::size_t size = limits::message_octets - 20; size <= limits::message_octets; ++size) {
    for (const Bytes& asked : {both, padding, keepalive}) {
      const Bytes out = added(response_of(size), asked, Proto::tls);
      ASSERT_LE(out.size(), limits::message_octets);
      ASSERT_EQ(decode(out).opt_count, 1u) << size;
    }
  }
  EXPECT_EQ(added(response_of(65525), padding, Proto::tls).size(), limits::message_octets);
}

TEST(StreamOptions, OnlyWhatIsAskedFor) {
  const Bytes response = response_of(100);
  EXPECT_EQ(added(response, {}, Proto::tls), response);
  EXPECT_EQ(added(response, {0, 10, 0, 1, 9}, Proto::tls), response);
  EXPECT_EQ(added(response, padding, Proto::tcp), response);
  EXPECT_EQ(added(response, padding, Proto::tls, 0), response);
  EXPECT_EQ(added(response, keepalive, Proto::tcp).size(), response.size() + 6);
}

// What is padded is zero (RFC 7830 3), whatever stood in the buffer before.
TEST(StreamOptions, PaddingIsZero) {
  const Bytes out = added(response_of(100), padding, Proto::tls);
  EXPECT_TRUE(std::all_of(out.begin() + 104, out.end(), [](std::uint8_t octet) { return octet == 0; }));
}

TEST(StreamOptions, AResponseWithoutOptStaysAsItIs) {
  Bytes response = header(1, 0x8005, 0, 0, 0, 0);
  EXPECT_EQ(added(response, both, Proto::tls), response);
}

}  // namespace
}  // namespace understudy::test
