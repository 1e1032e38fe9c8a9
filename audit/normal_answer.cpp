#include "audit/normal_answer.h"

#include <algorithm>

#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/record.h"

namespace understudy::audit {

using dns::Name;
using dns::NameView;
using dns::Octets;
using dns::Rcode;
using dns::RRType;

namespace {

enum class Section : std::uint8_t { answer, authority, additional };

struct ParsedRecord {
  Section section{};
  Name owner;  // lower-case
  RRType type{};
  std::uint32_t ttl = 0;
  Rdata rdata;  // expanded, names lower-case
};

struct ParsedMessage {
  dns::Header header;
  Rcode rcode{};
  std::vector<ParsedRecord> records;  // class IN only, without OPT
  std::string nsid;
  std::optional<std::uint32_t> zone_serial;
};

// RFC 2181 8: a TTL with the highest bit set is zero.
std::uint32_t sane_ttl(std::uint32_t ttl) { return ttl > 0x7fffffffu ? 0 : ttl; }

std::string readable(Octets octets) {
  const bool text =
      std::all_of(octets.begin(), octets.end(), [](std::uint8_t o) { return o > 0x20 && o < 0x7f; });
  if (text) return {octets.begin(), octets.end()};
  static constexpr char digits[] = "0123456789abcdef";
  std::string hexadecimal;
  for (const std::uint8_t octet : octets) {
    hexadecimal += digits[octet >> 4];
    hexadecimal += digits[octet & 15];
  }
  return hexadecimal;
}

// Options that are malformed end the reading: nothing depends on them.
void read_options(Octets options, ParsedMessage& message) {
  constexpr std::uint16_t nsid = 3, zone_version = 19;
  constexpr std::size_t longest_nsid = 128;
  while (options.size() >= 4) {
    const std::uint16_t code = dns::load16(options.data());
    const std::size_t size = dns::load16(options.data() + 2);
    if (options.size() < 4 + size) return;
    const Octets value = options.subspan(4, size);
    options = options.subspan(4 + size);
    if (code == nsid && size <= longest_nsid) message.nsid = readable(value);
    // RFC 9660 2.1: labels of the zone, type 0 (an SOA's serial), the serial.
    if (code == zone_version && size == 6 && value[1] == 0)
      message.zone_serial = dns::load32(value.data() + 2);
  }
}

// Reads `count` records of one section; nullptr, or what is wrong.
const char* read_section(dns::WireReader& reader, Section section, unsigned count, ParsedMessage& message) {
  for (unsigned i = 0; i < count; ++i) {
    dns::RecordHead head;
    if (!dns::read_record_head(reader, head) || head.rdlength > reader.remaining()) {
      return "the message ends too early";
    }
    if (head.type == RRType::OPT) {
      // The upper eight bits of the RCODE stand in the OPT record's TTL (RFC 6891 6.1.3).
      const auto upper = static_cast<std::uint16_t>(head.ttl >> 24);
      message.rcode = Rcode{static_cast<std::uint16_t>((upper << 4) | (message.header.flags & 15))};
      read_options(reader.octets(head.rdlength), message);
      continue;
    }
    if (head.rclass != dns::RRClass::IN) {
      reader.skip(head.rdlength);
      continue;
    }
    ParsedRecord record{section, head.owner.lowered(), head.type, sane_ttl(head.ttl), {}};
    if (dns::expand_rdata(reader, head.type, head.rdlength, record.rdata) != nullptr)
      return "malformed RDATA";
    dns::lower_names(head.type, record.rdata);
    message.records.push_back(std::move(record));
  }
  return nullptr;
}

// nullptr, or what is wrong.
const char* read_message(Octets octets, ParsedMessage& message) {
  if (octets.size() < dns::header_octets) return "shorter than a header";
  message.header = dns::load_header(octets.data());
  message.rcode = message.header.rcode();
  if (!message.header.is_response()) return "not a response";
  dns::WireReader reader(octets, dns::header_octets);
  for (unsigned i = 0; i < message.header.questions; ++i) {
    reader.skip_name();
    reader.skip(4);
    if (!reader.ok()) return "the message ends too early";
  }
  const std::pair<Section, unsigned> sections[] = {{Section::answer, message.header.answers},
                                                   {Section::authority, message.header.authorities},
                                                   {Section::additional, message.header.additionals}};
  for (const auto& [section, count] : sections) {
    if (const char* fault = read_section(reader, section, count, message)) return fault;
  }
  return reader.remaining() == 0 ? nullptr : "octets after the message";
}

void sort_each_once(std::vector<Rdata>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// The RRSIG fields that do not change with every signing: type covered, algorithm, labels, key tag, signer.
Rdata signature_identity(const Rdata& rrsig) {
  Rdata identity(rrsig.begin(), rrsig.begin() + 4);
  identity.insert(identity.end(), rrsig.begin() + 16, rrsig.begin() + 18);
  const auto signer = NameView::parse(Octets(rrsig).subspan(18));
  if (signer) identity.insert(identity.end(), signer->data(), signer->data() + signer->size());
  return identity;
}

RRset collect(const ParsedMessage& message, Section section, NameView owner, RRType type) {
  RRset set;
  set.owner = Name(owner).lowered();
  set.type = type;
  set.ttl = UINT32_MAX;
  for (const ParsedRecord& record : message.records) {
    if (record.section != section || !record.owner.view().equals(owner)) continue;
    if (record.type == type) {
      set.ttl = std::min(set.ttl, record.ttl);
      set.rdata.push_back(record.rdata);
    } else if (record.type == RRType::RRSIG &&
               dns::load16(record.rdata.data()) == static_cast<std::uint16_t>(type)) {
      set.signatures.push_back(signature_identity(record.rdata));
    }
  }
  if (set.rdata.empty()) set.ttl = 0;
  sort_each_once(set.rdata);
  sort_each_once(set.signatures);
  return set;
}

// RFC 9824 3.4: the type bitmap of the NSEC record holds the pseudo-type NXNAME, number 128.
bool has_nxname(const Rdata& nsec) {
  const auto next = NameView::parse(nsec);
  if (!next) return false;
  for (std::size_t at = next->size(); at + 2 <= nsec.size(); at += 2 + nsec[at + 1]) {
    if (nsec[at] == 0) return nsec[at + 1] > 16 && at + 18 < nsec.size() && (nsec[at + 18] & 0x80) != 0;
  }
  return false;
}

class Normaliser {
 public:
  Normaliser(NameView apex, const Question& question, const ParsedMessage& message)
      : apex_(apex), question_(question), message_(message) {}

  NormalAnswer run() {
    out_.rcode = message_.rcode;
    out_.authoritative = (message_.header.flags & dns::flag::aa) != 0;
    out_.end_name = question_.name.lowered();
    follow_chain();
    read_denial();
    out_.end = what_ends_the_chain();
    return std::move(out_);
  }

 private:
  void read_denial() {
    bool all_signed = true;
    for (const ParsedRecord& record : message_.records) {
      const bool proof = record.type == RRType::NSEC || record.type == RRType::NSEC3;
      if (record.section != Section::authority || (!proof && record.type != RRType::SOA)) continue;
      out_.denial_proof = out_.denial_proof || proof;
      all_signed = all_signed && is_signed_in_authority(record);
    }
    out_.denial_signed = out_.denial_proof && all_signed;
  }

  bool is_signed_in_authority(const ParsedRecord& record) const {
    return std::any_of(message_.records.begin(), message_.records.end(), [&record](const ParsedRecord& r) {
      return r.section == Section::authority && r.type == RRType::RRSIG && r.owner == record.owner &&
             dns::load16(r.rdata.data()) == static_cast<std::uint16_t>(record.type);
    });
  }

  bool in_zone(NameView name) const { return name.is_at_or_below(apex_); }

  // The answer section as a resolver reads it: from the question's name along DNAMEs and CNAMEs. Records
  // beside the chain teach nobody anything and are left out.
  void follow_chain() {
    for (std::size_t links = 0; links <= limits::chain_links && in_zone(out_.end_name); ++links) {
      if (follow_dname()) continue;
      if (question_.type == RRType::CNAME) break;
      RRset cname = collect(message_, Section::answer, out_.end_name, RRType::CNAME);
      if (cname.empty()) break;
      out_.links.push_back(std::move(cname));
      const auto target = NameView::parse(out_.links.back().rdata.front());
      if (!target) break;
      out_.end_name = Name(*target);
    }
    out_.data = collect(message_, Section::answer, out_.end_name, question_.type);
  }

  // The CNAME that comes with a DNAME is made up by the server (RFC 6672 3.1), some with its TTL, some with
  // 0, and adds nothing: the DNAME alone is the link.
  bool follow_dname() {
    for (const ParsedRecord& record : message_.records) {
      if (record.section != Section::answer || record.type != RRType::DNAME) continue;
      const NameView name = out_.end_name;
      if (name.size() == record.owner.size() || !name.is_at_or_below(record.owner)) continue;
      const auto target = NameView::parse(record.rdata);
      const auto next = target ? Name::substitute(name, record.owner, *target) : std::nullopt;
      if (!next && target) {  // too long, which is told by YXDOMAIN (RFC 6672 2.2)
        out_.links.push_back(collect(message_, Section::answer, record.owner, RRType::DNAME));
        overflowed_ = true;
      }
      if (!next) return false;
      out_.links.push_back(collect(message_, Section::answer, record.owner, RRType::DNAME));
      out_.end_name = next->lowered();
      return true;
    }
    return false;
  }

  NormalAnswer::End what_ends_the_chain() {
    using End = NormalAnswer::End;
    if (!out_.data.empty()) {
      if (out_.rcode == Rcode::noerror) return End::data;
      return unknown("NXDOMAIN with data");
    }
    if (overflowed_ || !in_zone(out_.end_name)) return End::unfinished;
    if (out_.rcode == Rcode::yxdomain) return unknown("YXDOMAIN without a DNAME");
    if (read_negative()) return out_.rcode == Rcode::nxdomain || nxname_ ? End::name_error : End::nodata;
    if (out_.rcode == Rcode::nxdomain) return End::name_error;
    if (read_referral()) return End::referral;
    if (!out_.links.empty()) return End::unfinished;
    if (out_.authoritative) return End::nodata;
    return unknown("no data and no authority: the address does not serve the zone");
  }

  NormalAnswer::End unknown(const char* why) {
    out_.why = why;
    return NormalAnswer::End::unknown;
  }

  bool read_negative() {
    for (const ParsedRecord& record : message_.records) {
      if (record.section != Section::authority) continue;
      if (record.type == RRType::NSEC && record.owner == out_.end_name && has_nxname(record.rdata))
        nxname_ = true;
      if (record.type == RRType::SOA && out_.end_name.view().is_at_or_below(record.owner)) {
        // RFC 2308 5: the lower of the SOA's TTL and its MINIMUM.
        out_.negative = {record.owner, std::min(record.ttl, dns::Soa::of(record.rdata).minimum)};
      }
    }
    return out_.negative.has_value();
  }

  // NS records in the authority section are a referral only below the apex: at the apex they are a courtesy,
  // and above it they say that the address does not serve the zone.
  bool read_referral() {
    for (const ParsedRecord& record : message_.records) {
      if (record.section != Section::authority || record.type != RRType::NS) continue;
      const NameView cut = record.owner;
      if (cut.equals(apex_) || !in_zone(cut) || !out_.end_name.view().is_at_or_below(cut)) continue;
      out_.name_servers = collect(message_, Section::authority, cut, RRType::NS);
      // Unsigned, a DS set in a referral says nothing, and some servers leave it out; it is asked on its own
      // as well.
      RRset signers = collect(message_, Section::authority, cut, RRType::DS);
      if (!signers.signatures.empty()) out_.delegation_signers = std::move(signers);
      read_glue(cut);
      return true;
    }
    return false;
  }

  // Only addresses of name servers at or below the cut must come along (RFC 9471 2.1); others are a courtesy.
  void read_glue(NameView cut) {
    for (const Rdata& rdata : out_.name_servers.rdata) {
      const auto server = NameView::parse(rdata);
      if (!server || !server->is_at_or_below(cut)) continue;
      for (const RRType type : {RRType::A, RRType::AAAA}) {
        RRset addresses = collect(message_, Section::additional, *server, type);
        if (!addresses.empty()) out_.glue.push_back(std::move(addresses));
      }
    }
  }

  NameView apex_;
  const Question& question_;
  const ParsedMessage& message_;
  NormalAnswer out_;
  bool nxname_ = false, overflowed_ = false;
};

}  // namespace

NormalAnswer no_answer(std::string why) {
  NormalAnswer answer;
  answer.why = std::move(why);
  return answer;
}

NormalAnswer normalise(NameView apex, const Question& question, Octets response) {
  ParsedMessage message;
  if (const char* fault = read_message(response, message)) return no_answer(fault);
  std::string refusal;
  const bool answers =
      message.rcode == Rcode::noerror || message.rcode == Rcode::nxdomain || message.rcode == Rcode::yxdomain;
  if (!answers) {
    refusal = dns::to_string(message.rcode);
  } else if ((message.header.flags & dns::flag::tc) != 0) {
    refusal = "truncated";
  }
  NormalAnswer answer =
      refusal.empty() ? Normaliser(apex, question, message).run() : no_answer(std::move(refusal));
  answer.rcode = message.rcode;
  answer.nsid = std::move(message.nsid);
  answer.zone_serial = message.zone_serial;
  return answer;
}

namespace {

// FNV-1a, twice: without TTLs, and with them.
class Hasher {
 public:
  void add(Octets octets, bool with_ttl = false) {
    for (const std::uint8_t octet : octets) {
      if (!with_ttl) content_ = (content_ ^ octet) * prime;
      full_ = (full_ ^ octet) * prime;
    }
  }
  void add(std::uint64_t number, bool ttl = false) {
    std::array<std::uint8_t, 8> octets;
    dns::store64(octets.data(), number);
    add(octets, ttl);
  }
  void add(const RRset& set) {
    add(set.owner.view().octets());
    add(static_cast<std::uint64_t>(set.type));
    add(set.ttl, true);
    for (const Rdata& rdata : set.rdata) {
      add(rdata.size());
      // An SOA's serial may move by itself.
      const bool serial = set.type == RRType::SOA && rdata.size() > 20;
      add(serial ? Octets(rdata).first(rdata.size() - 20) : Octets(rdata));
    }
    add(set.signatures.empty() ? 0u : 1u);
  }
  Fingerprint result() const { return {content_, full_}; }

 private:
  static constexpr std::uint64_t basis = 0xcbf29ce484222325u, prime = 0x100000001b3u;
  std::uint64_t content_ = basis, full_ = basis;
};

}  // namespace

Fingerprint fingerprint(const NormalAnswer& answer) {
  Hasher hasher;
  hasher.add(static_cast<std::uint64_t>(answer.end) + (answer.authoritative ? 16u : 0u));
  for (const RRset& link : answer.links) hasher.add(link);
  hasher.add(answer.data);
  hasher.add(answer.negative ? answer.negative->ttl : 0u, true);
  hasher.add((answer.denial_proof ? 1u : 0u) + (answer.denial_signed ? 2u : 0u));
  hasher.add(answer.name_servers);
  hasher.add(answer.delegation_signers);
  for (const RRset& glue : answer.glue) hasher.add(glue);
  return hasher.result();
}

}  // namespace understudy::audit
