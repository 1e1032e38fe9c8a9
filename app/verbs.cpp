#include "app/verbs.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/options.h"

namespace understudy::app {
namespace {

constexpr std::string_view later_verbs[] = {"deps",      "ttl",        "dangling",
                                            "preflight", "delegation", "propagation"};

int misuse(const Console& console, std::string_view message, std::string_view help,
           std::string_view verb = {}) {
  console.err << "understudy" << (verb.empty() ? "" : " ") << verb << ": " << message << " (" << help
              << ")\n";
  return exit_code::error;
}

// One line that helps, for a command line that was not understood.
int explain(const CLI::App& root, const std::vector<std::string>& arguments, const CLI::ParseError& fault,
            const Console& console) {
  std::vector<std::string_view> known;
  std::string names;
  const auto verbs = root.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* verb : verbs) {
    known.push_back(verb->get_name());
    names += (names.empty() ? "" : ", ") + verb->get_name();
  }
  const std::string_view first = arguments.empty() ? std::string_view() : std::string_view(arguments.front());
  const std::string one_of = "one of " + names;
  if (first.empty()) return misuse(console, "a verb is missing", one_of);
  if (std::find(known.begin(), known.end(), first) != known.end()) {
    return misuse(console, fault.what(), "see `understudy " + std::string(first) + " --help`", first);
  }
  if (std::find(std::begin(later_verbs), std::end(later_verbs), first) != std::end(later_verbs)) {
    return misuse(console, "the verb " + std::string(first) + " is not available in this version", one_of);
  }
  if (first.starts_with('-'))
    return misuse(console, "unknown option " + std::string(first), "see `understudy --help`");
  const auto near = nearest_word(first, known);
  const std::string unknown = "there is no verb \"" + std::string(first) + '"';
  if (near.empty()) return misuse(console, unknown, one_of);
  return misuse(console, unknown, "did you mean `understudy " + std::string(near) + "`?");
}

}  // namespace

int run_command(std::vector<std::string> arguments, const Console& console) {
  CLI::App root(
      "Understudy: an authoritative DNS shadow secondary. It mirrors zones, serves them, and watches that "
      "it\n"
      "answers what their primary answers.",
      "understudy");
  root.set_version_flag("--version", "understudy " UNDERSTUDY_VERSION);
  root.require_subcommand(1);
  Action action;
  add_serve(root, console, action);
  add_status(root, console, action);
  add_show(root, console, action);
  add_history(root, console, action);
  add_diff(root, console, action);
  add_add(root, console, action);
  add_remove(root, console, action);
  add_reload(root, console, action);
  add_refresh(root, console, action);
  add_retransfer(root, console, action);
  add_decisions(root, console, action);
  add_compare(root, console, action);
  add_check_config(root, console, action);
  root.footer("Exit codes: 0 fine, 1 a difference, 2 an error, 3 unknown.");
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 takes them
    root.parse(std::move(reversed));
  } catch (const CLI::ParseError& fault) {
    if (fault.get_exit_code() != 0) return explain(root, arguments, fault, console);
    return root.exit(fault, console.out, console.err);  // help, version
  }
  return action ? action() : exit_code::error;
}

}  // namespace understudy::app
