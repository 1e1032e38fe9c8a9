// $GENERATE as BIND has it (ARM, Zone File): a range, and patterns in which $ stands for the number.
// Plain values, used by zone_file.cpp only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace understudy::sync {

struct GenerateRange {
  std::uint32_t start = 0, stop = 0, step = 1;
  std::uint64_t count() const { return std::uint64_t{stop - start} / step + 1; }
};

// start-stop[/step], each at most 2^31-1; nothing where it is no range.
std::optional<GenerateRange> parse_generate_range(std::string_view text);

// Text with $, ${offset[,width[,base]]} (base d, o, x, X, or n and N for nibbles from the right, parted by
// dots), $$ for a dollar sign; a backslash keeps the next character as it is.
class GeneratePattern {
 public:
  static Result<GeneratePattern> parse(std::string_view text);
  // Nothing where an offset makes the number negative or leads beyond 2^31-1.
  std::optional<std::string> expand(std::uint32_t number) const;

 private:
  struct Piece {
    std::string literal;  // stands before the number
    bool has_number = false;
    std::int64_t offset = 0;
    unsigned width = 0;
    char base = 'd';
  };
  static bool parse_modifiers(std::string_view text, Piece& piece);
  std::vector<Piece> pieces_;
};

}  // namespace understudy::sync
