// A zone file as entries: the words of a line, or of the lines that parentheses join. Used by zone_file.cpp
// only. Owns the descriptor and one buffer that holds the entry; one thread at a time.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "dns/presentation.h"

namespace understudy::sync {

struct ZoneFileEntry {
  std::uint64_t line = 0;             // where its first word stands
  bool owner_omitted = false;         // the line began with a blank
  std::vector<dns::TextToken> words;  // valid until the next entry is read
};

class ZoneFileLexer {
 public:
  ZoneFileLexer() = default;
  ~ZoneFileLexer();
  ZoneFileLexer(const ZoneFileLexer&) = delete;
  ZoneFileLexer& operator=(const ZoneFileLexer&) = delete;

  // Only regular files: anything else could block for ever.
  Result<> open(const std::string& path);
  // False at the end of the file.
  Result<bool> next(ZoneFileEntry& entry);
  // The line that reading has come to.
  std::uint64_t line() const { return line_; }
  // Tells this file from others, whatever its paths.
  std::pair<dev_t, ino_t> identity() const { return identity_; }

 private:
  enum class Scan { entry, end, more, fault };
  Scan scan(ZoneFileEntry& entry);
  Scan scan_word(std::size_t& at, ZoneFileEntry& entry);
  Scan fault(std::size_t at, std::string message);
  Result<> fill();

  int file_ = -1;
  bool at_end_ = false;
  std::pair<dev_t, ino_t> identity_;
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what was read into the buffer and not consumed
  std::uint64_t line_ = 1;           // of begin_
  std::string fault_;
};

}  // namespace understudy::sync
