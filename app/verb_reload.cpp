// reload: the server reads its configuration anew.
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
  bool json = false;
};

void print_names(const json::object& report, std::string_view key, std::string_view what,
                 const Console& console) {
  for (const json::value& value : list_at(report, key))
    console.out << what << "  " << value.as_string() << "\n";
}

void print(const json::object& report, const Console& console) {
  print_names(report, "added", "added     ", console);
  print_names(report, "removed", "removed   ", console);
  print_names(report, "changed", "changed   ", console);
  print_names(report, "keys", "key       ", console);
  if (const json::value* const tls = report.if_contains("tls");
      tls != nullptr && tls->is_bool() && tls->get_bool())
    console.out << "tls         certificates and authorities are read anew\n";
  print_names(report, "listening", "listening ", console);
  print_names(report, "closed", "closed    ", console);
  for (const json::value& key : list_at(report, "restart")) {
    console.out << console.paint(Colour::warning, "restart   ") << "  " << key.as_string()
                << " changed, and is in force from the next start on\n";
  }
  console.out << "reloaded: " << number_text(list_at(report, "added").size()) << " zones added, "
              << number_text(list_at(report, "removed").size()) << " removed, "
              << number_text(list_at(report, "changed").size()) << " changed, "
              << number_text(number_at(report, "same")) << " as before\n";
}

int run(const Options& options, const Console& console) {
  const auto socket = options.where.socket();
  if (!socket) return console.fail("reload", socket.error());
  const auto answer = control::ask_server(*socket, {{"verb", "reload"}});
  if (!answer) return console.fail("reload", answer.error());
  if (options.json) {
    console.out << json::serialize(*answer) << "\n";
  } else {
    print(*answer, console);
  }
  return exit_code::fine;
}

}  // namespace

void add_reload(CLI::App& root, const Console& console, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb =
      root.add_subcommand("reload", "Have the server read its configuration anew, as SIGHUP does");
  verb->add_flag("--json", options->json, "for scripts");
  options->where.add_socket_options(*verb);
  verb->callback([=, &console, &action] { action = [=, &console] { return run(*options, console); }; });
}

}  // namespace understudy::app
