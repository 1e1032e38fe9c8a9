// Zone files as a source: when one changed, and its records into a target. Pool threads, and verbs.
#pragma once

#include <optional>
#include <string>

#include "sync/publisher.h"

namespace understudy::sync {

// What tells one state of a file from another without reading it.
struct FileStamp {
  std::int64_t seconds = 0, nanoseconds = 0;  // of the last change, of its rights too
  std::uint64_t size = 0, inode = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Nothing where the file is not there or cannot be looked at.
std::optional<FileStamp> stamp_of(const std::string& path);

// A zone file and all that it includes, each with its stamp.
struct FileState {
  std::vector<std::string> paths;
  std::vector<std::optional<FileStamp>> stamps;
};
// True where one of them is not as it was.
bool has_changed(const FileState& before);

struct FileRead {
  FileState state;
  Result<TransferCounts> counts;
};

// Reads the file into `target`, out-of-zone records dropped or refused by `rules` as a transfer's are.
FileRead read_file(const std::string& path, const TransferRules& rules, RecordTarget& target);

}  // namespace understudy::sync
