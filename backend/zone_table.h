// Which zones are served: an immutable hash of apexes that all workers share, and in it one entry a zone.
//
// The table changes only when zones come or go: the owner (sync's thread) builds a new one and swaps it; a
// worker pins the one it uses for the length of a batch, and replaced tables are freed once no worker has
// them pinned. What changes often, the generation that is live, is a few atomics inside the entry.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "backend/mirror.h"
#include "backend/request_counts.h"
#include "dns/stored_name.h"
#include "net/access.h"

namespace understudy::backend {

// What a zone lets clients do. Immutable.
struct ZonePolicy {
  std::vector<net::AccessRule> allow_transfer;  // empty: nobody
  std::vector<net::AccessRule> allow_notify;    // the sources' addresses are in it
  // Who gets answers; nothing: everybody.
  std::optional<std::vector<net::AccessRule>> allow_query = {};
};

// Blind to case.
std::uint64_t hash_name(NameView name);

// Hash and equality for tables of what belongs to zones, by apex. `ApexOf` tells that of an element; names
// are looked up as they are.
template <typename ApexOf>
struct ByApex {
  using is_transparent = void;
  std::size_t operator()(const auto& zone) const { return hash_name(apex(zone)); }
  bool operator()(const auto& a, const auto& b) const { return apex(a).equals(apex(b)); }

 private:
  static NameView apex(NameView name) { return name; }
  template <typename Element>
  requires std::is_invocable_v<ApexOf, const Element&>
  static NameView apex(const Element& element) { return ApexOf()(element); }
};

enum class Service : std::uint8_t {
  no_data,  // nothing received yet: SERVFAIL with EDE 14
  serving,
  expired,  // SERVFAIL with EDE 24
  stale,    // served past expire, as the zone's policy says: EDE 3
};

class ZoneEntry {
 public:
  // Very many zones have the same policy, and share it.
  ZoneEntry(NameView apex, ZoneId id, std::shared_ptr<const ZonePolicy> policy,
            RequestCounts::Place requests = RequestCounts().next());

  NameView apex() const { return apex_; }
  ZoneId id() const { return id_; }
  const ZonePolicy& policy() const { return *policy_; }
  Service service() const { return service_.load(std::memory_order_relaxed); }
  void set_service(Service service) { service_.store(service, std::memory_order_relaxed); }

  struct Live {
    Generation generation = 0;
    Version version = 0;
  };
  // Counts a request, for the worker of that number; summed by requests(), which any thread may call.
  void count_request(unsigned worker) const { requests_.count(worker); }
  std::uint64_t requests() const { return requests_.sum(); }

  // What a reader renewed to `commit` must read: the newest publication that it can see, generation 0 where
  // there was no data yet. Any thread, wait-free but for a publication in the very same instant. `reader` is
  // that reader: it is asked for the zone's row only where two publications happened since it was renewed.
  Live live(std::uint64_t commit, Reader& reader) const;
  // Store thread only, after the commit: readers that are older go on with the one before.
  void publish(Live live, std::uint64_t commit);

 private:
  const dns::StoredName apex_;
  const ZoneId id_;
  const std::shared_ptr<const ZonePolicy> policy_;
  const RequestCounts::Place requests_;
  std::atomic<Service> service_{Service::no_data};
  // A sequence lock around the current and the previous publication; odd while they change.
  std::atomic<std::uint32_t> sequence_{0};
  std::atomic<std::uint64_t> commit_{0}, previous_commit_{0};
  std::atomic<Generation> generation_{0}, previous_generation_{0};
  std::atomic<Version> version_{0}, previous_version_{0};
};

class ZoneTable {
 public:
  explicit ZoneTable(std::vector<std::shared_ptr<ZoneEntry>> entries);

  // The entry of the longest apex that `name` is at or below, but with at most `max_labels` labels; nullptr
  // where there is none. No heap.
  const ZoneEntry* find(NameView name, unsigned max_labels = 127) const;
  ZoneEntry* find_exact(NameView apex) const;
  const std::vector<std::shared_ptr<ZoneEntry>>& entries() const { return entries_; }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    ZoneEntry* entry = nullptr;
  };
  ZoneEntry* probe(std::uint64_t hash, NameView apex) const;

  std::vector<std::shared_ptr<ZoneEntry>> entries_;
  std::vector<Slot> slots_;         // open addressing, a power of two, at most half full
  std::array<bool, 128> depths_{};  // which label counts occur
};

// Where the current table is found. One owner swaps; each reading thread has a Pin of its own.
class ZoneTables {
 public:
  ZoneTables();
  ~ZoneTables();
  ZoneTables(const ZoneTables&) = delete;
  ZoneTables& operator=(const ZoneTables&) = delete;

  // A thread's hold on tables; made and destroyed outside the query path.
  class Pin {
   public:
    explicit Pin(ZoneTables& tables);
    ~Pin();
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    // The current table, kept alive until release() or the next acquire(). Wait-free but for a swap
    // meanwhile.
    const ZoneTable& acquire();
    void release() { pinned_.store(nullptr, std::memory_order_release); }

   private:
    friend class ZoneTables;
    ZoneTables& tables_;
    std::atomic<const ZoneTable*> pinned_{nullptr};
  };

  // Replaces the table. Any one thread at a time.
  void swap(std::unique_ptr<const ZoneTable> table);

 private:
  void free_unpinned();

  std::atomic<const ZoneTable*> current_;
  std::mutex mutex_;  // of what follows; never taken on the query path
  std::unique_ptr<const ZoneTable> owned_;
  std::vector<std::unique_ptr<const ZoneTable>> retired_;
  std::vector<Pin*> pins_;
};

}  // namespace understudy::backend
