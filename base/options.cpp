// TOML into rows: unknown keys with the known one that is near, values checked by their row, every problem
// with its line.
#include "base/options.h"

#include <toml++/toml.h>
#include <algorithm>
#include <map>

#include "base/option_values.h"

namespace understudy {
namespace {

std::string quoted(std::string_view word) { return '"' + std::string(word) + '"'; }

class OptionReader {
 public:
  OptionReader(const OptionSchema& schema, OptionSink& sink) : schema_(schema), sink_(sink) {}

  std::vector<OptionProblem> read(const toml::table& document) {
    for (const auto& [key, node] : document) {
      if (!find_table(key.str())) report_unknown_top(key.str(), line_of(key));
    }
    for (const OptionTable& table : schema_.tables) read_tables(table, document.at_path(table.name).node());
    std::stable_sort(problems_.begin(), problems_.end(),
                     [](const OptionProblem& a, const OptionProblem& b) { return a.line < b.line; });
    return std::move(problems_);
  }

 private:
  static unsigned line_of(const toml::key& key) { return static_cast<unsigned>(key.source().begin.line); }
  static unsigned line_of(const toml::node& node) { return static_cast<unsigned>(node.source().begin.line); }

  void report(unsigned line, std::string message) { problems_.push_back({line, std::move(message)}); }

  const OptionTable* find_table(std::string_view name) const {
    for (const OptionTable& table : schema_.tables) {
      if (table.name == name) return &table;
    }
    return nullptr;
  }

  void report_unknown_top(std::string_view name, unsigned line) {
    for (const Option& option : schema_.options) {
      if (option.key == name) {
        return report(line, quoted(name) + " stands outside of its table: it belongs under [" +
                                std::string(option.table) + "]");
      }
    }
    std::vector<std::string_view> names;
    for (const OptionTable& table : schema_.tables) names.push_back(table.name);
    std::string message = "unknown table [" + std::string(name) + "]";
    if (const auto near = nearest_word(name, names); !near.empty()) {
      message += "; did you mean [" + std::string(near) + "]?";
    }
    report(line, std::move(message));
  }

  // `node` is null where the document does not have the table.
  void read_tables(const OptionTable& table, const toml::node* node) {
    const std::string name(table.name);
    if (table.repeated) {
      if (node == nullptr) return;
      const toml::array* const array = node->as_array();
      if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
        return report(line_of(*node),
                      name + " is written [[" + name + "]], in double brackets, once for each");
      }
      for (const toml::node& element : *array) read_table(table, element.as_table(), line_of(element));
      return;
    }
    if (node != nullptr && node->as_table() == nullptr) {
      return report(line_of(*node), name + " is a table, written [" + name + "], once");
    }
    read_table(table, node == nullptr ? nullptr : node->as_table(), node == nullptr ? 0 : line_of(*node));
  }

  void read_table(const OptionTable& table, const toml::table* values, unsigned line) {
    sink_.begin_table(table);
    if (values != nullptr) {
      for (const auto& [key, node] : *values) {
        check_key(table.name, std::string(key.str()), line_of(key), node);
      }
    }
    for (std::size_t i = 0; i < schema_.options.size(); ++i) {
      const Option& option = schema_.options[i];
      if (option.table != table.name) continue;
      const toml::node* const node = values == nullptr ? nullptr : values->at_path(option.key).node();
      if (node != nullptr) {
        read_value(i, *node);
      } else if (!option.fallback.empty()) {
        store(i, value_of_text(option, option.fallback), line);
      }
    }
    for (std::string& message : sink_.end_table()) report(line, std::move(message));
  }

  // A key of a table, or of one written inside it, whose rows are named with a dot: keep = { versions = 5 }.
  void check_key(std::string_view table, const std::string& key, unsigned line, const toml::node& value) {
    if (is_known(table, key) || find_table(std::string(table) + "." + key) != nullptr) return;
    const bool has_parts = std::any_of(
        schema_.options.begin(), schema_.options.end(),
        [&](const Option& option) { return option.table == table && option.key.starts_with(key + "."); });
    if (!has_parts) return report_unknown_key(table, key, line);
    if (!value.is_table()) {
      return report(line, std::string(table) + "." + key + ": wants a table, such as { ... }");
    }
    for (const auto& [part, inner] : *value.as_table())
      check_key(table, key + "." + std::string(part.str()), line_of(part), inner);
  }

  bool is_known(std::string_view table, std::string_view key) const {
    return std::any_of(schema_.options.begin(), schema_.options.end(),
                       [&](const Option& option) { return option.table == table && option.key == key; });
  }

  void report_unknown_key(std::string_view table, std::string_view key, unsigned line) {
    const std::string where = " in [" + std::string(table) + "]";
    std::vector<std::string_view> keys;
    std::string_view elsewhere;
    for (const Option& option : schema_.options) {
      if (option.table == table) keys.push_back(option.key);
      if (option.key == key && elsewhere.empty()) elsewhere = option.table;
    }
    std::string message = "unknown key " + quoted(key) + where;
    if (const auto near = nearest_word(key, keys); !near.empty()) {
      message += "; did you mean " + quoted(near) + "?";
    } else if (!elsewhere.empty()) {
      message += "; it belongs under [" + std::string(elsewhere) + "]";
    }
    report(line, std::move(message));
  }

