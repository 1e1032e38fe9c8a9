// hold ZONE, accept ZONE --version N, rollback ZONE --to N, resume ZONE: what an operator decides about which
// version is served.
#include <CLI/CLI.hpp>
#include <memory>

#include "app/find_server.h"
#include "app/verbs.h"
#include "control/control_client.h"

namespace understudy::app {
namespace {

namespace json = boost::json;

struct Options {
  Whereabouts where;
  std::string zone;
  std::uint64_t version = 0;
  bool force = false, json = false;
};

int run(const std::string& verb, const Options& options, const Console& console) {
  const auto socket = options.where.socket();
  if (!socket) return console.fail(verb, socket.error());
  json::object request{{"verb", verb}, {"zone", options.zone}};
  if (options.version != 0) request["version"] = options.version;
  if (options.force) request["force"] = true;
  const auto answer = control::ask_server(*socket, request);
  if (!answer) return console.fail(verb, answer.error());
  if (options.json) {
    console.out << json::serialize(*answer) << "\n";
  } else {
    console.out << text_at(*answer, "zone") << ": " << text_at(*answer, "outcome") << "\n";
  }
  return exit_code::fine;
}

struct Made {
  CLI::App* verb;
  std::shared_ptr<Options> options;
};

Made make(CLI::App& root, const std::string& name, const std::string& help, const Console& console,
          Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb = root.add_subcommand(name, help);
  verb->add_option("ZONE", options->zone, "the zone")->required()->type_name("");
  verb->add_flag("--json", options->json, "for scripts");
  options->where.add_socket_options(*verb);
  verb->callback([=, &console, &action] { action = [=, &console] { return run(name, *options, console); }; });
  return {verb, options};
}

void add_version(const Made& made, const std::string& option, const std::string& help) {
  made.verb->add_option(option, made.options->version, help)
      ->required()
      ->check(CLI::PositiveNumber.description(""))
      ->type_name("N");
}

}  // namespace

void add_decisions(CLI::App& root, const Console& console, Action& action) {
  make(root, "hold", "Serve what is served, and hold what comes until `resume`", console, action);
  const Made accept =
      make(root, "accept", "Serve the version that is held, whatever it was held for", console, action);
  add_version(accept, "--version", "its number, as `status` and `history` tell it; no other is accepted");
  const Made rollback =
      make(root, "rollback", "Serve an earlier version again, and hold what comes until `resume`", console,
           action);
  add_version(rollback, "--to", "its number, as `history` tells it");
  rollback.verb->add_flag("--force", rollback.options->force,
                          "though the signature of its SOA or DNSKEY has ended");
  const Made resume =
      make(root, "resume", "End a `hold` or a `rollback`; never what the gate holds", console, action);
  rollback.verb->footer("It becomes a new version, so that this can be rolled back as well.");
  resume.verb->footer(
      "What was held meanwhile is served at once, unless the gate holds it: then see `accept`.");
}

}  // namespace understudy::app
