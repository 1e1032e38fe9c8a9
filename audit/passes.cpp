#include "audit/passes.h"

#include <algorithm>

namespace understudy::audit {

namespace {

void add_expectations(const Passes& passes, const Expectations& expectations, UnixTime now,
                      ZoneComparison& all) {
  std::vector<std::uint64_t> explained(expectations.size());
  for (const auto& pass : passes) pass->count_expected(explained);
  for (std::size_t i = 0; i < expectations.size(); ++i) {
    const Expectation& expectation = expectations[i];
    if (!expectation.concerns(all.zone)) continue;
    all.expected += explained[i];
    const bool over = expectation.is_over(now);
    all.expectations.push_back({i, expectation.pattern, expectation.reason, expectation.type,
                                expectation.difference, expectation.until, explained[i], over,
                                !over && explained[i] == 0 && all.last_full_pass != 0});
  }
}

// Counted before the list is cut, or one address that is wrong throughout would hide the others.
void count_mismatches(const ZonePass& pass, ZoneComparison& all) {
  auto& counts = all.mismatching.emplace_back();
  std::size_t next = all.mismatches.size();
  pass.append_mismatches(all.mismatches);
  for (; next < all.mismatches.size(); ++next) {
    const Mismatch& mismatch = all.mismatches[next];
    ++counts[static_cast<std::size_t>(mismatch.difference)];
    if (all.oldest_mismatch == 0 || mismatch.since < all.oldest_mismatch)
      all.oldest_mismatch = mismatch.since;
  }
}

}  // namespace

ZoneComparison combine(const dns::Name& zone, const Passes& passes, const ExpectationsPtr& expectations,
                       UnixTime now) {
  ZoneComparison all;
  all.zone = zone;
  if (passes.empty()) return all;
  all.complete = true;
  all.coverage = 1;
  all.version = passes.front()->version();
  all.last_full_pass = passes.front()->last_full_pass();
  for (const auto& pass : passes) {
    all.version = std::min(all.version, pass->version());
    all.against.push_back(pass->tally());
    all.complete = all.complete && pass->complete();
    all.coverage = std::min(all.coverage, pass->coverage());
    all.last_full_pass = std::min(all.last_full_pass, pass->last_full_pass());
    for (std::size_t i = 0; i < all.totals.size(); ++i) all.totals[i] += pass->totals()[i];
    count_mismatches(*pass, all);
  }
  if (expectations) add_expectations(passes, *expectations, now, all);
  if (all.mismatches.size() > ZonePass::most_mismatches) all.mismatches.resize(ZonePass::most_mismatches);
  return all;
}

std::vector<net::Endpoint> distinct(std::vector<net::Endpoint> addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

}  // namespace understudy::audit
