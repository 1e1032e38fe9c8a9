#include "base/failpoint.h"

#ifdef UNDERSTUDY_FAILPOINTS

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace understudy {
namespace {

struct Chosen {
  std::string_view name;
  std::atomic<long> left{1};

  Chosen() {
    const char* const value = std::getenv("UNDERSTUDY_FAILPOINT");
    if (value == nullptr) return;
    name = value;
    if (const auto colon = name.find(':'); colon != std::string_view::npos) {
      left = std::strtol(value + colon + 1, nullptr, 10);
      name = name.substr(0, colon);
    }
  }
};

}  // namespace

void failpoint(std::string_view name) {
  static Chosen chosen;  // what the environment says once a process; in builds for tests only
  if (chosen.name.empty() || chosen.name != name || --chosen.left != 0) return;
  std::raise(SIGKILL);
}

}  // namespace understudy

#else

void understudy::failpoint(std::string_view) {}

#endif
