#include "backend/condensed_change.h"

#include <algorithm>

#include "backend/key_order.h"
#include "backend/reasons.h"

namespace understudy::backend {
namespace {

using Bytes = std::vector<std::uint8_t>;

// An RR of the owner at hand that went or came.
struct Step {
  Name owner;  // with its case: written otherwise it is another RR for whoever keeps case
  RRType type{};
  std::uint32_t ttl = 0;
  Bytes rdata;
  bool added = false;

  int compare(const Step& other) const {
    if (type != other.type) return type < other.type ? -1 : 1;
    if (ttl != other.ttl) return ttl < other.ttl ? -1 : 1;
    if (const int by_owner = order(owner.view().octets(), other.owner.view().octets()); by_owner != 0)
      return by_owner;
    return order(rdata, other.rdata);
  }
  dns::RecordView record() const { return {owner, type, ttl, rdata}; }
};

class Condenser {
 public:
  explicit Condenser(std::vector<ChangeCursor> changes) : changes_(std::move(changes)) {}

  Result<ChangeWriter> run(const std::atomic<bool>& stop) {
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      if (auto entered = enter(i); !entered) return entered.error();
    }
    while (!heap_.empty()) {
      if (stop.load(std::memory_order_relaxed)) return Error{reason::stopping, "the server stops"};
      if (auto taken = take_owner(); !taken) return taken.error();
      write_owner();
    }
    return std::move(writer_);
  }

 private:
  // For heaps, which keep the greatest in front: the least owner first, of one owner the oldest change.
  bool later(std::size_t a, std::size_t b) const {
    const int by_owner = order(changes_[a].key(), changes_[b].key());
    return by_owner != 0 ? by_owner > 0 : a > b;
  }

  // Reads on in a change that is not in the heap; it goes there unless it is at its end.
  Result<> enter(std::size_t change) {
    const Result<bool> more = changes_[change].advance(expander_);
    if (!more) return more.error();
    if (*more) push(change);
    return {};
  }
  void push(std::size_t change) {
    heap_.push_back(change);
    std::push_heap(heap_.begin(), heap_.end(), [this](std::size_t a, std::size_t b) { return later(a, b); });
  }
  std::size_t pop() {
    std::pop_heap(heap_.begin(), heap_.end(), [this](std::size_t a, std::size_t b) { return later(a, b); });
    const std::size_t change = heap_.back();
    heap_.pop_back();
    return change;
  }

  // What happened to the least owner, in the order in which it did.
  Result<> take_owner() {
    steps_.clear();
    const Octets least = changes_[heap_.front()].key();
    const Bytes key(least.begin(), least.end());
    while (!heap_.empty() && order(changes_[heap_.front()].key(), key) == 0) {
      ChangeCursor& change = changes_[heap_.front()];
      const ChangedRecord& c = change.current();
      steps_.push_back({Name(c.record.owner),
                        c.record.type,
                        c.record.ttl,
                        {c.record.rdata.begin(), c.record.rdata.end()},
                        c.added});
      if (auto entered = enter(pop()); !entered) return entered;
    }
    return {};
  }

  // The first step of an RR tells whether it was there before, the last one whether it is there after.
  void write_owner() {
    std::stable_sort(steps_.begin(), steps_.end(),
                     [](const Step& a, const Step& b) { return a.compare(b) < 0; });
    std::vector<const Step*> came;
    for (auto first = steps_.begin(); first != steps_.end();) {
      const auto end =
          std::find_if(first, steps_.end(), [&](const Step& step) { return step.compare(*first) != 0; });
      const bool was_there = !first->added, is_there = std::prev(end)->added;
      if (was_there && !is_there) writer_.add({false, first->record()});
      if (!was_there && is_there) came.push_back(&*first);
      first = end;
    }
    for (const Step* step : came) writer_.add({true, step->record()});
  }

  std::vector<ChangeCursor> changes_;
  std::vector<std::size_t> heap_;  // of changes that are not at their end
  ChunkExpander expander_;
  std::vector<Step> steps_;
  ChangeWriter writer_;
};

}  // namespace

Result<ChangeWriter> condense(std::vector<ChangeCursor> changes, const std::atomic<bool>& stop) {
  return Condenser(std::move(changes)).run(stop);
}

}  // namespace understudy::backend
