// The part of Denial that works on hashes: RFC 5155 7.2.
#include "server/denial.h"

namespace understudy::server {

using backend::FoundNode;
using backend::NodeView;

namespace {

// NSEC3s of other chains that are passed over (RFC 5155 8.2 and 10.4: two chains live side by side while a
// salt rolls, and their hashes mix evenly).
constexpr unsigned steps_back = 64;

// The greatest hash below `hash`; of the least one the greatest of all.
void step_down(dns::Nsec3Hash& hash) {
  for (std::size_t i = hash.size(); i-- > 0;) {
    if (hash[i]-- != 0) return;
  }
}

}  // namespace

bool Denial::is_of_chain(NodeView node) const {
  const auto nsec3 = node.find(RRType::NSEC3);
  return nsec3 && nsec3->size() != 0 &&
         dns::Nsec3Parameters::of(nsec3->first_rdata()).same_chain(parameters_);
}

// The NSEC3 whose hash is the name's; false where there is none.
bool Denial::match_hash(NameView name) {
  scratch_.assign(apex_);
  scratch_.append_nsec3(dns::nsec3_hash(name, parameters_));
  FoundNode at;
  return reader_.find_exact(generation_, scratch_, scratch_.size(), at) && is_of_chain(at.node) &&
         add(at.key, at.node, RRType::NSEC3);
}

// The NSEC3 whose hash is the nearest before the name's; before the first of them comes the last.
void Denial::cover_hash(NameView name) {
  dns::Nsec3Hash hash = dns::nsec3_hash(name, parameters_);
  bool wrapped = false;
  for (unsigned step = 0; step < steps_back; ++step) {
    scratch_.assign(apex_);
    scratch_.append_nsec3(hash);
    FoundNode at;
    if (!reader_.find(generation_, scratch_, at)) return;
    const std::size_t place = dns::nsec3_hash_place(at.key);
    if (place == 0) {
      // The apex itself: hashes go round.
      if (wrapped) return;
      wrapped = true;
      hash.fill(0xff);
      continue;
    }
    if (at.key.size() - place != hash.size()) return;
    if (is_of_chain(at.node)) {
      add(at.key, at.node, RRType::NSEC3);
      return;
    }
    std::memcpy(hash.data(), at.key.data() + place, hash.size());
    step_down(hash);
  }
}

// RFC 5155 7.2.1: the closest encloser, which has `labels` labels, and that nothing is closer to the name.
// Where it was opted out the nearest one above that has an NSEC3 is proven in its place (7.2.4): returns the
// labels of what was.
unsigned Denial::prove_encloser(NameView name, unsigned labels) {
  const unsigned apex_labels = apex_.label_count();
  if (name.label_count() <= apex_labels) return apex_labels;
  while (labels > apex_labels && !match_hash(name.suffix(labels))) --labels;
  if (labels == apex_labels) match_hash(apex_);
  cover_hash(name.suffix(labels + 1));
  return labels;
}

}  // namespace understudy::server
