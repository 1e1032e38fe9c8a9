#include "server/answerer.h"

#include "server/additional.h"
#include "server/denial.h"

namespace understudy::server {
namespace {

using backend::LookupResult;
using backend::NodeView;
using backend::Outcome;

// One question being answered; `name` moves along CNAMEs and DNAMEs.
class Answerer {
 public:
  Answerer(const AnswererInput& input, Answer& answer)
      : in_(input),
        answer_(answer),
        apex_labels_(input.apex.label_count()),
        denial_(input.reader, input.generation, input.apex, input.question.name, answer),
        name_(input.question.name) {}

  void run() {
    answer_.authoritative = true;
    follow();
    // Sections are filled in their order.
    for (const Answer::Synthesis& synthesis : answer_.syntheses()) denial_.no_closer_name(synthesis);
    if (denial_.failed()) return fail();
    if (glue_) Additional(in_, answer_).add_glue(glue_->servers, glue_->entry, glue_->cut);
    if (last_answer_ != none) {
      Additional(in_, answer_).add_targets(answer_[last_answer_].rrset, last_answer_, name_);
    }
  }

 private:
  void follow() {
    for (links_ = 0; links_ <= limits::chain_links; ++links_) {
      key_.assign(name_);
      const LookupResult found =
          backend::look_up(in_.reader, in_.generation, apex_labels_, key_, in_.question.type);
      if (!step(found)) return;
      // Across a zone's edge the client asks on by itself; so do Knot and BIND.
      if (!name_.is_at_or_below(in_.apex)) return;
    }
    // A chain over the bound: what was found is the answer.
  }

  // True where the chain goes on with name_.
  bool step(const LookupResult& found) {
    switch (found.outcome) {
      case Outcome::answer:
        return finish_with(found);
      case Outcome::any:
        return finish_with_any(found);
      case Outcome::cname:
        return follow_cname(found);
      case Outcome::dname:
        return follow_dname(found);
      case Outcome::referral:
        return refer(found);
      case Outcome::nodata:
        return deny(dns::Rcode::noerror, found);
      case Outcome::name_error:
        return deny(dns::Rcode::nxdomain, found);
      case Outcome::broken:
        break;
    }
    fail();
    glue_.reset();
    return false;
  }

  void fail() {
    answer_.clear();
    answer_.rcode = dns::Rcode::servfail;
    // RFC 9276 3.2: to clients that want proofs, those that would take too long are refused as such.
    if (denial_.failed()) answer_.extended_error = dns::ExtendedError::unsupported_iterations;
  }

  // An entry whose owner is name_, or its suffix of `owner_size` octets.
  AnswerEntry* add(Section section, const RRsetView& rrset, std::size_t owner_size) {
    AnswerEntry* entry = answer_.add(section);
    if (entry == nullptr) return nullptr;
    entry->rrset = rrset;
    entry->context = name_;
    entry->with_signatures = in_.dnssec_ok && rrset.signature_count() != 0;
    entry->owner_size = static_cast<std::uint8_t>(owner_size);
    if (links_ != 0 && owner_size > in_.apex.size()) {
      // The name is not the question's: where a CNAME led here it stands in that CNAME's RDATA.
      entry->owner_kind = owner_size == name_.size() && cname_entry_ != none ? AnswerEntry::Owner::rdata_name
                                                                             : AnswerEntry::Owner::literal;
      entry->entry = cname_entry_;
      entry->owner = NameView::unchecked(name_.data() + name_.size() - owner_size, owner_size);
    }
    return entry;
  }

  // RFC 4035 3.1.3.3: that nothing is closer to the name than the wildcard is to be proven as well.
  void note_wildcard(const LookupResult& found, const RRsetView& rrset) {
    if (!found.wildcard || !in_.dnssec_ok || rrset.signature_count() == 0) return;
    answer_.note_synthesis({name_, found.owner_labels, found.before});
  }

  bool has_entry(const RRsetView& rrset) const {
    for (std::size_t i = 0; i < answer_.size(); ++i) {
      if (answer_[i].part == AnswerEntry::Part::rrset && answer_[i].rrset.rrs().data() == rrset.rrs().data())
        return true;
    }
    return false;
  }

  bool finish_with(const LookupResult& found) {
    const RRsetView rrset = *found.node.find(in_.question.type);
    // A DNAME that was asked for may have been on the way already.
    if (!found.wildcard && has_entry(rrset)) return false;
    last_answer_ = static_cast<std::uint16_t>(answer_.size());
    add(Section::answer, rrset, name_.size());
    note_wildcard(found, rrset);
    return false;
  }

  // RFC 8482 4.1: one RRset is enough; for RRSIG, the signatures of one.
  bool finish_with_any(const LookupResult& found) {
    const bool signatures = in_.question.type == RRType::RRSIG;
    for (unsigned i = 0; i < found.node.rrset_count(); ++i) {
      const RRsetView rrset = found.node.rrset(i);
      if (signatures ? rrset.signature_count() == 0 : rrset.size() == 0) continue;
      if (!signatures && !found.wildcard && has_entry(rrset)) return false;
      if (AnswerEntry* entry = add(Section::answer, rrset, name_.size()); entry != nullptr && signatures) {
        entry->part = AnswerEntry::Part::signatures;
      }
      note_wildcard(found, rrset);
      return false;
    }
    return deny(dns::Rcode::noerror, found);
  }

