#include "control/gzip.h"

#include <zlib.h>

#include <limits>
#include <new>

namespace understudy::control {

std::string gzip(std::string_view text) {
  constexpr int gzip_window = 15 + 16;  // zlib's way to say: with gzip's header
  constexpr int memory_level = 8;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string out(deflateBound(&stream, text.size()), '\0');
  // zlib's type lacks a const; it does not write there.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  // deflate() counts in 32 bits; responses are far below.
  stream.avail_in = static_cast<uInt>(std::min<std::size_t>(text.size(), std::numeric_limits<uInt>::max()));
  stream.avail_out = static_cast<uInt>(std::min<std::size_t>(out.size(), std::numeric_limits<uInt>::max()));
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace understudy::control
