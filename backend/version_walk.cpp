#include "backend/version_walk.h"

#include <algorithm>

#include "backend/change_cursor.h"
#include "backend/key_order.h"
#include "backend/overlay_walk.h"
#include "backend/reasons.h"
#include "dns/rdata.h"

namespace understudy::backend {
namespace {

using Bytes = std::vector<std::uint8_t>;

Error damaged() {
  return {reason::mirror_io, "a change in the mirror is damaged; that version cannot be read back"};
}

// An RR of the owner at hand, by value.
struct OwnedRecord {
  RRType type{};
  std::uint32_t ttl = 0;
  Bytes rdata;
  RRType filed_under() const { return type == RRType::RRSIG ? RRType{dns::load16(rdata.data())} : type; }
};

// The change that made a version.
struct VersionChange {
  Version version;
  ChangeCursor cursor;
};

// What is stored whole is walked beside the changes that came after the version, all in canonical order.
class OlderWalk final : public NodeWalk {
 public:
  OlderWalk(std::unique_ptr<NodeWalk> base, std::vector<std::unique_ptr<VersionChange>> changes)
      : base_(std::move(base)), changes_(std::move(changes)) {}

  Result<> begin() {
    std::erase_if(changes_, [&](const Change& change) { return !step(change->cursor); });
    std::make_heap(changes_.begin(), changes_.end(), later);
    return step_base();
  }

  Result<bool> next(WalkedNode& node) override {
    for (;;) {
      if (error_) return *error_;
      if (passed_base_) {
        if (auto stepped = step_base(); !stepped) return stepped.error();
        passed_base_ = false;
      }
      const bool change = !changes_.empty();
      if (!more_base_ && !change) return false;
      const int which = !change       ? -1
                        : !more_base_ ? 1
                                      : order(base_node_.key, changes_.front()->cursor.key());
      if (which < 0) {
        node = base_node_;
        passed_base_ = true;
        return true;
      }
      if (auto restored = restore(which == 0); !restored) return restored.error();
      if (records_.empty()) continue;  // the version did not have this owner
      give(node);
      return true;
    }
  }

 private:
  using Change = std::unique_ptr<VersionChange>;

  // For heaps, which keep the greatest in front: the least owner first, of one owner the newest version.
  static bool later(const Change& a, const Change& b) {
    const int by_owner = order(a->cursor.key(), b->cursor.key());
    return by_owner != 0 ? by_owner > 0 : a->version < b->version;
  }
  bool step(ChangeCursor& change) {
    const Result<bool> more = change.advance(expander_);
    if (!more) error_ = more.error();
    return more && *more;
  }
  Result<> step_base() {
    const Result<bool> more = base_->next(base_node_);
    if (!more) return more.error();
    more_base_ = *more;
    if (error_) return *error_;
    return {};
  }

  // The owner at hand as it was: from what is stored, the changes are taken back, newest first.
  Result<> restore(bool in_base) {
    records_.clear();
    const ChangeCursor& newest = changes_.front()->cursor;
    key_.assign(newest.key().begin(), newest.key().end());
    owner_ = Name(newest.current().record.owner);
    if (in_base) {
      for (const WalkedRecord& r : base_node_.records)
        records_.push_back({r.type, r.ttl, {r.rdata.begin(), r.rdata.end()}});
      owner_ = Name(base_node_.owner);
      passed_base_ = true;
    }
    while (!changes_.empty() && order(changes_.front()->cursor.key(), key_) == 0) {
      std::pop_heap(changes_.begin(), changes_.end(), later);
      ChangeCursor& change = changes_.back()->cursor;
      bool more = true;
      do {
        if (!take_back(change.current())) return damaged();
        more = step(change);
      } while (more && order(change.key(), key_) == 0);
      if (error_) return *error_;
      if (more) {
        std::push_heap(changes_.begin(), changes_.end(), later);
      } else {
        changes_.pop_back();
      }
    }
    return {};
  }

  bool take_back(const ChangedRecord& change) {
    const dns::RecordView& r = change.record;
    const auto same = [&](const OwnedRecord& o) {
      return o.type == r.type && o.ttl == r.ttl && o.rdata.size() == r.rdata.size() &&
             std::equal(r.rdata.begin(), r.rdata.end(), o.rdata.begin());
    };
    const auto found = std::find_if(records_.begin(), records_.end(), same);
    if (!change.added) {
      owner_ = Name(r.owner);  // with its case of then
      records_.push_back({r.type, r.ttl, {r.rdata.begin(), r.rdata.end()}});
      return true;
    }
    if (found == records_.end()) return false;
    records_.erase(found);
    return true;
  }

  void give(WalkedNode& node) {
    std::stable_sort(records_.begin(), records_.end(), [&](const OwnedRecord& a, const OwnedRecord& b) {
      if (a.filed_under() != b.filed_under()) return a.filed_under() < b.filed_under();
      if (a.type != b.type) return b.type == RRType::RRSIG;
      return dns::canonical_rdata_order(a.type, a.rdata, b.rdata, scratch_) < 0;
    });
    node.key = key_;
    node.owner = owner_;
    node.records.clear();
    for (const OwnedRecord& r : records_) node.records.push_back({r.type, r.ttl, r.rdata});
  }

  std::unique_ptr<NodeWalk> base_;
  std::vector<Change> changes_;  // a heap
  ChunkExpander expander_;
  WalkedNode base_node_;
  bool more_base_ = false, passed_base_ = false;
  std::optional<Error> error_;
  // of the owner at hand
  Bytes key_, scratch_;
  Name owner_;
  std::vector<OwnedRecord> records_;
};

}  // namespace

Result<std::unique_ptr<NodeWalk>> walk_version(Reader& reader, const ZoneRow& live, Version version) {
  const auto unknown = [&] {
    return Error{reason::version_unknown, "version " + std::to_string(version) +
                                              " is not kept; `understudy history` lists those that are"};
  };
  if (version > live.version) {
    const auto held = reader.held(live.id);
    if (!held || held->row.version != version) return unknown();
    return walk_held(reader, live, *held);
  }
  if (live.generation == 0 || version == 0) return unknown();
  if (version == live.version) return walk_generation(reader, live.generation);
  if (!reader.version(live.id, version)) return unknown();
  Generation base = live.generation;
  std::vector<std::unique_ptr<VersionChange>> changes;
  for (Version v = version; v < live.version;) {
    const auto row = reader.version_after(live.id, v);
    if (!row) return damaged();
    v = row->version;
    if (row->before != 0) {
      base = row->before;
      break;
    }
    changes.push_back(std::make_unique<VersionChange>(
        VersionChange{v, ChangeCursor::of_version(reader, live.id, v, row->chunks)}));
  }
  auto walk = std::make_unique<OlderWalk>(walk_generation(reader, base), std::move(changes));
  if (auto begun = walk->begin(); !begun) return begun.error();
  return std::unique_ptr<NodeWalk>(std::move(walk));
}

}  // namespace understudy::backend
