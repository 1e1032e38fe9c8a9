#include "sync/dnssec_check.h"

#include <ldns/ldns.h>

#include <algorithm>

#include "dns/name_key.h"

namespace understudy::sync {
namespace {

using backend::WalkedNode;
using backend::WalkedRecord;
using dns::RRType;
using Bytes = std::vector<std::uint8_t>;

struct FreeList {
  void operator()(ldns_rr_list* list) const { ldns_rr_list_deep_free(list); }
};
using RecordList = std::unique_ptr<ldns_rr_list, FreeList>;

RecordList new_list() { return RecordList(ldns_rr_list_new()); }

// Our RDATA was checked, so that ldns's reader, which trusts lengths, is given no other.
bool append(ldns_rr_list& list, dns::NameView owner, const WalkedRecord& record, Bytes& scratch) {
  scratch.assign(owner.octets().begin(), owner.octets().end());
  const std::size_t at = scratch.size();
  scratch.resize(at + 10);
  dns::store16(&scratch[at], static_cast<std::uint16_t>(record.type));
  dns::store16(&scratch[at + 2], 1);
  dns::store32(&scratch[at + 4], record.ttl);
  dns::store16(&scratch[at + 8], static_cast<std::uint16_t>(record.rdata.size()));
  scratch.insert(scratch.end(), record.rdata.begin(), record.rdata.end());
  ldns_rr* rr = nullptr;
  std::size_t position = 0;
  if (ldns_wire2rr(&rr, scratch.data(), scratch.size(), &position, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
    return false;
  ldns_rr_list_push_rr(&list, rr);
  return true;
}

RRType covered(const WalkedRecord& record) { return RRType{dns::load16(record.rdata.data())}; }

class Checker {
 public:
  Checker(dns::NameView apex, UnixTime now) : apex_(apex), now_(now) {}

  void node(const WalkedNode& node) {
    const bool at_apex = node.owner.equals(apex_);
    if (at_apex) take_keys(node);
    if (!result_.is_signed || is_occluded(node)) return;
    const bool is_denial = dns::is_nsec3_key(node.key);
    const bool cut = !at_apex && !is_denial && has(node, RRType::NS);
    if (cut || (!is_denial && has(node, RRType::DNAME))) {
      cover_.assign(node.key.begin(), node.key.end());
      is_covered_ = true;
    }
    for (const WalkedRecord *record = node.records.data(), *end = record + node.records.size();
         record != end;) {
      const RRType type = record->type;
      const WalkedRecord* const first = record;
      while (record != end && record->type == type) ++record;
      if (type == RRType::RRSIG) continue;
      // RFC 4035 2.2: of the data at a cut only DS and NSEC are authoritative.
      if (cut && type != RRType::DS && type != RRType::NSEC) continue;
      rrset(node, type, {first, record});
    }
  }
  SignatureCheck take() { return std::move(result_); }

 private:
  static bool has(const WalkedNode& node, RRType type) {
    return std::any_of(node.records.begin(), node.records.end(),
                       [&](const WalkedRecord& r) { return r.type == type; });
  }
  bool is_occluded(const WalkedNode& node) {
    const bool below = is_covered_ && node.key.size() > cover_.size() &&
                       std::equal(cover_.begin(), cover_.end(), node.key.begin());
    if (!below) is_covered_ = false;
    // The DNAME of the apex covers no NSEC3: those are no names of the zone.
    return below && !dns::is_nsec3_key(node.key);
  }

  void fail(dns::NameView owner, RRType type, const std::string& why) {
    if (result_.failures++ == 0)
      result_.first_failure = dns::to_string(owner) + " " + dns::to_string(type) + ": " + why;
  }

  void take_keys(const WalkedNode& apex) {
    keys_ = new_list();
    for (const WalkedRecord& record : apex.records) {
      if (record.type == RRType::DNSKEY) append(*keys_, apex.owner, record, scratch_);
    }
    result_.is_signed = ldns_rr_list_rr_count(keys_.get()) > 0;
  }

  void rrset(const WalkedNode& node, RRType type, std::span<const WalkedRecord> records) {
    const RecordList set = new_list(), signatures = new_list();
    bool readable = true;
    for (const WalkedRecord& record : records) readable &= append(*set, node.owner, record, scratch_);
    for (const WalkedRecord& record : node.records) {
      if (record.type != RRType::RRSIG || covered(record) != type) continue;
      readable &= append(*signatures, node.owner, record, scratch_);
    }
    if (!readable) return fail(node.owner, type, "ldns cannot read it");
    if (ldns_rr_list_rr_count(signatures.get()) == 0) return fail(node.owner, type, "it has no signature");
    const ldns_status status =
        ldns_verify_time(set.get(), signatures.get(), keys_.get(), static_cast<time_t>(now_), nullptr);
    if (status != LDNS_STATUS_OK) fail(node.owner, type, ldns_get_errorstr_by_id(status));
  }

  const dns::NameView apex_;
  const UnixTime now_;
  SignatureCheck result_;
  RecordList keys_;
  Bytes cover_, scratch_;  // the key of the topmost cut or DNAME that may cover what follows
  bool is_covered_ = false;
};

}  // namespace

Result<SignatureCheck> check_signatures(dns::NameView apex, backend::NodeWalk& walk, UnixTime now) {
  Checker checker(apex, now);
  WalkedNode node;
  for (;;) {
    const Result<bool> more = walk.next(node);
    if (!more) return more.error();
    if (!*more) return checker.take();
    checker.node(node);
  }
}

}  // namespace understudy::sync
