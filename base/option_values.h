// What the parser of the file and the writer of the reference page share about one value. Pure functions, any
// thread.
#pragma once

#include <optional>

#include "base/options.h"

namespace understudy {

// The words of "drop|refuse".
std::vector<std::string_view> words_of(std::string_view choices);
// "60s to 1d", or nothing.
std::string range_text(const Option& option);
Result<> check_range(const Option& option, double value);
// A value as a user writes it without quotes: a text of the file, or a row's default.
Result<OptionValue> value_of_text(const Option& option, std::string_view text);

}  // namespace understudy
