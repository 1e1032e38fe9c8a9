// check-config [FILE]: everything that is wrong with a configuration, at once.
#include <CLI/CLI.hpp>
#include <memory>

#include "app/config.h"
#include "app/verbs.h"

namespace understudy::app {
namespace {

void describe(const Config& config, const std::string& file, const Console& console) {
  std::string listen;
  for (const net::Endpoint& endpoint : config.listen)
    listen += (listen.empty() ? "" : ", ") + net::to_string(endpoint);
  console.out << file << ": " << console.paint(Colour::good, "fine") << "\n\n";
  console.out << "answers on  " << (listen.empty() ? "no address" : listen) << "\n";
  console.out << "mirror in   " << config.data << "\n";
  console.out << "control     " << config.control << "\n";
  console.out << "HTTP        " << (config.http ? net::to_string(*config.http) : std::string("off"))
              << "\n\n";
  if (config.zones.empty()) {
    console.out << "no zones\n";
    return;
  }
  Table table({"ZONE", "SOURCE", "COMPARED WITH"});
  for (const sync::ZoneSettings& zone : config.zones) {
    std::string sources, compared;
    for (const auto& source : zone.sources)
      sources += (sources.empty() ? "" : ", ") + sync::to_string(source);
    for (const auto& address : zone.compare_with)
      compared += (compared.empty() ? "" : ", ") + net::to_string(address);
    table.row({{dns::to_string(zone.apex)}, {sources}, {compared.empty() ? "its sources" : compared}});
  }
  table.print(console);
}

int run(const std::string& file, bool reference, const Console& console) {
  if (reference) {
    console.out << config_reference();
    return exit_code::fine;
  }
  const LoadedConfig loaded = load_config(file);
  for (const std::string& problem : loaded.problems) console.err << problem << "\n";
  if (!loaded.problems.empty()) return exit_code::error;
  describe(loaded.config, file, console);
  return exit_code::fine;
}

}  // namespace

void add_check_config(CLI::App& root, const Console& console, Action& action) {
  struct Options {
    std::string file{default_config_file};
    bool reference = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* const verb =
      root.add_subcommand("check-config", "Report everything that is wrong with a configuration");
  verb->add_option("FILE", options->file, "the configuration; without it " + options->file)->type_name("");
  verb->add_flag("--reference", options->reference, "print the reference page of all options instead");
  verb->callback([=, &console, &action] {
    action = [=, &console] { return run(options->file, options->reference, console); };
  });
}

}  // namespace understudy::app
