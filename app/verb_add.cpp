// add ZONE --source SOURCE, remove ZONE: zones that come and go while the server runs.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "app/find_server.h"
#include "app/verbs.h"
#include "app/zone_options.h"
#include "control/control_client.h"

namespace understudy::app {
namespace {

namespace json = boost::json;

struct Options {
  Whereabouts where;
  std::string zone;
  std::vector<std::pair<std::string, std::vector<std::string>>> values;  // by key of the configuration
  bool json = false;
};

int ask(const std::string& verb, const Options& options, const json::object& request,
        const Console& console) {
  const auto socket = options.where.socket();
  if (!socket) return console.fail(verb, socket.error());
  const auto answer = control::ask_server(*socket, request);
  if (!answer) return console.fail(verb, answer.error());
  if (options.json) {
    console.out << json::serialize(*answer) << "\n";
  } else {
    console.out << text_at(*answer, "zone") << ": " << text_at(*answer, "outcome") << "\n";
  }
  return exit_code::fine;
}

// A relative path is meant from here; the server may run elsewhere.
std::string from_here(const std::string& key, const std::string& value) {
  constexpr std::string_view file = "file:";
  if (key != "source" || !value.starts_with(file) || value.size() == file.size()) return value;
  return std::string(file) + std::filesystem::absolute(value.substr(file.size())).lexically_normal().string();
}

int add(const Options& options, const Console& console) {
  const auto apex = dns::Name::from_text(options.zone);
  if (!apex) return console.fail("add", apex.error());
  backend::ZoneOptions given;
  json::array list;
  for (const auto& [key, values] : options.values) {
    for (const std::string& value : values) {
      given.emplace_back(key, from_here(key, value));
      list.push_back(json::array{given.back().first, given.back().second});
    }
  }
  // The server checks again; what is wrong on the line itself needs no server to be told.
  if (const auto settings = zone_from_options(*apex, given, {}); !settings)
    return console.fail("add", settings.error());
  return ask("add", options, {{"verb", "add"}, {"zone", options.zone}, {"options", std::move(list)}},
             console);
}

int remove(const Options& options, const Console& console) {
  return ask("remove", options, {{"verb", "remove"}, {"zone", options.zone}}, console);
}

std::string type_name(const Option& option) {
  if (option.key == "source") return "SOURCE";
  if (!option.choices.empty()) {
    std::string words(option.choices);
    return words;
  }
  return option.type == OptionType::duration  ? "DURATION"
         : option.type == OptionType::size    ? "SIZE"
         : option.type == OptionType::integer ? "NUMBER"
         : option.type == OptionType::ratio   ? "NUMBER"
         : option.type == OptionType::text    ? "TEXT"
                                              : "ADDR";
}

CLI::App* make(CLI::App& root, const std::string& name, const std::string& help,
               const std::shared_ptr<Options>& options) {
  CLI::App* const verb = root.add_subcommand(name, help);
  verb->add_option("ZONE", options->zone, "the zone")->required()->type_name("");
  verb->add_flag("--json", options->json, "for scripts");
  options->where.add_socket_options(*verb);
  return verb;
}

}  // namespace

void add_add(CLI::App& root, const Console& console, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb =
      make(root, "add", "Mirror and serve one zone more, from now on and after restarts", options);
  const std::vector<const Option*> rows = addable_options();
  options->values.reserve(rows.size());  // CLI11 keeps the places of the values
  for (const Option* row : rows) {
    std::string name(row->key);
    std::replace(name.begin(), name.end(), '.', '-');
    auto& values = options->values.emplace_back(std::string(row->key), std::vector<std::string>()).second;
    CLI::Option* const option = verb->add_option("--" + name, values, std::string(row->help));
    option->type_name(type_name(*row))->expected(1);
    row->type == OptionType::list ? option->take_all() : option->take_last();
  }
  verb->footer(
      "The options are those of the configuration's [[zone]]. Sources that run a command are taken from "
      "the\nconfiguration file only.");
  verb->callback([=, &console, &action] { action = [=, &console] { return add(*options, console); }; });
}

void add_remove(CLI::App& root, const Console& console, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb =
      make(root, "remove", "Serve a zone no more that was added; its data are kept for 7 days", options);
  verb->callback([=, &console, &action] { action = [=, &console] { return remove(*options, console); }; });
}

}  // namespace understudy::app
