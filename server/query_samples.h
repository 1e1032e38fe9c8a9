// A few of the queries that a worker's clients send, for whoever compares our answers with others'.
//
// A ring with one producer, the worker, and one consumer, the sync thread. The worker never waits, locks or
// allocates: where there is no place the query is not sampled. Bounded by `places` of `longest` octets.
#pragma once

#include <array>
#include <atomic>
#include <cstring>

#include "dns/octets.h"

namespace understudy::server {

class QuerySamples {
 public:
  static constexpr std::size_t places = 64;
  static constexpr std::size_t longest = 512;

  // One query of so many is a sample; 0: none is.
  explicit QuerySamples(unsigned every = 0) : every_(every) {}
  // Another share from about now on. Any thread.
  void change(unsigned every) { every_.store(every, std::memory_order_relaxed); }

  // Worker.
  void offer(dns::Octets query) {
    const unsigned every = every_.load(std::memory_order_relaxed);
    if (every == 0 || ++passed_ < every) return;
    passed_ = 0;
    const std::size_t at = written_.load(std::memory_order_relaxed);
    if (query.size() > longest || at - read_.load(std::memory_order_acquire) == places) return;
    Place& place = ring_[at % places];
    place.size = query.size();
    std::memcpy(place.octets.data(), query.data(), query.size());
    written_.store(at + 1, std::memory_order_release);
  }

  // Worker: all that was put there has been taken.
  bool empty() const {
    return written_.load(std::memory_order_relaxed) == read_.load(std::memory_order_acquire);
  }

  // Sync thread: gives each that waits to `taker`, oldest first.
  template <class Taker>
  void take(Taker taker) {
    std::size_t at = read_.load(std::memory_order_relaxed);
    for (const std::size_t end = written_.load(std::memory_order_acquire); at != end; ++at) {
      const Place& place = ring_[at % places];
      taker(dns::Octets(place.octets).first(place.size));
      read_.store(at + 1, std::memory_order_release);
    }
  }

 private:
  struct Place {
    std::size_t size = 0;
    std::array<std::uint8_t, longest> octets;
  };
  std::atomic<unsigned> every_;
  unsigned passed_ = 0;  // since the last sample
  std::array<Place, places> ring_;
  alignas(64) std::atomic<std::size_t> written_{0};
  alignas(64) std::atomic<std::size_t> read_{0};
};

}  // namespace understudy::server
