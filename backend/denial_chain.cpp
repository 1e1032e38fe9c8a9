#include "backend/denial_chain.h"

#include <algorithm>

#include "dns/name_key.h"

namespace understudy::backend {
namespace {

std::vector<std::uint8_t> copy(Octets octets) { return {octets.begin(), octets.end()}; }

bool is_signed(const RRsetView& rrset) { return rrset.size() != 0 && rrset.signature_count() != 0; }

}  // namespace

void DenialChain::gap(Octets key) {
  if (gaps_++ != 0) return;
  const auto name = dns::name_of_key(key);
  first_gap_ = name ? dns::to_string(*name) : "?";
}

void DenialChain::see(Octets key, NodeView node) {
  if (!apex_) see_apex(key, node);
  if (!plain_ && hashed_.empty()) return;  // a zone without proofs of absence
  if (dns::is_nsec3_key(key)) {
    see_nsec3(key, node);
  } else if (plain_ && !node.has(node_flag::occluded) && !node.is_empty_non_terminal()) {
    see_nsec(key, node);
  }
}

void DenialChain::see_apex(Octets key, NodeView node) {
  apex_ = copy(key);
  plain_ = node.find(RRType::NSEC).has_value();
  const auto published = node.find(RRType::NSEC3PARAM);
  if (!published) return;
  for (Octets rrs = published->rrs(); !rrs.empty();) {
    const std::size_t size = dns::load16(rrs.data());
    const auto parameters = dns::Nsec3Parameters::of(rrs.subspan(2, size));
    rrs = rrs.subspan(2 + size);
    if (parameters.algorithm != dns::nsec3_sha1 || parameters.flags != 0) continue;
    hashed_.push_back({copy(parameters.salt), parameters.iterations, {}, {}, {}});
  }
  if (!hashed_.empty()) plain_ = false;
}

void DenialChain::see_nsec(Octets key, NodeView node) {
  const auto rrset = node.find(RRType::NSEC);
  if (!rrset || !is_signed(*rrset)) {
    promised_.reset();  // one gap, not two
    return gap(key);
  }
  if (promised_ && !std::ranges::equal(*promised_, key)) gap(at_);
  at_ = copy(key);
  const auto next = NameView::parse(rrset->first_rdata());
  promised_ = copy(dns::NameKey(*next).octets());
}

void DenialChain::see_nsec3(Octets key, NodeView node) {
  const auto rrset = node.find(RRType::NSEC3);
  if (hashed_.empty() || !rrset) return;
  const Octets hash = key.subspan(dns::nsec3_hash_place(key));
  for (Octets rrs = rrset->rrs(); !rrs.empty();) {
    const std::size_t size = dns::load16(rrs.data());
    const Octets rdata = rrs.subspan(2, size);
    rrs = rrs.subspan(2 + size);
    const auto parameters = dns::Nsec3Parameters::of(rdata);
    const auto chain = std::ranges::find_if(hashed_, [&](const Hashed& known) {
      return known.iterations == parameters.iterations && std::ranges::equal(known.salt, parameters.salt);
    });
    if (chain == hashed_.end()) continue;
    if (!is_signed(*rrset) || (!chain->next.empty() && !std::ranges::equal(chain->next, hash)))
      gap(chain->key.empty() ? key : Octets(chain->key));
    if (chain->first.empty()) chain->first = copy(hash);
    const std::size_t next_at = 5 + parameters.salt.size();
    chain->next = copy(rdata.subspan(next_at + 1, rdata[next_at]));
    chain->key = copy(key);
  }
}

void DenialChain::finish() {
  if (plain_ && promised_ && promised_ != apex_) gap(at_);
  for (const Hashed& chain : hashed_) {
    if (chain.first.empty()) {
      gap(*apex_);
    } else if (chain.next != chain.first) {
      gap(chain.key);
    }
  }
}

}  // namespace understudy::backend
