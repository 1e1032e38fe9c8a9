#include "property/oracle.h"

#include <algorithm>
#include <stdexcept>

namespace understudy::test {

namespace {

// The bound that the product promises (limits::chain_links), written down here again as its contract.
constexpr unsigned longest_chain = 16;

bool exists(const OracleZone& zone, const Labels& owner) {
  // RFC 4592 2.2.3: a name exists also where only names below it own records.
  return std::any_of(zone.records.begin(), zone.records.end(),
                     [&](const Rr& record) { return at_or_below(record.owner, owner); });
}

std::vector<Rr> rrset(const OracleZone& zone, const Labels& owner, std::uint16_t rr_type) {
  std::vector<Rr> out;
  for (const Rr& record : zone.records) {
    if (record.type == rr_type && same(record.owner, owner)) out.push_back(record);
  }
  return out;
}

bool has(const OracleZone& zone, const Labels& owner, std::uint16_t rr_type) {
  return !rrset(zone, owner, rr_type).empty();
}

std::uint16_t covered(const Rr& signature) {
  return static_cast<std::uint16_t>(signature.rdata.at(0) << 8 | signature.rdata.at(1));
}

std::vector<Rr> signatures(const OracleZone& zone, const Labels& owner, std::uint16_t rr_type) {
  std::vector<Rr> out;
  for (const Rr& record : rrset(zone, owner, type::RRSIG)) {
    if (covered(record) == rr_type) out.push_back(record);
  }
  return out;
}

void append(std::vector<Rr>& out, const std::vector<Rr>& more) {
  out.insert(out.end(), more.begin(), more.end());
}

// A record once, however often a chain comes by (RFC 2181 5).
void append_once(std::vector<Rr>& out, const std::vector<Rr>& more) {
  for (const Rr& record : more) {
    if (std::find(out.begin(), out.end(), record) == out.end()) out.push_back(record);
  }
}

std::vector<Rr> owned_by(std::vector<Rr> records, const Labels& owner) {
  for (Rr& record : records) record.owner = owner;
  return records;
}

// The RRset with its signatures where they were asked for, told of `owner` (a wildcard's records become the
// name's).
std::vector<Rr> signed_rrset(const OracleZone& zone, const Labels& at, std::uint16_t rr_type, bool dnssec_ok,
                             const Labels& owner) {
  std::vector<Rr> out = rrset(zone, at, rr_type);
  if (dnssec_ok) append(out, signatures(zone, at, rr_type));
  return owned_by(out, owner);
}

std::vector<Rr> negative_soa(const OracleZone& zone, bool dnssec_ok) {
  std::vector<Rr> out = signed_rrset(zone, zone.apex, type::SOA, dnssec_ok, zone.apex);
  const Bytes& soa = out.at(0).rdata;
  std::uint32_t minimum = 0;
  for (std::size_t i = soa.size() - 4; i < soa.size(); ++i) minimum = minimum << 8 | soa[i];
  // RFC 2308 3; the signature's TTL is that of what it covers (RFC 4034 3).
  for (Rr& record : out) record.ttl = std::min(record.ttl, minimum);
  return out;
}

Labels suffix(const Labels& labels, std::size_t count) {
  return Labels(labels.end() - static_cast<std::ptrdiff_t>(count), labels.end());
}

// What one pass of RFC 1034 4.3.2 step 3 comes to.
struct Step {
  enum class Kind { referral, dname, data, no_name } kind = Kind::no_name;
  Labels at;  // the cut, the DNAME's owner, or the node whose data stands for the name (possibly a wildcard)
};

Step match_down(const OracleZone& zone, const Labels& qname, std::uint16_t qtype) {
  for (std::size_t labels = zone.apex.size(); labels <= qname.size(); ++labels) {
    const Labels node = suffix(qname, labels);
    const bool is_qname = labels == qname.size();
    // 3b: a node with NS below the apex marks a cut; only DS at the cut itself is the parent's (RFC
    // 4035 3.1.4.1).
    const bool parent_side = is_qname && qtype == type::DS;
    if (labels > zone.apex.size() && has(zone, node, type::NS) && !parent_side)
      return {Step::Kind::referral, node};
    // RFC 6672 2.3: a DNAME speaks of names below its owner, not of the owner.
    if (!is_qname && has(zone, node, type::DNAME)) return {Step::Kind::dname, node};
  }
  if (exists(zone, qname)) return {Step::Kind::data, qname};
  // 3c with RFC 4592 3.3.1: the wildcard of the closest encloser, and of no other ancestor.
  Labels closest = parent(qname);
  while (!exists(zone, closest)) closest = parent(closest);
  const Labels wildcard = join("*", closest);
  if (exists(zone, wildcard)) return {Step::Kind::data, wildcard};
  return {Step::Kind::no_name, closest};
}

class Resolution {
 public:
  Resolution(const OracleZone& zone, const OracleQuestion& question) : zone_(zone), question_(question) {}

