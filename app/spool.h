// Output that waits in an unlinked file until all of it is there: so that no read transaction lasts as long
// as whoever reads our output (an old reader keeps the mirror from reusing space), and a failure prints
// nothing that looks like a whole.
//
// One thread. Bounded by the disk.
#pragma once

#include <array>
#include <cstdio>
#include <memory>
#include <ostream>
#include <string_view>

#include "base/result.h"

namespace understudy::app {

class Spool {
 public:
  Spool() : file_(std::tmpfile(), &std::fclose), failed_(file_ == nullptr) {}

  void append(std::string_view text) {
    failed_ = failed_ || std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size();
  }
  // Errors: "spool", also for whatever could not be appended.
  Result<> copy_to(std::ostream& out) {
    if (failed_ || std::fflush(file_.get()) != 0) return full();
    std::rewind(file_.get());
    std::array<char, 65536> buffer;
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), file_.get())) {
      out.write(buffer.data(), static_cast<std::streamsize>(size));
    }
    if (std::ferror(file_.get()) != 0) return full();
    return {};
  }

 private:
  static Error full() {
    return {"spool", "a temporary file could not be made or written: is the disk full?"};
  }
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  bool failed_;
};

}  // namespace understudy::app
