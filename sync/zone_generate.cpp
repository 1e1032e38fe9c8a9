#include "sync/zone_generate.h"

#include <charconv>

#include "sync/reasons.h"

namespace understudy::sync {
namespace {

constexpr std::int64_t most = 0x7fffffff;
constexpr unsigned widest = 127;  // BIND's buffer

// Reads a number at the front of `text` and removes it.
std::optional<std::int64_t> take_number(std::string_view& text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > most || value < -most) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// BIND's nibbles(): the width counts the dots too.
void append_nibbles(std::string& out, std::uint32_t value, unsigned width, bool upper) {
  const std::string_view digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  do {
    out += digits[value & 15];
    value >>= 4;
    if (width > 0) --width;
    if (width > 0 || value != 0) {
      out += '.';
      if (width > 0) --width;
    }
  } while (value != 0 || width > 0);
}

void append_number(std::string& out, std::uint32_t value, unsigned width, char base) {
  char digits[16];
  const int radix = base == 'd' ? 10 : base == 'o' ? 8 : 16;
  const auto end = std::to_chars(digits, digits + sizeof digits, value, radix).ptr;
  const auto size = static_cast<std::size_t>(end - digits);
  if (size < width) out.append(width - size, '0');
  for (const char* digit = digits; digit != end; ++digit) {
    out += base == 'X' && *digit >= 'a' ? static_cast<char>(*digit - 32) : *digit;
  }
}

}  // namespace

std::optional<GenerateRange> parse_generate_range(std::string_view text) {
  const auto start = take_number(text);
  if (!start || *start < 0 || !take(text, '-')) return std::nullopt;
  const auto stop = take_number(text);
  if (!stop || *stop < *start) return std::nullopt;
  std::optional<std::int64_t> step = 1;
  if (take(text, '/')) step = take_number(text);
  if (!step || *step < 1 || !text.empty()) return std::nullopt;
  return GenerateRange{static_cast<std::uint32_t>(*start), static_cast<std::uint32_t>(*stop),
                       static_cast<std::uint32_t>(*step)};
}

bool GeneratePattern::parse_modifiers(std::string_view text, Piece& piece) {
  const auto offset = take_number(text);
  if (!offset) return false;
  piece.offset = *offset;
  if (text.empty()) return true;
  if (!take(text, ',')) return false;
  const auto width = take_number(text);
  if (!width || *width < 0 || *width > widest) return false;
  piece.width = static_cast<unsigned>(*width);
  if (text.empty()) return true;
  if (!take(text, ',') || text.size() != 1) return false;
  piece.base = text[0];
  return std::string_view("doxXnN").find(text[0]) != std::string_view::npos;
}

Result<GeneratePattern> GeneratePattern::parse(std::string_view text) {
  GeneratePattern pattern;
  Piece piece;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      piece.literal += text.substr(at, 2);
      ++at;
      continue;
    }
    if (text[at] != '$') {
      piece.literal += text[at];
      continue;
    }
    if (text.substr(at + 1).starts_with('$')) {
      piece.literal += '$';
      ++at;
      continue;
    }
    piece.has_number = true;
    if (text.substr(at + 1).starts_with('{')) {
      const std::size_t close = text.find('}', at);
      if (close == std::string_view::npos || !parse_modifiers(text.substr(at + 2, close - at - 2), piece)) {
        return Error{reason::bad_zone_file,
                     "in $GENERATE '" + std::string(text.substr(at, 40)) +
                         "' is not ${offset}, ${offset,width} or ${offset,width,base} with base d, "
                         "o, x, X, n or N and a width of at most 127"};
      }
      at = close;
    }
    pattern.pieces_.push_back(std::move(piece));
    piece = Piece();
  }
  pattern.pieces_.push_back(std::move(piece));
  return pattern;
}

std::optional<std::string> GeneratePattern::expand(std::uint32_t number) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    out += piece.literal;
    if (!piece.has_number) continue;
    const std::int64_t value = number + piece.offset;
    if (value < 0 || value > most) return std::nullopt;
    const auto plain = static_cast<std::uint32_t>(value);
    if (piece.base == 'n' || piece.base == 'N') {
      append_nibbles(out, plain, piece.width, piece.base == 'N');
    } else {
      append_number(out, plain, piece.width, piece.base);
    }
  }
  return out;
}

}  // namespace understudy::sync