  bool follow_cname(const LookupResult& found) {
    const RRsetView rrset = *found.node.find(RRType::CNAME);
    add(Section::answer, rrset, name_.size());
    cname_entry_ = static_cast<std::uint16_t>(answer_.size() - 1);
    note_wildcard(found, rrset);
    std::array<std::uint8_t, 2 * limits::name_octets> target;
    const std::size_t size = backend::expand_rr(rrset, 0, name_, target.data());
    return go_to(Name(NameView::unchecked(target.data(), size)));
  }

  bool follow_dname(const LookupResult& found) {
    const auto rrset = found.node.find(RRType::DNAME);
    const NameView owner = name_.suffix(found.owner_labels);
    if (!rrset || rrset->size() == 0) return step({});
    // A chain may come by the same DNAME again; it is told once.
    if (!has_entry(*rrset)) add(Section::answer, *rrset, owner.size());
    const auto target = Name::substitute(
        name_, owner, NameView::unchecked(rrset->first_rdata().data(), rrset->first_rdata().size()));
    if (!target) {
      // RFC 6672 2.2: the substituted name is too long.
      answer_.rcode = dns::Rcode::yxdomain;
      return false;
    }
    AnswerEntry* cname = add(Section::answer, *rrset, name_.size());
    if (cname == nullptr) return false;
    cname->part = AnswerEntry::Part::synthesised_cname;
    cname->with_signatures = false;  // RFC 6672 5.3.1: it has none
    const bool goes_on = go_to(*target);
    cname->target = name_;
    cname_entry_ = none;
    // Who asked for the CNAME has it: NSD, Knot and BIND stop here as well, though RFC 6672 3.2 would go on.
    return goes_on && in_.question.type != RRType::CNAME;
  }

  // False where the chain has been at that name before: a loop, of which each record is told once (as NSD and
  // Knot do).
  bool go_to(const Name& target) {
    bool seen = in_.question.name == target;
    for (const Name& before : answer_.names()) seen = seen || before == target;
    Name& kept = answer_.new_name();
    kept = target;
    name_ = kept;
    return !seen;
  }

  // RFC 1034 4.3.2 3b. The referral is authoritative only for the links that led to it.
  bool refer(const LookupResult& found) {
    const auto servers = found.node.find(RRType::NS);
    if (!servers || servers->size() == 0) return step({});
    const NameView cut = name_.suffix(found.owner_labels);
    if (links_ == 0) answer_.authoritative = false;
    add(Section::authority, *servers, cut.size());
    glue_ = {*servers, answer_.size() - 1, cut};
    // RFC 4035 3.1.4: a DS there is, or its denial, goes with the referral.
    if (in_.dnssec_ok) {
      if (const auto ds = found.node.find(RRType::DS); ds && ds->size() != 0) {
        add(Section::authority, *ds, cut.size());
      } else {
        denial_.no_ds({name_, key_, found});
      }
    }
    return false;
  }

  // RFC 2308 2 and 3: the SOA, with the lesser of its TTL and its MINIMUM. RFC 6604 3: after a chain the
  // rcode is the last name's.
  bool deny(dns::Rcode rcode, const LookupResult& found) {
    answer_.rcode = rcode;
    backend::FoundNode apex;  // its key begins that of name_, which run() left in key_
    if (!in_.reader.find_exact(in_.generation, key_, key_.prefix_size(apex_labels_), apex)) return step({});
    const auto soa = apex.node.find(RRType::SOA);
    if (!soa || soa->size() == 0) return step({});
    AnswerEntry* entry = add(Section::authority, *soa, in_.apex.size());
    if (entry != nullptr) entry->ttl_cap = dns::Soa::of(soa->first_rdata()).minimum;
    if (!in_.dnssec_ok || soa->signature_count() == 0) return false;
    const Denial::Looked looked{name_, key_, found};
    rcode == dns::Rcode::nxdomain ? denial_.no_name(looked) : denial_.no_type(looked);
    return false;
  }

  static constexpr std::uint16_t none = 0xffff;

  const AnswererInput& in_;
  Answer& answer_;
  const unsigned apex_labels_;
  Denial denial_;
  NameView name_;
  dns::NameKey key_;
  unsigned links_ = 0;
  std::uint16_t cname_entry_ = none;  // the entry whose RDATA is name_
  std::uint16_t last_answer_ = none;  // the entry that answers the question, at the end of the chain
  struct Glue {
    RRsetView servers;
    std::size_t entry;
    NameView cut;
  };
  std::optional<Glue> glue_;
};

}  // namespace

void decide_answer(const AnswererInput& input, Answer& answer) { Answerer(input, answer).run(); }

}  // namespace understudy::server
