// The operator's own check of a version: a command that reads the zone as text on its standard input and says
// yes with exit code 0.
//
// write_text() works on a pool thread; run_command() is a coroutine of the sync thread, which holds no thread
// while the command runs. Only ever taken from the configuration file: it runs as us.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "backend/node_walk.h"
#include "base/clock.h"

namespace understudy::sync {

// A file without a name, closed with this.
class UnnamedFile {
 public:
  UnnamedFile() = default;
  explicit UnnamedFile(int descriptor) : descriptor_(descriptor) {}
  UnnamedFile(UnnamedFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  UnnamedFile& operator=(UnnamedFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~UnnamedFile();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// The version as a zone file in `directory`, the SOA first, read from its start. Errors: "mirror-io".
Result<UnnamedFile> write_text(backend::NodeWalk& walk, const std::string& directory);

struct CommandOrder {
  std::vector<std::string> command;  // its program by path, and arguments
  Seconds time_limit{60};
  std::string zone;
  std::uint32_t serial = 0;
};

// Runs it with that input, and UNDERSTUDY_ZONE and UNDERSTUDY_SERIAL in its environment. Nothing where it
// said yes; else why not: its last line, or how it ended. What is still running at the time limit is killed,
// with all that it started in its process group.
boost::asio::awaitable<std::optional<std::string>> run_command(CommandOrder order,
                                                               std::shared_ptr<UnnamedFile> input);

}  // namespace understudy::sync