  std::vector<Expected> run() {
    Labels qname = question_.name;
    for (unsigned links = 0;; ++links) {
      // The chain is cut off after so many links; whether the last one's target is looked at is left open.
      if (links >= longest_chain) out_.push_back(so_far_);
      if (links > longest_chain) return out_;
      const auto next = pass(qname, links);
      if (!next) return out_;
      // RFC 1034 4.3.2 1 would look for the target's zone anew; we stop at the edge of ours, as Knot and BIND
      // do.
      if (!at_or_below(*next, zone_.apex)) return finish(so_far_);
      qname = *next;
    }
  }

 private:
  std::vector<Expected> finish(const Expected& last) {
    out_.push_back(last);
    return out_;
  }

  // The name to go on with, or nothing once out_ is complete.
  std::optional<Labels> pass(const Labels& qname, unsigned links) {
    const Step step = match_down(zone_, qname, question_.type);
    switch (step.kind) {
      case Step::Kind::referral:
        refer(step.at, links);
        return std::nullopt;
      case Step::Kind::dname:
        return redirect(qname, step.at);
      case Step::Kind::data:
        return take_data(qname, step.at);
      case Step::Kind::no_name:
        deny(rcode::nxdomain);
        return std::nullopt;
    }
    throw std::logic_error("no such step");
  }

  void deny(unsigned code) {
    so_far_.rcode = code;
    so_far_.authority = negative_soa(zone_, question_.dnssec_ok);
    out_.push_back(so_far_);
  }

  void refer(const Labels& cut, unsigned links) {
    so_far_.aa = links > 0;
    so_far_.authority = rrset(zone_, cut, type::NS);
    if (question_.dnssec_ok) append(so_far_.authority, signed_rrset(zone_, cut, type::DS, true, cut));
    for (const Rr& ns : rrset(zone_, cut, type::NS)) {
      const Labels target = names_in(ns).at(0);
      for (const std::uint16_t rr_type : {type::A, type::AAAA}) {
        const auto addresses = rrset(zone_, target, rr_type);
        if (at_or_below(target, cut)) append_once(so_far_.glue_required, addresses);
        append_once(so_far_.glue_allowed, addresses);
        // RFC 4035 3.1.1: what has signatures (an address that is no glue) may bring them.
        if (question_.dnssec_ok) append_once(so_far_.glue_allowed, signatures(zone_, target, rr_type));
      }
    }
    out_.push_back(so_far_);
  }

  std::optional<Labels> redirect(const Labels& qname, const Labels& owner) {
    const Rr dname = rrset(zone_, owner, type::DNAME).at(0);
    append_once(so_far_.answer, signed_rrset(zone_, owner, type::DNAME, question_.dnssec_ok, owner));
    Labels target(qname.begin(), qname.end() - static_cast<std::ptrdiff_t>(owner.size()));
    const Labels onto = names_in(dname).at(0);
    target.insert(target.end(), onto.begin(), onto.end());
    if (wire_size(target) > 255) {  // RFC 6672 3.2 3c
      so_far_.rcode = rcode::yxdomain;
      out_.push_back(so_far_);
      return std::nullopt;
    }
    Rr cname{qname, type::CNAME, dname.ttl, {}};
    append_name(cname.rdata, target);
    append_once(so_far_.answer, {cname});
    // A synthesised CNAME answers a question for CNAME or ANY; RFC 6672 3.2 has the server go on all the
    // same.
    if (question_.type == type::CNAME || question_.type == type::ANY || question_.type == type::RRSIG) {
      out_.push_back(so_far_);
    }
    return target;
  }

