// TCP framing: a stream in pieces of any size gives the same messages as the stream at once.
#include "net/framing.h"

#include "fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

// RFC 1035 4.2.2 in its plainest form. Returns the octets after the last whole message.
std::size_t split(Octets stream, std::vector<Bytes>& messages) {
  while (stream.size() >= 2) {
    const std::size_t length = static_cast<std::size_t>(stream[0]) << 8 | stream[1];
    if (stream.size() - 2 < length) break;
    messages.emplace_back(stream.begin() + 2, stream.begin() + 2 + static_cast<std::ptrdiff_t>(length));
    stream = stream.subspan(2 + length);
  }
  return stream.size();
}

}  // namespace
}  // namespace understudy::fuzz

// The first octet is the number of those that say how long the pieces are, over and over.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace understudy;
  fuzz::Feed feed({data, size});
  const fuzz::Octets lengths = feed.take(feed.u8());
  const fuzz::Octets stream = feed.rest();
  std::vector<fuzz::Bytes> expected, got;
  const std::size_t left = fuzz::split(stream, expected);
  net::FrameSplitter splitter;
  for (std::size_t i = 0; !feed.empty(); ++i) {
    const fuzz::Octets piece = feed.take(lengths.empty() ? size : 1u + lengths[i % lengths.size()]);
    const fuzz::Bytes own(piece.begin(), piece.end());
    const bool more = splitter.feed(own, [&](fuzz::Octets message) {
      got.emplace_back(message.begin(), message.end());
      return true;
    });
    fuzz::check(more, "the stream ends by itself");
  }
  fuzz::check(got == expected, "other messages than the stream has");
  fuzz::check(splitter.at_boundary() == (left == 0), "the boundary");
  // Whoever says stop gets no more.
  std::size_t taken = 0;
  net::FrameSplitter stopped;
  const bool more = stopped.feed(stream, [&](fuzz::Octets) { return ++taken < 2; });
  fuzz::check(taken == std::min<std::size_t>(2, expected.size()) && more == (expected.size() < 2),
              "stopping");
  return 0;
}
