// What the UDP and the TCP side of one worker have in common. Belongs to the worker; used on its thread only.
#pragma once

#include <chrono>

#include "metrics/cells.h"
#include "server/event_loop.h"
#include "server/query_pipeline.h"
#include "server/query_samples.h"

namespace understudy::server {

class TransfersOut;

struct WorkerShared {
  EventLoop& loop;
  QueryPipeline& pipeline;
  metrics::WorkerCounters& counters;
  TransfersOut& transfers;
  QuerySamples& samples;
};

// One duration for the `queries` of a batch.
inline void count_durations(metrics::WorkerCounters& counters, std::chrono::nanoseconds duration,
                            std::uint64_t queries) {
  constexpr auto bounds = [] {
    std::array<std::int64_t, metrics::DurationBuckets::bounds.size()> nanoseconds{};
    for (std::size_t i = 0; i < nanoseconds.size(); ++i) {
      nanoseconds[i] = static_cast<std::int64_t>(metrics::DurationBuckets::bounds[i] * 1e9 + 0.5);
    }
    return nanoseconds;
  }();
  std::size_t bucket = 0;
  while (bucket < bounds.size() && duration.count() > bounds[bucket]) ++bucket;
  counters.duration_buckets[bucket].add(queries);
  counters.duration_nanoseconds.add(static_cast<std::uint64_t>(duration.count()) * queries);
}

}  // namespace understudy::server
