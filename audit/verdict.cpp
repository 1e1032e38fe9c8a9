#include "audit/verdict.h"

#include <algorithm>

#include "dns/octets.h"
#include "dns/presentation.h"

namespace understudy::audit {

using dns::NameView;
using dns::RRType;
using End = NormalAnswer::End;

namespace {

constexpr std::size_t soa_numbers = 20;  // SERIAL is the first of the five that end the RDATA

bool is_negative(End end) { return end == End::nodata || end == End::name_error; }

// Equal but for SERIAL.
bool same_soa_content(const Rdata& a, const Rdata& b) {
  const std::size_t serial_at = a.size() - soa_numbers;
  return a.size() == b.size() && std::equal(a.begin(), a.begin() + serial_at, b.begin()) &&
         std::equal(a.begin() + serial_at + 4, a.end(), b.begin() + serial_at + 4);
}

// Collects every class that fits; the first in the order of the enumeration wins.
class Comparison {
 public:
  Comparison(const Question& question, const NormalAnswer& ours, const NormalAnswer& theirs, bool dnssec)
      : question_(question), ours_(ours), theirs_(theirs), dnssec_(dnssec) {}

  Judgement run() {
    compare_links();
    if (!decided_) compare_ends();
    if (!unknown_.empty()) return {Verdict::unknown, {}, unknown_, false};
    if (!child_answers_ && ours_.authoritative != theirs_.authoritative) note(Class::flags);
    const bool content = has(Class::missing) || has(Class::extra) || has(Class::rdata);
    if (question_.random_label && content) note(Class::wildcard);
    if (question_.absent_type) {
      // DS at the apex is the parent zone's, which an address may serve as well: what it has there says
      // nothing of this zone, but that the name is there.
      const unsigned data = bit(Class::extra) | bit(Class::delegation);
      found_ &= question_.type == RRType::DS ? bit(Class::rcode) : data | bit(Class::rcode);
    }
    for (unsigned c = 0; c < 32; ++c) {
      if ((found_ & (1u << c)) != 0) return {Verdict::mismatch, static_cast<Class>(c), {}, false};
    }
    if (serial_differs_) return {Verdict::unknown, {}, "the serials differ", true};
    return {Verdict::match, {}, {}, false};
  }

 private:
  static unsigned bit(Class c) { return 1u << static_cast<unsigned>(c); }
  void note(Class c) { found_ |= bit(c); }
  bool has(Class c) const { return (found_ & bit(c)) != 0; }

  void compare_sets(const RRset& a, const RRset& b) {
    const bool one_soa =
        a.type == RRType::SOA && b.type == RRType::SOA && a.rdata.size() == 1 && b.rdata.size() == 1;
    if (one_soa && same_soa_content(a.rdata.front(), b.rdata.front())) {
      serial_differs_ = serial_differs_ || a.rdata != b.rdata;
    } else if (!(a.owner == b.owner) || a.type != b.type || a.rdata != b.rdata) {
      note(Class::rdata);
    }
    if (a.ttl != b.ttl) note(Class::ttl);
    if (dnssec_ && a.signatures != b.signatures) note(Class::dnssec);
  }

  // Both chains, link by link. A side that stops following says nothing of the rest: the names that the chain
  // leads to are asked on their own.
  void compare_links() {
    const std::size_t common = std::min(ours_.links.size(), theirs_.links.size());
    for (std::size_t i = 0; i < common; ++i) {
      compare_sets(ours_.links[i], theirs_.links[i]);
      if (has(Class::rdata)) {
        decided_ = true;
        return;
      }
    }
    if (ours_.links.size() == theirs_.links.size()) return;
    decided_ = true;
    const bool we_go_on = ours_.links.size() > common;
    const End stopped = we_go_on ? theirs_.end : ours_.end;
    if (stopped == End::data) {
      note(Class::rdata);
    } else if (is_negative(stopped)) {
      note(we_go_on ? Class::missing : Class::extra);
    } else if (stopped == End::referral && common == 0) {
      note(Class::delegation);
    }
  }

  void compare_ends() {
    const bool chained = !ours_.links.empty();
    if (ours_.end == End::unfinished || theirs_.end == End::unfinished) return;
    // Data of ours at the end of a chain is asked under its own name: one difference is told once, not for
    // each alias.
    if (chained && ours_.end == End::data) return;
    if (ours_.end == End::referral && theirs_.end == End::referral) return compare_referrals();
    if (ours_.end == End::referral || theirs_.end == End::referral) {
      // Whether a referral follows a chain that leads below a cut is up to the server.
      if (chained) return;
      return ours_.end == End::referral ? compare_with_child(ours_, theirs_)
                                        : compare_with_child(theirs_, ours_);
    }
    if (ours_.end == End::data && theirs_.end == End::data) {
      compare_sets(ours_.data, theirs_.data);
      return compare_proofs();
    }
    if (ours_.end == End::data) return note(Class::missing);
    if (theirs_.end == End::data) return note(Class::extra);
    compare_negatives();
  }

