// Where a verb writes: output for people, coloured only on a terminal, and the pieces it is made of.
//
// One thread, that of the command.
#pragma once

#include <boost/json.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace understudy::app {

// DESIGN.md: where several fit, the first of error, difference, unknown.
namespace exit_code {
inline constexpr int fine = 0, difference = 1, error = 2, unknown = 3;
}

enum class Colour { none, good, warning, bad, faint, bold };

struct Console {
  std::ostream& out;
  std::ostream& err;
  bool colour = false;    // out is a terminal that wants it
  bool progress = false;  // err is a terminal

  std::string paint(Colour colour, std::string_view text) const;
  // "understudy VERB: message" on err; the exit code to return.
  int fail(std::string_view verb, std::string_view message) const;
  int fail(std::string_view verb, const Error& error) const { return fail(verb, error.message); }
};

// "just now", "3 min ago", "2 d ago"; "in 50 s" for what is to come.
std::string age_text(UnixTime then, UnixTime now);
// "3 min", from `since` to now.
std::string span_text(UnixTime since, UnixTime now);
// "1,234,567".
std::string number_text(std::uint64_t number);
// "1 record", "2 records".
std::string counted(std::uint64_t number, std::string_view singular, std::string_view plural);

// Columns as wide as their widest cell; colours do not count.
class Table {
 public:
  explicit Table(std::vector<std::string> heads);
  struct Cell {
    std::string text;
    Colour colour = Colour::none;
  };
  void row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  void print(const Console& console) const;

 private:
  std::vector<std::vector<Cell>> rows_;
};

// What a report of the server holds, forgivingly: a key that is missing or null is empty, 0, false.
std::string text_at(const boost::json::object& object, std::string_view key);
std::uint64_t number_at(const boost::json::object& object, std::string_view key);
bool flag_at(const boost::json::object& object, std::string_view key);
bool has(const boost::json::object& object, std::string_view key);  // there, and not null
const boost::json::array& list_at(const boost::json::object& object, std::string_view key);
const boost::json::object& object_at(const boost::json::object& object, std::string_view key);
// An RFC 3339 time of a report; 0 where it is null.
UnixTime time_at(const boost::json::object& object, std::string_view key);

}  // namespace understudy::app
