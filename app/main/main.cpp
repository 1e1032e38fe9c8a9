#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>

#include "app/verbs.h"

int main(int argc, char** argv) {
  const bool plain = std::getenv("NO_COLOR") != nullptr;
  const understudy::app::Console console{std::cout, std::cerr, !plain && isatty(STDOUT_FILENO) == 1,
                                         isatty(STDERR_FILENO) == 1};
  try {
    const int code = understudy::app::run_command({argv + 1, argv + argc}, console);
    std::cout.flush();
    if (std::cout) return code;
    std::cerr << "understudy: the output could not be written\n";
  } catch (const std::exception& fault) {
    std::cerr << "understudy: " << fault.what() << "\n";
  }
  return understudy::app::exit_code::error;
}
