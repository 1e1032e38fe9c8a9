#include "server/denial.h"

#include <algorithm>

namespace understudy::server {

using backend::FoundNode;
using backend::NodeView;
namespace node_flag = backend::node_flag;

namespace {

// Nodes without an NSEC that are passed over in search of the one that covers a name: in a whole chain only
// empty non-terminals, which lie at most this deep in any zone that people make.
constexpr unsigned steps_back = 16;

std::size_t prefix_size(Octets key, unsigned labels) {
  std::size_t at = 0;
  while (labels > 0 && at < key.size()) labels -= key[at++] == 0;
  return at;
}

constexpr std::uint8_t wildcard_label[] = {'*'};

bool is_before(Octets a, Octets b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

// Which chain the apex says that the zone has.
Denial::Chain Denial::chain() {
  if (chain_ != Chain::unknown) return chain_;
  chain_ = Chain::none;
  FoundNode apex;
  scratch_.assign(apex_);
  if (!reader_.find_exact(generation_, scratch_, scratch_.size(), apex)) return chain_;
  chain_ = Chain::nsec;
  const auto published = apex.node.find(RRType::NSEC3PARAM);
  if (!published) return chain_;
  for (Octets rrs = published->rrs(); !rrs.empty();) {
    const std::size_t size = dns::load16(rrs.data());
    const auto parameters = dns::Nsec3Parameters::of(rrs.subspan(2, size));
    rrs = rrs.subspan(2 + size);
    // RFC 5155 4.1.2: with flags it is none to be used.
    if (parameters.algorithm != dns::nsec3_sha1 || parameters.flags != 0) continue;
    parameters_ = parameters;
    chain_ = Chain::nsec3;
    failed_ = parameters.iterations > iterations_limit;
    if (!failed_) break;
  }
  if (failed_) chain_ = Chain::none;
  return chain_;
}

bool Denial::is_there(const RRsetView& rrset) const {
  for (std::size_t i = 0; i < answer_.size(); ++i) {
    if (answer_[i].section == Section::authority && answer_[i].rrset.rrs().data() == rrset.rrs().data())
      return true;
  }
  return false;
}

// The node's NSEC or NSEC3; false where it has none.
bool Denial::add(Octets key, NodeView node, RRType type) {
  const auto rrset = node.find(type);
  if (!rrset || rrset->size() == 0) return false;
  if (is_there(*rrset)) return true;
  std::size_t suffix = 0;
  if (const unsigned labels = dns::key_label_count(key); labels <= question_.label_count()) {
    const NameView tail = question_.suffix(labels);
    if (dns::NameKey tail_key(tail); std::ranges::equal(tail_key.octets(), key)) suffix = tail.size();
  }
  NameView owner = question_;
  if (suffix == 0) {
    Name* const kept = answer_.new_owner();
    if (kept == nullptr) return true;
    const auto with_case = node.owner_case();
    const auto name = with_case ? Name(*with_case) : dns::name_of_key(key);
    if (!name) return false;
    *kept = *name;
    owner = *kept;
  }
  AnswerEntry* const entry = answer_.add(Section::authority);
  if (entry == nullptr) return true;
  entry->rrset = *rrset;
  entry->with_signatures = rrset->signature_count() != 0;
  entry->owner_kind = suffix != 0 ? AnswerEntry::Owner::question_suffix : AnswerEntry::Owner::literal;
  entry->owner_size = static_cast<std::uint8_t>(suffix);
  entry->owner = entry->context = owner;
  return true;
}

// That a node has no more types than its NSEC says. An empty non-terminal has no NSEC: the one that covers it
// also says, by its next name below it, that it is one.
void Denial::match(const dns::NameKey& key, NodeView node) {
  if (add(key.octets(), node, RRType::NSEC) || !node.is_empty_non_terminal()) return;
  scratch_.assign_before(key.octets());
  if (FoundNode at; reader_.find(generation_, scratch_, at)) cover(at);
}

// The NSEC of `at`, the last node before what is denied, or of the nearest one before that has any.
void Denial::cover(FoundNode at) {
  for (unsigned step = 0; step < steps_back; ++step) {
    if (at.node.has(node_flag::occluded)) {
      // No part of the chain, nor is anything between it and the cut or DNAME above it.
      scratch_.assign_key(at.key.first(prefix_size(at.key, at.node.cover_labels())));
      if (!reader_.find_exact(generation_, scratch_, scratch_.size(), at)) return;
    } else if (const std::size_t hash = dns::nsec3_hash_place(at.key)) {
      // A chain of the other kind stands between the apex and what is below it.
      scratch_.assign_key(at.key.first(hash - 1));
      if (!reader_.find_exact(generation_, scratch_, scratch_.size(), at)) return;
    }
    if (add_nsec(at) || at.node.has(node_flag::apex)) return;
    scratch_.assign_before(at.key);
    if (!reader_.find(generation_, scratch_, at)) return;
  }
}

void Denial::no_type(const Looked& looked) {
  const backend::LookupResult& found = looked.found;
  switch (chain()) {
    case Chain::nsec3:
      if (found.wildcard) {
        const unsigned encloser = prove_encloser(looked.name, found.owner_labels);
        if (const auto wildcard = Name::prepend(wildcard_label, looked.name.suffix(encloser)))
          match_hash(*wildcard);
      } else if (!match_hash(looked.name)) {
        // RFC 5155 7.2.4, and of empty non-terminals above nothing but cuts that are opted out: a name
        // without NSEC3.
        prove_encloser(looked.name, looked.name.label_count() - 1);
      }
      break;
    case Chain::nsec:
      if (!found.wildcard) return match(looked.key, found.node);
      cover(found.before);
      {
        dns::NameKey wildcard;
        wildcard.assign_wildcard(looked.key, found.owner_labels);
        match(wildcard, found.node);
      }
      break;
    default:
      break;
  }
}

void Denial::no_name(const Looked& looked) {
  const unsigned encloser = looked.found.owner_labels;
  if (chain() == Chain::nsec3) {
    const unsigned proven = prove_encloser(looked.name, encloser);
    if (const auto wildcard = Name::prepend(wildcard_label, looked.name.suffix(proven)))
      cover_hash(*wildcard);
  }
  if (chain_ != Chain::nsec) return;
  const FoundNode& before = looked.found.before;
  cover(before);
  scratch_.assign_wildcard(looked.key, encloser);
  // Between the node before the name and the name there is nothing, so one NSEC covers all that lies there.
  const Octets wildcard = scratch_.octets();
  if (is_before(before.key, wildcard) && is_before(wildcard, looked.key.octets())) return;
  if (FoundNode at; reader_.find(generation_, scratch_, at)) cover(at);
}

void Denial::no_closer_name(const Answer::Synthesis& synthesis) {
  switch (chain()) {
    case Chain::nsec3:
      return cover_hash(synthesis.name.suffix(synthesis.encloser_labels + 1));
    case Chain::nsec:
      return cover(synthesis.before);
    default:
      return;
  }
}

void Denial::no_ds(const Looked& looked) {
  const Octets key = looked.key.octets();
  const unsigned labels = looked.found.owner_labels;
  if (add(key.first(looked.key.prefix_size(labels)), looked.found.node, RRType::NSEC)) return;
  if (chain() != Chain::nsec3) return;
  const NameView cut = looked.name.suffix(labels);
  // RFC 5155 7.2.7: a cut that is opted out has none of its own.
  if (!match_hash(cut)) prove_encloser(cut, labels - 1);
}

}  // namespace understudy::server
