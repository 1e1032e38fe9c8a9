// The command line, run within the test.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "app/verbs.h"

namespace understudy::app {

struct Ran {
  int code = -1;
  std::string out, err;
};

inline Ran run(std::vector<std::string> arguments, bool colour = false) {
  std::ostringstream out, err;
  const Console console{out, err, colour, false};
  Ran ran;
  ran.code = run_command(std::move(arguments), console);
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "understudy-command-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace understudy::app
