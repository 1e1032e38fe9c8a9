#include "sync/gate.h"

#include <algorithm>
#include <cstdio>

#include "backend/key_order.h"
#include "backend/soa_record.h"
#include "sync/built_walk.h"
#include "sync/catalog.h"
#include "sync/dnssec_check.h"
#include "sync/zonemd.h"

namespace understudy::sync {
namespace {

using backend::WalkedNode;
using backend::WalkedRecord;
using dns::RRType;

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f%%", share * 100);
  return text;
}

// What a signer makes anew as it likes.
bool is_made_by_signers(RRType type) {
  return type == RRType::RRSIG || type == RRType::NSEC || type == RRType::NSEC3 ||
         type == RRType::NSEC3PARAM || type == RRType::ZONEMD || type == RRType::SOA;
}

bool data_less(const WalkedRecord& a, const WalkedRecord& b) {
  return a.type != b.type ? a.type < b.type : backend::order(a.rdata, b.rdata) < 0;
}

// Adds up what is lost, owner by owner.
class Counter {
 public:
  explicit Counter(dns::NameView apex) : apex_(apex) {}

  // `after` is nullptr where the owner is gone.
  void count(WalkedNode& before, WalkedNode* after) {
    std::sort(before.records.begin(), before.records.end(), data_less);
    if (after != nullptr) std::sort(after->records.begin(), after->records.end(), data_less);
    const bool at_apex = before.owner.equals(apex_);
    for (const WalkedRecord& r : before.records) {
      const bool still =
          after != nullptr && std::binary_search(after->records.begin(), after->records.end(), r, data_less);
      if (!still && !is_made_by_signers(r.type)) ++losses_.gone;
      if (at_apex && r.type == RRType::NS) ++losses_.ns_before;
      if (at_apex && r.type == RRType::NS && !still) ++losses_.ns;
    }
    if (at_apex) {
      losses_.mx = has(&before, RRType::MX) && !has(after, RRType::MX);
      losses_.dnskey = has(&before, RRType::DNSKEY) && !has(after, RRType::DNSKEY);
    }
    const bool gone = after == nullptr || after->records.empty();
    if (gone && before.owner.is_wildcard() && losses_.wildcards++ == 0)
      losses_.first_wildcard = dns::Name(before.owner);
  }
  Losses take() { return std::move(losses_); }

 private:
  static bool has(const WalkedNode* node, RRType type) {
    return node != nullptr && std::any_of(node->records.begin(), node->records.end(),
                                          [&](const WalkedRecord& r) { return r.type == type; });
  }

