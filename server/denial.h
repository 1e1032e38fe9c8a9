// The records that prove what an answer denies, for clients that set DO: with NSEC RFC 4035 3.1.3 and 3.1.4,
// with NSEC3 RFC 5155 7.2. A verb a situation; each adds to the authority section what the zone has for it,
// every RRset once.
//
// A zone that publishes NSEC3PARAM has a whole chain of it (RFC 5155 4.1), and that is used; else NSEC. The
// zone comes signed, or its chain partly broken: what cannot be proven is left out, and the search for what
// can be is bounded. Belongs to one answer; reads through its Reader; no heap.
#pragma once

#include "backend/lookup.h"
#include "server/answer.h"

namespace understudy::server {

class Denial {
 public:
  // Iterations above which a proof is not looked for: each takes some 0.1 us, three times an answer. RFC
  // 9276 3.1 wants 0; of the validators of today none takes more than 150.
  static constexpr unsigned iterations_limit = 500;

  // `question`: the name in the question, which owners that it ends with are written by.
  Denial(backend::Reader& reader, backend::Generation generation, NameView apex, NameView question,
         Answer& answer)
      : reader_(reader), generation_(generation), apex_(apex), question_(question), answer_(answer) {}

  // A name of the zone, its key, and what the lookup said of it.
  struct Looked {
    NameView name;
    dns::NameKey& key;
    const backend::LookupResult& found;
  };
  // The name is there, or a wildcard stands for it, but not the type (RFC 4035 3.1.3.1 and 3.1.3.4, RFC
  // 5155 7.2.3 to 7.2.5).
  void no_type(const Looked& looked);
  // There is neither the name nor a wildcard for it (3.1.3.2; 7.2.2).
  void no_name(const Looked& looked);
  // The answer is a wildcard's, since there is nothing closer to the name (3.1.3.3; 7.2.6).
  void no_closer_name(const Answer::Synthesis& synthesis);
  // The cut that is referred to has no DS (3.1.4; 7.2.7).
  void no_ds(const Looked& looked);

  // The zone's NSEC3s take more iterations than the limit, so nothing was proven.
  bool failed() const { return failed_; }

 private:
  enum class Chain : std::uint8_t { unknown, nsec, nsec3, none };
  Chain chain();
  bool add(Octets key, backend::NodeView node, RRType type);
  bool is_there(const RRsetView& rrset) const;

  // NSEC
  bool add_nsec(const backend::FoundNode& at) { return add(at.key, at.node, RRType::NSEC); }
  void match(const dns::NameKey& key, backend::NodeView node);
  void cover(backend::FoundNode at);

  // NSEC3
  bool match_hash(NameView name);
  void cover_hash(NameView name);
  unsigned prove_encloser(NameView name, unsigned labels);
  bool is_of_chain(backend::NodeView node) const;

  backend::Reader& reader_;
  const backend::Generation generation_;
  const NameView apex_;
  const NameView question_;
  Answer& answer_;
  Chain chain_ = Chain::unknown;
  bool failed_ = false;
  dns::Nsec3Parameters parameters_{};
  dns::NameKey scratch_;
};

}  // namespace understudy::server