  void store(std::size_t option, const Result<OptionValue>& value, unsigned line) {
    const Option& row = schema_.options[option];
    const std::string path = std::string(row.table) + "." + std::string(row.key);
    if (!value) return report(line, path + ": " + value.error().message);
    if (const auto stored = sink_.set(option, *value); !stored)
      report(line, path + ": " + stored.error().message);
  }

  void read_value(std::size_t option, const toml::node& node) {
    const Option& row = schema_.options[option];
    if (row.type == OptionType::list && node.is_array()) {
      for (const toml::node& element : *node.as_array())
        store(option, value_of(row, element), line_of(element));
      return;
    }
    store(option, value_of(row, node), line_of(node));
  }

  static Result<OptionValue> value_of(const Option& option, const toml::node& node) {
    const auto wants = [&](std::string_view what) {
      return Error{"configuration", "wants " + std::string(what)};
    };
    switch (option.type) {
      case OptionType::boolean:
        if (const auto value = node.value_exact<bool>()) return OptionValue{*value};
        return wants("true or false");
      case OptionType::integer: {
        const auto value = node.value_exact<std::int64_t>();
        if (!value) return wants("a whole number");
        if (const auto fits = check_range(option, static_cast<double>(*value)); !fits) return fits.error();
        return OptionValue{*value};
      }
      case OptionType::ratio: {
        const auto value = node.is_number() ? node.value<double>() : std::nullopt;
        if (!value) return wants("a number");
        if (const auto fits = check_range(option, *value); !fits) return fits.error();
        return OptionValue{*value};
      }
      case OptionType::duration:
      case OptionType::size:
        if (const auto number = node.value_exact<std::int64_t>())
          return value_of_text(option, std::to_string(*number));
        break;
      case OptionType::text:
      case OptionType::choice:
      case OptionType::list:
        break;
    }
    if (const auto value = node.value_exact<std::string>()) return value_of_text(option, *value);
    return wants(option.type == OptionType::list ? "a text in quotes, or a list of them"
                                                 : "a text in quotes");
  }

  const OptionSchema& schema_;
  OptionSink& sink_;
  std::vector<OptionProblem> problems_;
};

std::string type_text(const Option& option) {
  switch (option.type) {
    case OptionType::boolean:
      return "true or false";
    case OptionType::integer:
      return "whole number";
    case OptionType::ratio:
      return "number";
    case OptionType::text:
      return "text";
    case OptionType::duration:
      return "duration";
    case OptionType::size:
      return "size";
    case OptionType::list:
      return "text, or list of texts";
    case OptionType::choice:
      break;
  }
  std::string text;
  for (const auto word : words_of(option.choices))
    text += (text.empty() ? "`\"" : " or `\"") + std::string(word) + "\"`";
  return text;
}

// As it would stand in the file.
std::string fallback_text(const Option& option) {
  if (option.fallback.empty()) return "none";
  const bool bare = option.type == OptionType::boolean || option.type == OptionType::integer ||
                    option.type == OptionType::ratio;
  return bare ? '`' + std::string(option.fallback) + '`' : "`\"" + std::string(option.fallback) + "\"`";
}

// The table before it in the schema that has the same option; empty: none.
std::string_view told_in(const OptionSchema& schema, const Option& option) {
  for (const OptionTable& table : schema.tables) {
    if (table.name == option.table) break;
    for (const Option& other : schema.options) {
      if (other.table == table.name && other.key == option.key && other.help == option.help)
        return table.name;
    }
  }
  return {};
}

}  // namespace

std::vector<OptionProblem> read_options(const OptionSchema& schema, std::string_view toml, OptionSink& sink) {
  try {
    const toml::table document = toml::parse(toml);
    return OptionReader(schema, sink).read(document);
  } catch (const toml::parse_error& fault) {
    return {
        {static_cast<unsigned>(fault.source().begin.line), "not TOML: " + std::string(fault.description())}};
  }
}

std::string options_reference(const OptionSchema& schema) {
  std::string page;
  for (const OptionTable& table : schema.tables) {
    const std::string name(table.name);
    page += "\n## " + (table.repeated ? "[[" + name + "]]" : "[" + name + "]") + "\n\n" +
            std::string(table.help) + "\n";
    std::map<std::string_view, std::string> as_elsewhere;  // by the table that tells of them
    for (const Option& option : schema.options) {
      if (option.table != table.name) continue;
      if (const std::string_view other = told_in(schema, option); !other.empty()) {
        std::string& keys = as_elsewhere[other];
        keys += (keys.empty() ? "`" : ", `") + std::string(option.key) + '`';
        continue;
      }
      page += "\n### `" + std::string(option.key) + "`\n\n" + std::string(option.help) + "\n\n";
      page += "Type: " + type_text(option);
      if (!option.unit.empty()) page += ", in " + std::string(option.unit);
      if (const std::string range = range_text(option); !range.empty()) page += ", " + range;
      page += ". Default: " + fallback_text(option) + ".\n";
    }
    for (const auto& [other, keys] : as_elsewhere)
      page += "\nAs in `[[" + std::string(other) + "]]`: " + keys + ".\n";
  }
  return page;
}

}  // namespace understudy
