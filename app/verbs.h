// The verbs. Each file verb_*.cpp adds one to the command line; run_command() is the whole program.
#pragma once

#include <functional>

#include "app/console.h"

namespace CLI {
class App;
}

namespace understudy::app {

// Set by the verb that was given: what runs once the whole command line was understood. Returns the exit
// code.
using Action = std::function<int()>;

void add_serve(CLI::App& root, const Console& console, Action& action);
void add_status(CLI::App& root, const Console& console, Action& action);
void add_show(CLI::App& root, const Console& console, Action& action);
void add_history(CLI::App& root, const Console& console, Action& action);
void add_diff(CLI::App& root, const Console& console, Action& action);
void add_add(CLI::App& root, const Console& console, Action& action);
void add_remove(CLI::App& root, const Console& console, Action& action);
void add_reload(CLI::App& root, const Console& console, Action& action);
void add_refresh(CLI::App& root, const Console& console, Action& action);
void add_retransfer(CLI::App& root, const Console& console, Action& action);
void add_decisions(CLI::App& root, const Console& console, Action& action);  // hold, accept, rollback, resume
void add_compare(CLI::App& root, const Console& console, Action& action);
void add_check_config(CLI::App& root, const Console& console, Action& action);

// `arguments` without the program's name.
int run_command(std::vector<std::string> arguments, const Console& console);

}  // namespace understudy::app