  const dns::NameView apex_;
  Losses losses_;
};

// Only the nodes that differ, each with the live one that it replaces.
Result<> count_patch(const Candidate& candidate, backend::Mirror& mirror, Counter& counter) {
  const auto reader = mirror.reader();
  if (!reader) return reader.error();
  if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
  backend::NodeExpander old_expander, new_expander;
  WalkedNode before, after;
  for (const backend::StoredNode& node : candidate.built->nodes) {
    backend::FoundNode found;
    const bool there = (*reader)->seek(candidate.live.generation, node.key, found) &&
                       backend::order(found.key, node.key) == 0;
    if (!there || found.node.is_empty_non_terminal()) continue;
    if (auto read = old_expander.expand(found.key, found.node, before); !read) return read;
    if (node.block.empty()) {
      counter.count(before, nullptr);
      continue;
    }
    if (auto read = new_expander.expand(node.key, backend::NodeView(node.block), after); !read) return read;
    counter.count(before, &after);
  }
  return {};
}

// Both versions side by side.
Result<> count_whole(const Candidate& candidate, backend::Mirror& mirror, Counter& counter) {
  const auto live = walk_live(mirror, candidate.live);
  if (!live) return live.error();
  const auto next = walk_built(mirror, candidate.live, candidate.built);
  if (!next) return next.error();
  WalkedNode before, after;
  Result<bool> more_after = (*next)->next(after);
  for (;;) {
    const Result<bool> more_before = (*live)->next(before);
    if (!more_before) return more_before.error();
    if (!*more_before) return {};
    while (more_after && *more_after && backend::order(after.key, before.key) < 0)
      more_after = (*next)->next(after);
    if (!more_after) return more_after.error();
    const bool there = *more_after && backend::order(after.key, before.key) == 0;
    counter.count(before, there ? &after : nullptr);
  }
}

void judge_size(const Candidate& candidate, std::vector<Finding>& findings) {
  const std::uint64_t before = candidate.live.records, now = candidate.built->summary.records;
  if (now >= before || before - now < candidate.policy.ignore_below) return;
  const double share = static_cast<double>(before - now) / static_cast<double>(before);
  if (share <= candidate.policy.shrink) return;
  findings.push_back({reason::shrink, "it has " + std::to_string(now) + " records instead of " +
                                          std::to_string(before) + ": " + percent(share) +
                                          " fewer, and shrink allows " + percent(candidate.policy.shrink)});
}

void judge_losses(const Candidate& candidate, const Losses& losses, std::vector<Finding>& findings) {
  const GatePolicy& policy = candidate.policy;
  const bool holds = policy.losses == Act::hold;
  if (policy.losses != Act::off) {
    if (losses.dnskey) findings.push_back({reason::dnskey_lost, "the apex has no DNSKEY any more", holds});
    if (losses.mx) findings.push_back({reason::mx_lost, "the apex has no MX any more", holds});
    if (losses.wildcards > 0) {
      findings.push_back(
          {reason::wildcard_lost,
           "the wildcard " + dns::to_string(losses.first_wildcard) + " is gone" +
               (losses.wildcards == 1 ? std::string()
                                      : ", and " + std::to_string(losses.wildcards - 1) + " more"),
           holds});
    }
  }
  if (losses.ns > 0) {
    const double share = static_cast<double>(losses.ns) / static_cast<double>(losses.ns_before);
    if (share > policy.ns_loss) {
      findings.push_back({reason::ns_lost, std::to_string(losses.ns) + " of " +
                                               std::to_string(losses.ns_before) +
                                               " NS records of the apex are gone, and ns-loss allows " +
                                               percent(policy.ns_loss)});
    }
  }
  const double churn = static_cast<double>(losses.gone) /
                       static_cast<double>(std::max<std::uint64_t>(1, candidate.live.records));
  if (churn > policy.churn && losses.gone >= policy.ignore_below) {
    findings.push_back({reason::churn, std::to_string(losses.gone) + " of " +
                                           std::to_string(candidate.live.records) +
                                           " records are gone or replaced: " + percent(churn) +
                                           ", and churn allows " + percent(policy.churn)});
  }
}

Result<> judge_digest(const Candidate& candidate, backend::Mirror& mirror, std::vector<Finding>& findings) {
  const auto result =
      verify_zonemd(candidate.apex, [&] { return walk_built(mirror, candidate.live, candidate.built); });
  if (!result) return result.error();
  const bool holds = candidate.policy.zonemd == Act::hold && result->outcome == Zonemd::wrong;
  if (result->outcome == Zonemd::wrong || result->outcome == Zonemd::unsupported)
    findings.push_back({reason::zonemd, result->message, holds});
  return {};
}

Result<> judge_signatures(const Candidate& candidate, backend::Mirror& mirror,
                          std::vector<Finding>& findings) {
  const bool holds = candidate.policy.dnssec == Act::hold;
  const auto walk = walk_built(mirror, candidate.live, candidate.built);
  if (!walk) return walk.error();
  const auto checked = check_signatures(candidate.apex, **walk, candidate.now);
  if (!checked) return checked.error();
  const auto more = [](std::uint64_t count, std::string_view of_what) {
    return count == 1 ? std::string()
                      : ", and " + std::to_string(count - 1) + " more " + std::string(of_what);
  };
  if (checked->failures != 0) {
    findings.push_back({reason::dnssec,
                        checked->first_failure + more(checked->failures, "RRsets that do not validate"),
                        holds});
  }
  const backend::BuildSummary& summary = candidate.built->summary;
  if (summary.chain_gaps != 0) {
    findings.push_back(
        {reason::dnssec,
         "its proofs of absence have gaps: " + summary.first_chain_gap + more(summary.chain_gaps, "gaps"),
         holds});
  }
  return {};
}

// RFC 9432 5.1: a broken catalog is not obeyed, and what was before goes on. 6: nor is one that takes away so
// much that it is more likely a mistake than meant.
Result<> judge_catalog(const Candidate& candidate, backend::Mirror& mirror, std::vector<Finding>& findings) {
  const auto walk = walk_built(mirror, candidate.live, candidate.built);
  if (!walk) return walk.error();
  const Result<Catalog> now = read_catalog(candidate.apex, **walk);
  if (!now && now.error().reason != reason::catalog_broken) return now.error();
  if (!now) findings.push_back({reason::catalog_broken, now.error().message});
  const CatalogGuard& guard = *candidate.policy.catalog;
  if (!now || candidate.live.generation == 0 || guard.share >= 1) return {};
  const auto live = walk_live(mirror, candidate.live);
  if (!live) return live.error();
  const Result<Catalog> before = read_catalog(candidate.apex, **live);
  if (!before) return {};  // it was no catalog, and has no members
  const CatalogLosses losses = losses_between(*before, *now);
  const std::uint64_t lost = losses.gone + losses.reset;
  const double share =
      static_cast<double>(lost) / static_cast<double>(std::max<std::uint64_t>(1, losses.before));
  if (lost < guard.ignore_below || share <= guard.share) return {};
  std::string what =
      std::to_string(losses.gone) + " of its " + std::to_string(losses.before) + " members are gone";
  if (losses.reset != 0)
    what +=
        " and " + std::to_string(losses.reset) + " have other labels, so that their data would be forgotten";
  findings.push_back({reason::catalog_shrink, what + ", " + dns::to_string(losses.first) +
                                                  " among them: " + percent(share) + ", and guard allows " +
                                                  percent(guard.share)});
  return {};
}

}  // namespace

