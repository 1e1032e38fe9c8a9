// Requests of zones, counted by each worker for itself. Eight zones share a cache line a core, so that a
// counter costs a zone eight octets a core, and no two workers write to one line.
//
// Places are handed out by whoever makes zone entries; a line lives as long as one of its zones.
#pragma once

#include <array>
#include <memory>

#include "metrics/cells.h"

namespace understudy::backend {

class RequestCounts {
 public:
  class Place {
   public:
    // By the worker of that number alone. Workers beyond the number of cores share (and may lose a count).
    void count(unsigned worker) const { lines_[worker % cores_].zones[zone_].add(); }
    // Any thread.
    std::uint64_t sum() const;

   private:
    friend class RequestCounts;
    struct alignas(64) Line {
      std::array<metrics::Cell, 8> zones;
    };
    std::shared_ptr<Line[]> lines_;  // one a core
    unsigned cores_ = 0, zone_ = 0;
  };

  // A counter at zero.
  Place next();

 private:
  Place last_;
};

}  // namespace understudy::backend