  void compare_negatives() {
    if (ours_.end != theirs_.end) note(Class::rcode);
    if (ours_.negative && theirs_.negative) {
      // A deeper SOA is a zone cut that the other side does not know of.
      if (!(ours_.negative->zone == theirs_.negative->zone)) note(Class::delegation);
      if (ours_.negative->ttl != theirs_.negative->ttl) note(Class::negative_ttl);
    } else if (ours_.negative || theirs_.negative) {
      note(Class::negative_ttl);  // without an SOA it is not kept at all (RFC 2308 5)
    }
    compare_proofs();
  }

  // That there is one, and signed: which one differs between NSEC, NSEC3 and the compact ones of RFC 9824.
  void compare_proofs() {
    const bool same =
        ours_.denial_proof == theirs_.denial_proof && ours_.denial_signed == theirs_.denial_signed;
    if (dnssec_ && !same) note(Class::dnssec);
  }

  void compare_referrals() {
    const RRset &a = ours_.name_servers, &b = theirs_.name_servers;
    if (!(a.owner == b.owner) || a.rdata != b.rdata) note(Class::delegation);
    if (a.ttl != b.ttl) note(Class::ttl);
    compare_glue();
    compare_proofs();
    if (!dnssec_) return;
    const RRset &ds = ours_.delegation_signers, &their_ds = theirs_.delegation_signers;
    if (ds.rdata != their_ds.rdata) note(Class::delegation);
    if (ds.signatures != their_ds.signatures) note(Class::dnssec);
  }

  void compare_glue() {
    const std::vector<RRset>&a = ours_.glue, &b = theirs_.glue;
    if (a.size() != b.size()) return note(Class::delegation);
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!(a[i].owner == b[i].owner) || a[i].type != b[i].type || a[i].rdata != b[i].rdata)
        note(Class::delegation);
      if (a[i].ttl != b[i].ttl) note(Class::ttl);
    }
  }

  // One side refers, the other does not. Where it serves the child zone as well it answers out of that one
  // (RFC 1034 4.3.2 takes the nearest zone), which says nothing of the parent, unless the name servers are
  // the same.
  void compare_with_child(const NormalAnswer& referring, const NormalAnswer& other) {
    const NameView cut = referring.name_servers.owner;
    const bool answers_at_cut = other.end == End::data && other.links.empty() &&
                                other.data.type == RRType::NS && other.data.owner.view().equals(cut);
    if (answers_at_cut) {
      child_answers_ = true;  // with AA, where a referral has none
      if (other.data.rdata != referring.name_servers.rdata) unknown_ = served_child;
    } else if (other.negative && other.negative->zone.view().is_at_or_below(cut)) {
      unknown_ = served_child;
    } else {
      note(Class::delegation);
    }
  }

  static constexpr const char* served_child = "the child zone is served there too";

  const Question& question_;
  const NormalAnswer& ours_;
  const NormalAnswer& theirs_;
  const bool dnssec_;
  unsigned found_ = 0;
  bool decided_ = false, serial_differs_ = false, child_answers_ = false;
  std::string unknown_;
};

// RRs as text; those of another owner or type than the question's with both in front.
void append_texts(const Question& question, const RRset& set, std::vector<std::string>& out) {
  std::string prefix;
  if (!(set.owner == question.name) || set.type != question.type) {
    prefix = to_string(set.owner) + " " + to_string(set.type) + " ";
  }
  for (const Rdata& rdata : set.rdata) out.push_back(prefix + dns::rdata_text(set.type, rdata));
}

}  // namespace

Judgement judge(const Question& question, const NormalAnswer& ours, const NormalAnswer& theirs, bool dnssec) {
  if (theirs.end == End::unknown) return {Verdict::unknown, {}, theirs.why, false};
  if (ours.end == End::unknown) return {Verdict::unknown, {}, "our own answer: " + ours.why, false};
  return Comparison(question, ours, theirs, dnssec).run();
}

Side describe(const Question& question, const NormalAnswer& answer) {
  Side side;
  if (answer.end == End::unknown) {
    side.rcode = answer.why;
    return side;
  }
  side.rcode = to_string(answer.rcode);
  side.flags = answer.authoritative ? "aa" : "";
  for (const RRset& link : answer.links) append_texts(question, link, side.rdata);
  append_texts(question, answer.data, side.rdata);
  append_texts(question, answer.name_servers, side.rdata);
  append_texts(question, answer.delegation_signers, side.rdata);
  for (const RRset& glue : answer.glue) append_texts(question, glue, side.rdata);
  if (!answer.links.empty()) {
    side.ttl = answer.links.front().ttl;
  } else if (answer.end == End::data) {
    side.ttl = answer.data.ttl;
  } else if (answer.end == End::referral) {
    side.ttl = answer.name_servers.ttl;
  } else if (answer.negative) {
    side.ttl = answer.negative->ttl;
  }
  return side;
}

}  // namespace understudy::audit
