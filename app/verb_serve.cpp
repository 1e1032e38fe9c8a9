// serve: the configuration, what the command line says on top of it, and the server.
#include <CLI/CLI.hpp>
#include <memory>

#include "app/serve.h"
#include "app/verbs.h"

namespace understudy::app {
namespace {

struct Options {
  std::string config, data, http, control;
  std::vector<std::string> zones, listen;
  bool reset_mirror = false;
};

// Puts what the command line says into the configuration; returns everything that is wrong with it.
std::vector<std::string> apply(const Options& options, Config& config) {
  std::vector<std::string> problems;
  if (!options.listen.empty()) config.listen.clear();
  for (const std::string& text : options.listen) {
    const auto endpoint = parse_listen(text);
    if (endpoint) config.listen.push_back(*endpoint);
    if (!endpoint) problems.push_back("--listen: " + endpoint.error().message);
  }
  for (const std::string& text : options.zones) {
    auto zone = parse_zone_argument(text);
    if (zone) zone->gate = config.gate;
    if (!zone) {
      problems.push_back("--zone: " + zone.error().message);
    } else if (std::any_of(config.zones.begin(), config.zones.end(),
                           [&](const auto& z) { return z.apex == zone->apex; })) {
      problems.push_back("--zone: " + dns::to_string(zone->apex) + " is given twice");
    } else if (const auto unknown = sync::unknown_key(*zone, config.keys)) {
      problems.push_back("--zone: " + unknown->message);
    } else {
      config.zones.push_back(*zone);
    }
  }
  if (!options.http.empty()) {
    const auto http = parse_http(options.http);
    if (http) config.http = *http;
    if (!http) problems.push_back("--http: " + http.error().message);
  }
  if (!options.data.empty()) {
    // The socket follows the data, unless the configuration put it elsewhere.
    if (config.control == config.data + "/control.sock") config.control = options.data + "/control.sock";
    config.data = options.data;
  }
  if (!options.control.empty()) config.control = options.control;
  return problems;
}

LoadedConfig load(const Options& options) {
  LoadedConfig loaded;
  if (options.config.empty()) {
    loaded.config = default_config();
  } else {
    loaded = load_config(options.config);
  }
  for (const std::string& problem : apply(options, loaded.config)) loaded.problems.push_back(problem);
  return loaded;
}

int run(const Options& options, const Console& console) {
  // A data directory alone may hold zones that were added, and more can be.
  if (options.config.empty() && options.zones.empty() && options.data.empty()) {
    return console.fail("serve",
                        "nothing to serve: give --config FILE, or --zone ZONE=SOURCE such as "
                        "example.com=axfr://192.0.2.1, or --data DIR with the zones that were added there");
  }
  LoadedConfig loaded = load(options);
  for (const std::string& problem : loaded.problems) console.fail("serve", problem);
  if (!loaded.problems.empty()) return exit_code::error;
  LoadConfig again;
  if (!options.config.empty()) again = [options] { return load(options); };
  return serve(std::move(loaded.config), again, options.reset_mirror, console);
}

}  // namespace

void add_serve(CLI::App& root, const Console& console, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb = root.add_subcommand("serve", "Mirror zones and serve them");
  verb->add_option("--config", options->config, "the configuration")->type_name("FILE");
  verb->add_option("--zone", options->zones, "a zone and where it is learned from; may be repeated")
      ->type_name("ZONE=SOURCE")
      ->expected(1)
      ->take_all();
  verb->add_option("--listen", options->listen, "answer here instead; may be repeated; port 0 chooses one")
      ->type_name("ADDR:PORT")
      ->expected(1)
      ->take_all();
  verb->add_option("--data", options->data, "the mirror's directory")->type_name("DIR");
  verb->add_option("--http", options->http, "metrics, health, API and page; or \"off\"")
      ->type_name("ADDR:PORT");
  verb->add_option("--control", options->control,
                   "the socket for the other verbs; DIR/control.sock unless given")
      ->type_name("SOCKET");
  verb->add_flag("--reset-mirror", options->reset_mirror,
                 "set an existing mirror aside (renamed, never deleted) and begin anew");
  verb->callback([=, &console, &action] { action = [=, &console] { return run(*options, console); }; });
}

}  // namespace understudy::app
