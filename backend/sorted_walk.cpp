#include "backend/sorted_walk.h"

#include <algorithm>

#include "backend/reasons.h"
#include "dns/rdata.h"

namespace understudy::backend {
namespace {

class SortedWalk final : public NodeWalk {
 public:
  explicit SortedWalk(RecordSorter& sorter) : sorter_(sorter) {}

  Result<bool> next(WalkedNode& node) override {
    if (!begun_) {
      begun_ = true;
      if (const auto more = advance(); !more) return more.error();
    }
    if (!more_) return false;
    if (const auto taken = take_owner(); !taken) return taken.error();
    arrange();
    node.key = key_;
    node.owner = owner_;
    node.records.clear();
    for (const Entry& e : entries_) node.records.push_back({e.type, e.ttl, rdata(e)});
    return true;
  }

 private:
  struct Entry {
    RRType filed_under;  // the covered type for an RRSIG
    RRType type;
    std::uint32_t ttl;
    std::size_t at, size;  // in octets_
    bool is_signature() const { return type == RRType::RRSIG; }
    bool same_rrset(const Entry& e) const { return filed_under == e.filed_under && type == e.type; }
  };
  Octets rdata(const Entry& e) const { return Octets(octets_).subspan(e.at, e.size); }

  Result<> advance() {
    const auto more = sorter_.next(record_);
    if (!more) return more.error();
    more_ = *more;
    return {};
  }

  // Copies the records of the owner at hand, and reads on to the first one of the next.
  Result<> take_owner() {
    key_.assign(record_.key.begin(), record_.key.end());
    if (record_.owner.empty()) {
      const auto owner = dns::name_of_key(record_.key);
      if (!owner) return Error{reason::mirror_io, "a sorted record came back damaged from the spool"};
      owner_ = *owner;
    } else {
      owner_ = Name(NameView::unchecked(record_.owner.data(), record_.owner.size()));
    }
    entries_.clear();
    octets_.clear();
    do {
      const RRType covered =
          record_.type == RRType::RRSIG ? RRType{dns::load16(record_.rdata.data())} : record_.type;
      entries_.push_back({covered, record_.type, record_.ttl, octets_.size(), record_.rdata.size()});
      octets_.insert(octets_.end(), record_.rdata.begin(), record_.rdata.end());
      if (const auto more = advance(); !more) return more;
    } while (more_ && std::equal(record_.key.begin(), record_.key.end(), key_.begin(), key_.end()));
    return {};
  }

  void arrange() {
    const auto before = [this](const Entry& a, const Entry& b) {
      if (a.filed_under != b.filed_under) return a.filed_under < b.filed_under;
      if (a.is_signature() != b.is_signature()) return b.is_signature();
      return dns::canonical_rdata_order(a.type, rdata(a), rdata(b), scratch_) < 0;
    };
    if (entries_.size() > 1) std::stable_sort(entries_.begin(), entries_.end(), before);
    for (auto rrset = entries_.begin(); rrset != entries_.end();) {
      auto end = rrset;
      std::uint32_t lowest = UINT32_MAX;
      for (; end != entries_.end() && end->same_rrset(*rrset); ++end) lowest = std::min(lowest, end->ttl);
      for (; rrset != end; ++rrset) rrset->ttl = lowest;
    }
    const auto same = [&before](const Entry& a, const Entry& b) { return !before(a, b); };
    entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
  }

  RecordSorter& sorter_;
  RecordSorter::Sorted record_;  // the first of the next owner
  bool begun_ = false, more_ = false;
  std::vector<std::uint8_t> key_, octets_, scratch_;
  Name owner_;
  std::vector<Entry> entries_;
};

}  // namespace

std::unique_ptr<NodeWalk> walk_sorted(RecordSorter& sorter) { return std::make_unique<SortedWalk>(sorter); }

}  // namespace understudy::backend
