// Sorts a zone's records by owner in canonical order, in bounded memory: runs of limits::sort_run_octets are
// sorted and spilled to an unlinked file, and merged at the end. Records of one owner keep the order in which
// they came.
//
// One object, one thread at a time. Where the input is in order already (most primaries), no run is sorted.
#pragma once

#include <string>
#include <vector>

#include "backend/mirror.h"
#include "dns/record.h"

namespace understudy::backend {

class RecordSorter {
 public:
  explicit RecordSorter(std::string spool_directory) : spool_directory_(std::move(spool_directory)) {}
  ~RecordSorter();
  RecordSorter(const RecordSorter&) = delete;
  RecordSorter& operator=(const RecordSorter&) = delete;

  // Errors: "mirror-io", "disk-full" (the spool).
  Result<> add(const dns::NameKey& key, const dns::RecordView& record);

  struct Sorted {
    Octets key;
    RRType type{};
    std::uint32_t ttl = 0;
    Octets rdata;
    Octets owner;  // with its case; empty where that is all lower
  };
  // After the last add(): the records in order, one a call; false at the end. Views live until the next call.
  Result<> finish();
  Result<bool> next(Sorted& record);
  // All of them once more; only where nothing was spilled (at most limits::sort_run_octets came).
  void rewind() { next_ = 0; }

 private:
  // A run that is being read: what stands in the file from `at` on is read into the buffer bit by bit.
  struct Run {
    std::uint64_t at = 0, end = 0;
    std::vector<std::uint8_t> buffer;
    std::size_t begin = 0;  // of the current record in the buffer
    Octets record() const;
  };
  void sort_run();
  void arrange_run();
  Result<> spill();
  Result<bool> advance(Run& run);  // to the next record; false at the run's end

  std::string spool_directory_;
  int file_ = -1;
  std::uint64_t file_size_ = 0;
  std::vector<std::uint8_t> records_;  // the run in memory
  std::vector<std::uint32_t> starts_;
  bool in_order_ = true;
  std::vector<Run> runs_;
  std::vector<std::size_t> heap_;  // of runs, the least record first
  std::size_t next_ = 0;           // of the run in memory, where nothing was spilled
  bool pop_pending_ = false;
};

}  // namespace understudy::backend
