// Option rows: one row declares an option, and parser, check-config and the reference page come from the row.
//
// The rows themselves, and what a value means, are app/'s; here is what TOML and rows have in common. Pure
// functions on values; used by one thread at start. Bounded by the size of the text given.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace understudy {

enum class OptionType : std::uint8_t {
  boolean,
  integer,
  ratio,  // a number, with or without fraction
  text,
  choice,    // one of the words in `choices`
  duration,  // "60s", "5m", "12h", "90d", "2w"; a bare integer is seconds
  size,      // "512KiB", "64MiB", "1GiB", or octets
  list,      // of texts; a single text is a list of one. Stored one element at a time
};

struct Option {
  std::string_view table, key;  // a key "keep.age" is written keep = { age = ... }
  OptionType type;
  std::string_view fallback;  // the default, as a user would write it without quotes; empty: none
  double low = 0, high = 0;   // of numbers, seconds, octets; equal: any
  std::string_view unit;      // of a number
  std::string_view choices;   // "drop|refuse"
  std::string_view help;      // for people, one or two sentences
};

struct OptionTable {
  std::string_view name;  // "zone", or "compare.expect" for one inside another
  bool repeated;          // written [[name]], any number of times
  std::string_view help;
};

struct OptionSchema {
  std::span<const OptionTable> tables;
  std::span<const Option> options;
};

// durations are seconds, sizes octets; list elements and choices are texts.
using OptionValue = std::variant<bool, std::int64_t, double, std::string>;

// Where values go, table by table, in the order of the text; tables that are not written are visited too,
// unless they are repeated ones.
class OptionSink {
 public:
  virtual ~OptionSink() = default;
  virtual void begin_table(const OptionTable& table) = 0;
  // `option` is the place of its row in the schema. The error's message says what is wrong with the value.
  virtual Result<> set(std::size_t option, const OptionValue& value) = 0;
  // What is wrong with the table as a whole.
  virtual std::vector<std::string> end_table() = 0;
};

struct OptionProblem {
  unsigned line = 0;
  std::string message;
};

// Reads a TOML text into the sink, defaults included. Returns everything that is wrong with it, in order of
// lines; a text that is no TOML at all has one problem, since nothing after it can be trusted.
std::vector<OptionProblem> read_options(const OptionSchema& schema, std::string_view toml, OptionSink& sink);

// The reference page, in Markdown.
std::string options_reference(const OptionSchema& schema);

// Pieces that the command line shares with the file.
Result<Seconds> parse_duration(std::string_view text);
Result<std::uint64_t> parse_size(std::string_view text);
// The word of `known` that `word` was probably meant to be; empty where none is near.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

}  // namespace understudy
