// Events for people and for machines: `2026-01-01T00:00:00Z info transfer-done zone=example.com. serial=7`.
//
// Any thread may log (one line is written at once); never on the query path. Values with spaces, quotes or
// control octets are quoted, so that foreign text cannot forge a line.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace understudy::log {

enum class Level { debug, info, warning, error };

struct Field {
  std::string_view key;
  std::string value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  template <class Number>
  requires std::is_arithmetic_v<Number> Field(std::string_view k, Number v)
      : key(k), value(std::to_string(v)) {}
};

// Below this level nothing is written. The default is info.
void set_level(Level level);

// `event` is a fixed word with dashes, such as "transfer-done".
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

inline void debug(std::string_view event, std::initializer_list<Field> f = {}) {
  write(Level::debug, event, f);
}
inline void info(std::string_view event, std::initializer_list<Field> f = {}) {
  write(Level::info, event, f);
}
inline void warning(std::string_view event, std::initializer_list<Field> f = {}) {
  write(Level::warning, event, f);
}
inline void error(std::string_view event, std::initializer_list<Field> f = {}) {
  write(Level::error, event, f);
}

}  // namespace understudy::log
