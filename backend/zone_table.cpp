#include "backend/zone_table.h"

#include <algorithm>
#include <bit>

namespace understudy::backend {

ZoneEntry::ZoneEntry(NameView apex, ZoneId id, std::shared_ptr<const ZonePolicy> policy,
                     RequestCounts::Place requests)
    : apex_(apex), id_(id), policy_(std::move(policy)), requests_(std::move(requests)) {}

ZoneEntry::Live ZoneEntry::live(std::uint64_t commit, Reader& reader) const {
  for (;;) {
    const std::uint32_t before = sequence_.load(std::memory_order_acquire);
    const std::uint64_t newest = commit_.load(std::memory_order_acquire);
    const std::uint64_t previous = previous_commit_.load(std::memory_order_acquire);
    const Live live = newest <= commit ? Live{generation_.load(std::memory_order_acquire),
                                              version_.load(std::memory_order_acquire)}
                                       : Live{previous_generation_.load(std::memory_order_acquire),
                                              previous_version_.load(std::memory_order_acquire)};
    if ((before & 1) != 0 || sequence_.load(std::memory_order_relaxed) != before) continue;
    if (newest <= commit || previous <= commit) return live;
    const auto row = reader.zone(apex_);
    return row ? Live{row->generation, row->version} : Live{};
  }
}

void ZoneEntry::publish(Live live, std::uint64_t commit) {
  const std::uint32_t sequence = sequence_.load(std::memory_order_relaxed);
  sequence_.store(sequence + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  previous_generation_.store(generation_.load(std::memory_order_relaxed), std::memory_order_release);
  previous_version_.store(version_.load(std::memory_order_relaxed), std::memory_order_release);
  previous_commit_.store(commit_.load(std::memory_order_relaxed), std::memory_order_release);
  generation_.store(live.generation, std::memory_order_release);
  version_.store(live.version, std::memory_order_release);
  commit_.store(commit, std::memory_order_release);
  sequence_.store(sequence + 2, std::memory_order_release);
}

namespace {

// Hashes a name label by label from the root, so that each suffix of a question's name costs only its own
// label.
constexpr std::uint64_t hash_seed = 0xcbf29ce484222325ull;

std::uint64_t hash_label(std::uint64_t hash, const std::uint8_t* label) {
  for (const std::uint8_t *p = label, *end = label + 1 + *label; p != end; ++p) {
    hash = (hash ^ dns::lower(*p)) * 0x100000001b3ull;
  }
  return hash;
}

// FNV's low bits are its weakest.
std::size_t slot_of(std::uint64_t hash, std::size_t mask) { return (hash ^ (hash >> 32)) & mask; }

}  // namespace

std::uint64_t hash_name(NameView name) {
  std::array<const std::uint8_t*, 128> labels;
  unsigned count = 0;
  for (const std::uint8_t* p = name.data(); *p != 0; p += 1 + *p) labels[count++] = p;
  std::uint64_t hash = hash_seed;
  while (count > 0) hash = hash_label(hash, labels[--count]);
  return hash;
}

ZoneTable::ZoneTable(std::vector<std::shared_ptr<ZoneEntry>> entries) : entries_(std::move(entries)) {
  slots_.resize(std::bit_ceil(std::max<std::size_t>(2, entries_.size() * 2)));
  const std::size_t mask = slots_.size() - 1;
  for (const auto& entry : entries_) {
    const std::uint64_t hash = hash_name(entry->apex());
    std::size_t at = slot_of(hash, mask);
    while (slots_[at].entry != nullptr) at = (at + 1) & mask;
    slots_[at] = {hash, entry.get()};
    depths_[entry->apex().label_count()] = true;
  }
}

ZoneEntry* ZoneTable::probe(std::uint64_t hash, NameView apex) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = slot_of(hash, mask); slots_[at].entry != nullptr; at = (at + 1) & mask) {
    if (slots_[at].hash == hash && slots_[at].entry->apex().equals(apex)) return slots_[at].entry;
  }
  return nullptr;
}

const ZoneEntry* ZoneTable::find(NameView name, unsigned max_labels) const {
  std::array<const std::uint8_t*, 128> labels;
  unsigned count = 0;
  for (const std::uint8_t* p = name.data(); *p != 0; p += 1 + *p) labels[count++] = p;
  const std::uint8_t* const end = name.data() + name.size();
  std::uint64_t hash = hash_seed;
  const ZoneEntry* best = depths_[0] ? probe(hash, NameView()) : nullptr;
  for (unsigned depth = 1; depth <= count && depth <= max_labels; ++depth) {
    const std::uint8_t* start = labels[count - depth];
    hash = hash_label(hash, start);
    if (!depths_[depth]) continue;
    const NameView suffix = NameView::unchecked(start, static_cast<std::size_t>(end - start));
    if (const ZoneEntry* entry = probe(hash, suffix)) best = entry;
  }
  return best;
}

ZoneEntry* ZoneTable::find_exact(NameView apex) const { return probe(hash_name(apex), apex); }

ZoneTables::ZoneTables() : owned_(std::make_unique<ZoneTable>(std::vector<std::shared_ptr<ZoneEntry>>())) {
  current_.store(owned_.get());
}

ZoneTables::~ZoneTables() = default;

ZoneTables::Pin::Pin(ZoneTables& tables) : tables_(tables) {
  const std::lock_guard lock(tables_.mutex_);
  tables_.pins_.push_back(this);
}

ZoneTables::Pin::~Pin() {
  const std::lock_guard lock(tables_.mutex_);
  std::erase(tables_.pins_, this);
}

const ZoneTable& ZoneTables::Pin::acquire() {
  // A hazard pointer: announced first, then checked to be still current, so that swap() cannot miss it.
  for (;;) {
    const ZoneTable* table = tables_.current_.load(std::memory_order_acquire);
    pinned_.store(table, std::memory_order_seq_cst);
    if (tables_.current_.load(std::memory_order_seq_cst) == table) return *table;
  }
}

void ZoneTables::swap(std::unique_ptr<const ZoneTable> table) {
  const std::lock_guard lock(mutex_);
  current_.store(table.get(), std::memory_order_seq_cst);
  retired_.push_back(std::exchange(owned_, std::move(table)));
  free_unpinned();
}

void ZoneTables::free_unpinned() {
  std::erase_if(retired_, [&](const std::unique_ptr<const ZoneTable>& table) {
    return std::none_of(pins_.begin(), pins_.end(), [&](const Pin* pin) {
      return pin->pinned_.load(std::memory_order_seq_cst) == table.get();
    });
  });
}

}  // namespace understudy::backend
