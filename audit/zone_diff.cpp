#include "audit/zone_diff.h"

#include <algorithm>

#include "backend/key_order.h"
#include "dns/rdata.h"

namespace understudy::audit {

using backend::WalkedNode;
using backend::WalkedRecord;
using dns::Octets;
using dns::RRType;

namespace {

bool same_octets(Octets a, Octets b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

// The usual case, and the cheap one: not a letter differs.
bool same_records(std::span<const WalkedRecord> a, std::span<const WalkedRecord> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const WalkedRecord& x, const WalkedRecord& y) {
    return x.type == y.type && x.ttl == y.ttl && same_octets(x.rdata, y.rdata);
  });
}

// Data in the form in which the same is the same, sorted.
std::vector<std::vector<std::uint8_t>> comparable(RRType type, std::span<const WalkedRecord> records) {
  std::vector<std::vector<std::uint8_t>> out;
  for (const WalkedRecord& record : records) {
    dns::lower_names(type, out.emplace_back(record.rdata.begin(), record.rdata.end()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

// A run of one node's records.
struct ZoneDiff::RRset {
  RRType filed_under{}, type{};
  std::span<const WalkedRecord> records;  // empty: there is none

  // The place in a node, RRSIGs right behind what they cover; an RRset that is not there stands behind all.
  std::uint32_t place() const {
    return records.empty() ? UINT32_MAX
                           : static_cast<std::uint32_t>(filed_under) * 2 + (type == RRType::RRSIG ? 1 : 0);
  }
  std::uint32_t ttl() const {
    std::uint32_t lowest = UINT32_MAX;
    for (const WalkedRecord& record : records) lowest = std::min(lowest, record.ttl);
    return lowest;
  }
};

ZoneDiff::RRset ZoneDiff::next_rrset(const WalkedNode* node, std::size_t& at) const {
  const auto filed_under = [](const WalkedRecord& record) {
    return record.type == RRType::RRSIG ? RRType{dns::load16(record.rdata.data())} : record.type;
  };
  if (node == nullptr || at == node->records.size()) return {};
  const std::size_t begin = at;
  const WalkedRecord& first = node->records[begin];
  while (at < node->records.size() && node->records[at].type == first.type &&
         filed_under(node->records[at]) == filed_under(first)) {
    ++at;
  }
  return {filed_under(first), first.type, std::span(node->records).subspan(begin, at - begin)};
}

Result<> ZoneDiff::walk(backend::NodeWalk& a, backend::NodeWalk& b) {
  WalkedNode node_a, node_b;
  auto more_a = a.next(node_a);
  if (!more_a) return more_a.error();
  auto more_b = b.next(node_b);
  if (!more_b) return more_b.error();
  while (*more_a || *more_b) {
    const int order = !*more_a ? 1 : !*more_b ? -1 : backend::order(node_a.key, node_b.key);
    owner(order <= 0 ? &node_a : nullptr, order >= 0 ? &node_b : nullptr);
    if (order <= 0 && !(more_a = a.next(node_a))) return more_a.error();
    if (order >= 0 && !(more_b = b.next(node_b))) return more_b.error();
  }
  return {};
}

void ZoneDiff::owner(const WalkedNode* a, const WalkedNode* b) {
  if (a != nullptr) counts_.records_a += a->records.size();
  if (b != nullptr) counts_.records_b += b->records.size();
  if (a != nullptr && b != nullptr && same_records(a->records, b->records)) return;
  const dns::Name name = dns::Name(a != nullptr ? a->owner : b->owner).lowered();
  std::size_t at_a = 0, at_b = 0;
  RRset rrset_a = next_rrset(a, at_a), rrset_b = next_rrset(b, at_b);
  while (!rrset_a.records.empty() || !rrset_b.records.empty()) {
    const std::uint32_t place = std::min(rrset_a.place(), rrset_b.place());
    const bool in_a = rrset_a.place() == place, in_b = rrset_b.place() == place;
    rrsets(name, in_a ? rrset_a : RRset{}, in_b ? rrset_b : RRset{});
    if (in_a) rrset_a = next_rrset(a, at_a);
    if (in_b) rrset_b = next_rrset(b, at_b);
  }
}

void ZoneDiff::rrsets(dns::NameView owner, const RRset& a, const RRset& b) {
  if (same_records(a.records, b.records)) return;
  const RRType type = a.records.empty() ? b.type : a.type;
  const auto data_a = comparable(type, a.records), data_b = comparable(type, b.records);
  const auto side = [type](const RRset& own, const std::vector<std::vector<std::uint8_t>>& others) {
    std::optional<Difference::Side> out;
    if (own.records.empty()) return out;
    out.emplace().ttl = own.ttl();
    for (const WalkedRecord& record : own.records) {
      std::vector<std::uint8_t> lowered(record.rdata.begin(), record.rdata.end());
      dns::lower_names(type, lowered);
      out->rdata.push_back({record.rdata, std::binary_search(others.begin(), others.end(), lowered)});
    }
    return out;
  };
  Difference difference{owner, type, Class::ttl, side(a, data_b), side(b, data_a)};
  if (!difference.b) {
    difference.what = Class::missing;
  } else if (!difference.a) {
    difference.what = Class::extra;
  } else {
    const auto is_common = [](const Difference::Rdata& rdata) { return rdata.common; };
    const auto all_common = [&](const Difference::Side& s) {
      return std::all_of(s.rdata.begin(), s.rdata.end(), is_common);
    };
    if (!all_common(*difference.a) || !all_common(*difference.b)) {
      difference.what = Class::rdata;
    } else if (difference.a->ttl == difference.b->ttl) {
      return;  // the same but for case, or for what stands there twice
    }
  }
  tell(std::move(difference));
}

void ZoneDiff::tell(Difference difference) {
  switch (difference.what) {
    case Class::missing:
      ++counts_.missing;
      break;
    case Class::extra:
      ++counts_.extra;
      break;
    case Class::rdata:
      ++counts_.rdata;
      break;
    default:
      ++counts_.ttl;
      break;
  }
  sink_(difference);
}

}  // namespace understudy::audit
