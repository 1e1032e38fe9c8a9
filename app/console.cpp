#include "app/console.h"

#include <ctime>

namespace understudy::app {
namespace {

namespace json = boost::json;

// Two of a unit at least, so that rounding down loses less than half.
std::string span_text(std::int64_t seconds) {
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 2 * 3600) return std::to_string(seconds / 60) + " min";
  if (seconds < 2 * 86400) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

// Columns that a UTF-8 text takes; continuation octets take none.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return width;
}

}  // namespace

std::string Console::paint(Colour wanted, std::string_view text) const {
  if (!colour || wanted == Colour::none) return std::string(text);
  const std::string_view code = wanted == Colour::good      ? "32"
                                : wanted == Colour::warning ? "33"
                                : wanted == Colour::bad     ? "31"
                                : wanted == Colour::faint   ? "2"
                                                            : "1";
  return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

int Console::fail(std::string_view verb, std::string_view message) const {
  out.flush();
  err << "understudy " << verb << ": " << message << "\n";
  return exit_code::error;
}

std::string age_text(UnixTime then, UnixTime now) {
  if (then == 0) return "never";
  if (then > now) return "in " + span_text(then - now);
  if (now - then < 2) return "just now";
  return span_text(now - then) + " ago";
}

std::string span_text(UnixTime since, UnixTime now) { return span_text(std::max<UnixTime>(0, now - since)); }

std::string number_text(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3; place -= 3) text.insert(place - 3, ",");
  return text;
}

std::string counted(std::uint64_t number, std::string_view singular, std::string_view plural) {
  return number_text(number) + " " + std::string(number == 1 ? singular : plural);
}

Table::Table(std::vector<std::string> heads) {
  std::vector<Cell> cells;
  for (std::string& head : heads) cells.push_back({std::move(head), Colour::bold});
  rows_.push_back(std::move(cells));
}

void Table::print(const Console& console) const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += console.paint(row[i].colour, row[i].text);
      if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i].text) + 2, ' ');
    }
    console.out << line << "\n";
  }
}

bool has(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && !value->is_null();
}

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::uint64_t number_at(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  boost::system::error_code fault;
  const auto number = value != nullptr && value->is_number() ? value->to_number<std::uint64_t>(fault) : 0;
  return fault ? 0 : number;
}

bool flag_at(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::array& list_at(const json::object& object, std::string_view key) {
  static const json::array none;
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

const json::object& object_at(const json::object& object, std::string_view key) {
  static const json::object none;
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : none;
}

UnixTime time_at(const json::object& object, std::string_view key) {
  std::tm broken{};
  const std::string text = text_at(object, key);
  const char* const end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &broken);
  return end != nullptr && *end == '\0' && !text.empty() ? timegm(&broken) : 0;
}

}  // namespace understudy::app