Result<Keys> keys_of(const Candidate& candidate, backend::Mirror& mirror) {
  const BuiltZone& built = *candidate.built;
  const auto reader = mirror.reader();
  if (!reader) return reader.error();
  if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
  const auto in = [&](backend::Generation generation) {
    return generation != 0 && backend::has_at_apex(**reader, candidate.apex, generation, RRType::DNSKEY);
  };
  Keys keys{in(candidate.live.generation), false};
  if (built.content == backend::Content::generation) {
    keys.built = in(built.generation);
    return keys;
  }
  const dns::NameKey apex(candidate.apex);
  const auto node = std::find_if(built.nodes.begin(), built.nodes.end(), [&](const backend::StoredNode& n) {
    return backend::order(n.key, apex.octets()) == 0;
  });
  // A patch without the apex leaves it as it is.
  keys.built =
      node == built.nodes.end() ? keys.live : backend::NodeView(node->block).find(RRType::DNSKEY).has_value();
  return keys;
}

Result<Losses> losses_of(const Candidate& candidate, backend::Mirror& mirror) {
  Counter counter(candidate.apex);
  const bool patch = candidate.built->content == backend::Content::patch;
  const Result<> counted =
      patch ? count_patch(candidate, mirror, counter) : count_whole(candidate, mirror, counter);
  if (!counted) return counted.error();
  return counter.take();
}

bool is_light(const Candidate& candidate) {
  const bool signatures = candidate.policy.dnssec != Act::off || candidate.policy.zonemd != Act::off;
  return !signatures && candidate.live.records <= light_records &&
         candidate.built->summary.records <= light_records;
}

Result<std::vector<Finding>> examine(const Candidate& candidate, backend::Mirror& mirror) {
  const GatePolicy& policy = candidate.policy;
  std::vector<Finding> findings;
  if (policy.catalog) {
    if (auto judged = judge_catalog(candidate, mirror, findings); !judged) return judged.error();
  }
  if (candidate.live.generation != 0) {
    judge_size(candidate, findings);
    if (policy.losses != Act::off || policy.churn < 1 || policy.ns_loss < 1) {
      const Result<Losses> losses = losses_of(candidate, mirror);
      if (!losses) return losses.error();
      judge_losses(candidate, *losses, findings);
    }
  }
  if (policy.zonemd != Act::off) {
    if (auto judged = judge_digest(candidate, mirror, findings); !judged) return judged.error();
  }
  if (policy.dnssec != Act::off) {
    if (auto judged = judge_signatures(candidate, mirror, findings); !judged) return judged.error();
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.holds > b.holds; });
  return findings;
}

}  // namespace understudy::sync