  std::optional<Labels> take_data(const Labels& qname, const Labels& at) {
    if (!same(qname, at) && (has(zone_, at, type::NS) || has(zone_, at, type::DNAME))) {
      so_far_.undefined = true;
      out_.push_back(so_far_);
      return std::nullopt;
    }
    if (question_.type == type::ANY || question_.type == type::RRSIG) {
      take_any(qname, at);
      return std::nullopt;
    }
    if (question_.type != type::CNAME && has(zone_, at, type::CNAME)) {
      append_once(so_far_.answer, signed_rrset(zone_, at, type::CNAME, question_.dnssec_ok, qname));
      return names_in(rrset(zone_, at, type::CNAME).at(0)).at(0);
    }
    if (!has(zone_, at, question_.type)) {
      deny(rcode::noerror);
      return std::nullopt;
    }
    append(so_far_.answer, signed_rrset(zone_, at, question_.type, question_.dnssec_ok, qname));
    out_.push_back(so_far_);
    return std::nullopt;
  }

  // RFC 8482 4.1: one RRset, whichever.
  void take_any(const Labels& qname, const Labels& at) {
    std::vector<std::uint16_t> types;
    for (const Rr& record : zone_.records) {
      if (!same(record.owner, at)) continue;
      const std::uint16_t found = record.type == type::RRSIG ? covered(record) : record.type;
      if (std::find(types.begin(), types.end(), found) == types.end()) types.push_back(found);
    }
    const std::size_t before = out_.size();
    for (const std::uint16_t found : types) {
      Expected one = so_far_;
      auto data = question_.type == type::RRSIG ? owned_by(signatures(zone_, at, found), qname)
                                                : signed_rrset(zone_, at, found, question_.dnssec_ok, qname);
      if (data.empty()) continue;
      append(one.answer, data);
      out_.push_back(one);
    }
    if (out_.size() == before) deny(rcode::noerror);
  }

  const OracleZone& zone_;
  const OracleQuestion& question_;
  Expected so_far_;
  std::vector<Expected> out_;
};

}  // namespace

OracleZone tidy(Labels apex, const std::vector<Rr>& records) {
  OracleZone out{std::move(apex), {}};
  for (const Rr& record : records) {
    Rr kept = record;
    bool seen = false;
    for (const Rr& other : records) {
      if (other.type == record.type && same(other.owner, record.owner) && record.type != type::RRSIG) {
        kept.ttl = std::min(kept.ttl, other.ttl);
      }
    }
    for (const Rr& other : out.records) {
      seen =
          seen || (other.type == kept.type && same(other.owner, kept.owner) && normal(other) == normal(kept));
    }
    if (!seen) out.records.push_back(kept);
  }
  return out;
}

std::vector<Expected> resolve(const std::vector<OracleZone>& zones, const OracleQuestion& question) {
  const OracleZone* nearest = nullptr;
  const OracleZone* above = nullptr;  // the zone that has the parent's side of nearest's cut
  for (const OracleZone& zone : zones) {
    if (!at_or_below(question.name, zone.apex)) continue;
    if (nearest == nullptr || zone.apex.size() > nearest->apex.size()) {
      above = nearest;
      nearest = &zone;
    } else if (above == nullptr || zone.apex.size() > above->apex.size()) {
      above = &zone;
    }
  }
  if (nearest == nullptr) {
    Expected refused;
    refused.rcode = rcode::refused;
    refused.aa = false;
    return {refused};
  }
  // RFC 4035 3.1.4.1: DS at an apex is the parent's to answer, where we hold it.
  if (question.type == type::DS && same(question.name, nearest->apex) && above != nullptr) nearest = above;
  return Resolution(*nearest, question).run();
}

std::string to_string(const Expected& expected) {
  if (expected.undefined) return "undefined\n";
  return "rcode " + std::to_string(expected.rcode) + (expected.aa ? " AA" : "") + "\n answer\n" +
         to_string(expected.answer) + " authority\n" + to_string(expected.authority) + " glue required\n" +
         to_string(expected.glue_required) + " glue allowed\n" + to_string(expected.glue_allowed);
}

}  // namespace understudy::test
