// refresh ZONE, retransfer ZONE: look after a zone now.
#include <CLI/CLI.hpp>
#include <memory>

#include "app/find_server.h"
#include "app/verbs.h"
#include "control/control_client.h"

namespace understudy::app {
namespace {

struct Options {
  Whereabouts where;
  std::string zone;
  bool json = false;
};

int run(const std::string& verb, const Options& options, const Console& console) {
  const auto socket = options.where.socket();
  if (!socket) return console.fail(verb, socket.error());
  const auto answer = control::ask_server(*socket, {{"verb", verb}, {"zone", options.zone}});
  if (!answer) return console.fail(verb, answer.error());
  if (options.json) {
    console.out << boost::json::serialize(*answer) << "\n";
  } else {
    console.out << text_at(*answer, "zone") << ": " << text_at(*answer, "outcome") << "\n";
  }
  return exit_code::fine;
}

void add(CLI::App& root, const std::string& name, const std::string& help, const Console& console,
         Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb = root.add_subcommand(name, help);
  verb->add_option("ZONE", options->zone, "the zone")->required()->type_name("");
  verb->add_flag("--json", options->json, "for scripts");
  options->where.add_socket_options(*verb);
  verb->callback([=, &console, &action] { action = [=, &console] { return run(name, *options, console); }; });
}

}  // namespace

void add_refresh(CLI::App& root, const Console& console, Action& action) {
  add(root, "refresh", "Ask the primary now whether it has a newer serial", console, action);
}

void add_retransfer(CLI::App& root, const Console& console, Action& action) {
  add(root, "retransfer", "Take the zone whole from its primary now, whatever the serial", console, action);
}

}  // namespace understudy::app
