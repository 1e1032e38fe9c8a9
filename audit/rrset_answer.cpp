#include "audit/rrset_answer.h"

#include <array>

#include "dns/message.h"
#include "dns/rdata.h"

namespace understudy::audit {

using dns::RRType;

namespace {

enum Section : std::size_t { answer, authority, additional };

class Reading {
 public:
  Reading(dns::NameView apex, dns::NameView owner, RRType type, dns::Octets response)
      : apex_(apex),
        owner_(owner),
        type_(type),
        reader_(response),
        header_(dns::load_header(response.data())) {}

  RRsetAnswer result() {
    if (!read()) return unknown("the answer is malformed");
    if ((header_.flags & dns::flag::tc) != 0) return unknown("the answer is truncated");
    const dns::Rcode rcode = header_.rcode();
    if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain) return unknown(dns::to_string(rcode));
    if (dname_) return unknown("below the DNAME of " + dns::to_string(*dname_));
    const bool authoritative = (header_.flags & dns::flag::aa) != 0;
    if (header_.answers > 0 || (authoritative && !cut_)) {
      if (!authoritative) return unknown("the answer is not authoritative");
      return {has_type(answer) ? std::move(found_[answer]) : std::vector<dns::Record>(), {}};
    }
    if (!cut_) return unknown("the answer is not authoritative");
    // A referral (RFC 1034 4.3.2 step 3b): what the zone holds at and below its cut stands in these sections.
    for (const Section section : {authority, additional}) {
      if (has_type(section)) return {std::move(found_[section]), {}};
    }
    return unknown("the server refers to the name servers of " + dns::to_string(*cut_));
  }

 private:
  static RRsetAnswer unknown(std::string why) { return {{}, std::move(why)}; }

  bool read() {
    reader_.skip(dns::header_octets);
    for (unsigned i = 0; i < header_.questions; ++i) {
      reader_.skip_name();
      reader_.skip(4);
    }
    const std::array<unsigned, 3> counts{header_.answers, header_.authorities, header_.additionals};
    for (const Section section : {answer, authority, additional}) {
      for (unsigned i = 0; i < counts[section]; ++i) {
        if (!read_record(section)) return false;
      }
    }
    return reader_.ok();
  }

  bool read_record(Section section) {
    dns::RecordHead head;
    if (!dns::read_record_head(reader_, head)) return false;
    if (head.type == RRType::OPT || head.rclass != dns::RRClass::IN) {
      reader_.skip(head.rdlength);
      return reader_.ok();
    }
    dns::Record record{head.owner, head.type, head.ttl, {}};
    if (dns::expand_rdata(reader_, head.type, head.rdlength, record.rdata) != nullptr) return false;
    const dns::NameView owner = head.owner;
    if (section == answer && head.type == RRType::DNAME && owner_.is_at_or_below(owner) &&
        !owner_.equals(owner)) {
      dname_ = head.owner;
    }
    if (section == authority && head.type == RRType::NS && owner_.is_at_or_below(owner) &&
        owner.is_at_or_below(apex_) && !owner.equals(apex_)) {
      cut_ = head.owner;
    }
    const bool covers = head.type == RRType::RRSIG && RRType{dns::load16(record.rdata.data())} == type_;
    if (owner.equals(owner_) && (head.type == type_ || covers)) found_[section].push_back(std::move(record));
    return true;
  }

  bool has_type(Section section) const {
    for (const dns::Record& record : found_[section]) {
      if (record.type == type_) return true;
    }
    return false;
  }

  const dns::NameView apex_, owner_;
  const RRType type_;
  dns::WireReader reader_;
  const dns::Header header_;
  std::array<std::vector<dns::Record>, 3> found_;  // by section
  std::optional<dns::Name> cut_, dname_;
};

}  // namespace

RRsetAnswer read_rrset_answer(dns::NameView apex, dns::NameView owner, RRType type, dns::Octets response) {
  if (response.size() < dns::header_octets) return {{}, "the answer is malformed"};
  return Reading(apex, owner, type, response).result();
}

}  // namespace understudy::audit
