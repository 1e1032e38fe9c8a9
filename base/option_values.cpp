// Values of options: durations, sizes, ranges, and the word that was meant.
#include "base/option_values.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace understudy {
namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};

constexpr Unit duration_units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}};
constexpr Unit size_units[] = {
    {"B", 1}, {"KiB", 1ll << 10}, {"MiB", 1ll << 20}, {"GiB", 1ll << 30}, {"TiB", 1ll << 40}};

// A whole number and one of the units; nothing where it is anything else or does not fit 63 bits.
std::optional<std::int64_t> with_unit(std::string_view text, std::span<const Unit> units) {
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || number < 0) return std::nullopt;
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (suffix.empty()) return number;
  for (const Unit& unit : units) {
    if (unit.suffix != suffix) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

std::string with_largest_unit(std::int64_t number, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0) best = &unit;
  }
  return std::to_string(number / best->factor) + std::string(best->suffix);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string number_text(double number) {
  if (number == static_cast<double>(static_cast<std::int64_t>(number))) {
    return std::to_string(static_cast<std::int64_t>(number));
  }
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

Error wrong(std::string message) { return {"configuration", std::move(message)}; }

}  // namespace

Result<Seconds> parse_duration(std::string_view text) {
  if (const auto seconds = with_unit(text, duration_units)) return Seconds(*seconds);
  return wrong('"' + std::string(text) +
               "\" is no duration: write a whole number and s, m, h, d or w, such as \"90s\"");
}

Result<std::uint64_t> parse_size(std::string_view text) {
  if (const auto octets = with_unit(text, size_units)) return static_cast<std::uint64_t>(*octets);
  return wrong('"' + std::string(text) +
               "\" is no size: write a whole number and KiB, MiB, GiB or TiB, such as \"64MiB\"");
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  // One slip in three letters is a slip of the finger; more is another word.
  std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance > allowed || (distance == allowed && !best.empty())) continue;
    best = candidate;
    allowed = distance;
  }
  return best;
}

std::vector<std::string_view> words_of(std::string_view choices) {
  std::vector<std::string_view> words;
  while (!choices.empty()) {
    const std::size_t bar = std::min(choices.find('|'), choices.size());
    words.push_back(choices.substr(0, bar));
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return words;
}

std::string bound_text(const Option& option, double bound) {
  const auto whole = static_cast<std::int64_t>(bound);
  if (option.type == OptionType::duration) return with_largest_unit(whole, duration_units);
  if (option.type == OptionType::size) return with_largest_unit(whole, size_units);
  return number_text(bound);
}

std::string range_text(const Option& option) {
  if (option.low == option.high) return {};
  return bound_text(option, option.low) + " to " + bound_text(option, option.high);
}

Result<> check_range(const Option& option, double value) {
  if (option.low == option.high || (value >= option.low && value <= option.high)) return {};
  return wrong(bound_text(option, value) + " is out of range: " + range_text(option));
}

Result<OptionValue> value_of_text(const Option& option, std::string_view text) {
  switch (option.type) {
    case OptionType::duration: {
      const auto seconds = parse_duration(text);
      if (!seconds) return seconds.error();
      if (const auto fits = check_range(option, static_cast<double>(seconds->count())); !fits)
        return fits.error();
      return OptionValue{std::int64_t{seconds->count()}};
    }
    case OptionType::size: {
      const auto octets = parse_size(text);
      if (!octets) return octets.error();
      if (const auto fits = check_range(option, static_cast<double>(*octets)); !fits) return fits.error();
      return OptionValue{static_cast<std::int64_t>(*octets)};
    }
    case OptionType::choice: {
      const auto words = words_of(option.choices);
      if (std::find(words.begin(), words.end(), text) != words.end()) return OptionValue{std::string(text)};
      std::string message = '"' + std::string(text) + "\" is none of";
      for (const auto word : words) message += " \"" + std::string(word) + '"';
      return wrong(std::move(message));
    }
    case OptionType::text:
    case OptionType::list:
      return OptionValue{std::string(text)};
    case OptionType::boolean:
      return OptionValue{text == "true"};
    case OptionType::integer: {
      const auto number = with_unit(text, {});
      if (!number) return wrong('"' + std::string(text) + "\" is no whole number");
      if (const auto fits = check_range(option, static_cast<double>(*number)); !fits) return fits.error();
      return OptionValue{*number};
    }
    case OptionType::ratio: {
      double number = 0;
      const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (fault != std::errc{} || end != text.data() + text.size())
        return wrong('"' + std::string(text) + "\" is no number");
      if (const auto fits = check_range(option, number); !fits) return fits.error();
      return OptionValue{number};
    }
  }
  return wrong("a value of a type without a parser");
}

}  // namespace understudy
