// Counters that only one thread writes and any may read: a relaxed load and store, no locked instruction, no sharing.
//
// WorkerCounters belongs to one worker of the server; whoever answers a scrape sums over the workers. Everything is
// bounded: types and rcodes without a slot of their own count as "other".
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace understudy::metrics {

class Cell {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Durations in seconds, upper bounds frozen as dashboards know them; the last bucket is +Inf.
struct DurationBuckets {
  static constexpr std::array<double, 12> bounds{0.000'001, 0.000'002, 0.000'005, 0.000'01, 0.000'02, 0.000'05,
                                                 0.000'1,   0.000'2,   0.000'5,   0.001,    0.01,     0.1};
};

enum class Proto : std::uint8_t { udp, tcp, tls, count };
enum class Family : std::uint8_t { ipv4, ipv6 };
// Two are connections: over the bounds, or without a handshake that went well.
enum class Dropped : std::uint8_t {
  malformed,
  response,
  send_failed,
  connection_limit,
  tls_handshake,
  rate_limited,
  count
};
// What was done with responses over the rate limit.
enum class Limited : std::uint8_t { dropped, truncated, bad_cookie, logged, count };

struct alignas(64) WorkerCounters {
  // The types with a slot: query_types[i] counts in requests[..][..][i]; the last slot is "other".
  static constexpr std::array<std::uint16_t, 21> query_types{1,  2,  5,  6,  12, 15, 16, 28, 33, 35,  39,
                                                             43, 46, 47, 48, 50, 64, 65, 251, 252, 255};
  static constexpr std::size_t type_slots = query_types.size() + 2;  // CAA (257) and other
  static constexpr std::size_t caa_slot = query_types.size();
  static constexpr std::size_t other_slot = query_types.size() + 1;
  static constexpr std::size_t rcode_slots = 25;  // 0 to 23, and other

  Cell requests[static_cast<std::size_t>(Proto::count)][2][type_slots];
  Cell responses[rcode_slots];
  Cell dropped[static_cast<std::size_t>(Dropped::count)];
  Cell limited[static_cast<std::size_t>(Limited::count)];
  // One sample a batch: the time from its wake-up to its answers being sent, counted once for each query in it.
  Cell duration_buckets[DurationBuckets::bounds.size() + 1];
  Cell duration_nanoseconds;

  static constexpr std::size_t slot_of_type(std::uint16_t type);
  void count_request(Proto proto, Family family, std::uint16_t type) {
    requests[static_cast<int>(proto)][static_cast<int>(family)][slot_of_type(type)].add();
  }
  void count_response(std::uint16_t rcode) { responses[rcode < rcode_slots - 1 ? rcode : rcode_slots - 1].add(); }
  void drop(Dropped reason) { dropped[static_cast<int>(reason)].add(); }
};

namespace detail {
inline constexpr auto type_slots_by_value = [] {
  std::array<std::uint8_t, 258> table{};
  for (auto& slot : table) slot = WorkerCounters::other_slot;
  for (std::size_t i = 0; i < WorkerCounters::query_types.size(); ++i) {
    table[WorkerCounters::query_types[i]] = static_cast<std::uint8_t>(i);
  }
  table[257] = WorkerCounters::caa_slot;
  return table;
}();
}  // namespace detail

constexpr std::size_t WorkerCounters::slot_of_type(std::uint16_t type) {
  return type < detail::type_slots_by_value.size() ? detail::type_slots_by_value[type] : other_slot;
}

}  // namespace understudy::metrics
