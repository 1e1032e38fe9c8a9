#include "sync/zonemd.h"

#include <openssl/evp.h>

#include <algorithm>

#include "backend/key_order.h"
#include "dns/name_key.h"
#include "dns/rdata.h"

namespace understudy::sync {
namespace {

using backend::NodeWalk;
using backend::WalkedNode;
using backend::WalkedRecord;
using dns::RRType;
using Bytes = std::vector<std::uint8_t>;

// RFC 8976 2.2.2 to 2.2.4.
constexpr std::uint8_t scheme_simple = 1, hash_sha384 = 1, hash_sha512 = 2;
constexpr std::size_t head_octets = 6;  // serial, scheme, hash algorithm

// One ZONEMD that can be computed, and its digest on the way.
class Hash {
 public:
  Hash(std::uint8_t algorithm, Bytes expected) : expected_(std::move(expected)), context_(EVP_MD_CTX_new()) {
    EVP_DigestInit_ex2(context_, algorithm == hash_sha384 ? EVP_sha384() : EVP_sha512(), nullptr);
  }
  Hash(Hash&& other) noexcept
      : expected_(std::move(other.expected_)), context_(std::exchange(other.context_, nullptr)) {}
  Hash& operator=(Hash&&) = delete;
  ~Hash() { EVP_MD_CTX_free(context_); }
  void add(dns::Octets octets) { EVP_DigestUpdate(context_, octets.data(), octets.size()); }
  bool is_right() {
    Bytes digest(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    EVP_DigestFinal_ex(context_, digest.data(), &size);
    digest.resize(size);
    return digest == expected_;
  }

 private:
  Bytes expected_;
  EVP_MD_CTX* context_;
};

// A walk and the node that it stands at.
struct Place {
  std::unique_ptr<NodeWalk> walk;
  WalkedNode node;
  bool more = false;
  Result<> step() {
    const Result<bool> next = walk->next(node);
    if (!next) return next.error();
    more = *next;
    return {};
  }
};

RRType covered(const WalkedRecord& record) { return RRType{dns::load16(record.rdata.data())}; }

class Digester {
 public:
  Digester(dns::NameView apex, std::vector<Hash>& hashes) : apex_(apex), hashes_(hashes) {}

  // "RRsets having the same owner name MUST be numerically ordered, in ascending order, by their numeric RR
  // TYPE" (RFC 8976 3.3.1), all RRSIGs of an owner being one RRset here.
  void add(WalkedNode& node) {
    const bool at_apex = node.owner.equals(apex_);
    std::stable_sort(node.records.begin(), node.records.end(),
                     [&](const WalkedRecord& a, const WalkedRecord& b) {
                       if (a.type != b.type) return a.type < b.type;
                       return a.type == RRType::RRSIG &&
                              dns::canonical_rdata_order(a.type, a.rdata, b.rdata, scratch_) < 0;
                     });
    for (const WalkedRecord& record : node.records) {
      // RFC 8976 3.3.1.1: neither the apex ZONEMD RRs, nor the RRSIG that covers them.
      if (at_apex && record.type == RRType::ZONEMD) continue;
      if (at_apex && record.type == RRType::RRSIG && covered(record) == RRType::ZONEMD) continue;
      add(node.owner, record);
    }
  }

 private:
  void add(dns::NameView owner, const WalkedRecord& record) {
    wire_.resize(owner.size() + 10 + record.rdata.size());
    std::uint8_t* out = wire_.data();
    for (std::size_t i = 0; i < owner.size(); ++i) *out++ = dns::lower(owner.data()[i]);
    dns::store16(out, static_cast<std::uint16_t>(record.type));
    dns::store16(out + 2, 1);  // class IN
    dns::store32(out + 4, record.ttl);
    dns::store16(out + 8, static_cast<std::uint16_t>(record.rdata.size()));
    out += 10;
    if (!record.rdata.empty()) std::memcpy(out, record.rdata.data(), record.rdata.size());
    dns::make_canonical(record.type, {out, record.rdata.size()});
    for (Hash& hash : hashes_) hash.add(wire_);
  }

  const dns::NameView apex_;
  std::vector<Hash>& hashes_;
  Bytes wire_, scratch_;
};

// Those at the apex that can be computed; `serial` is the SOA's.
std::vector<Hash> hashes_of(const WalkedNode& apex, ZonemdResult& result) {
  std::uint32_t serial = 0;
  std::vector<std::pair<std::uint8_t, std::uint8_t>> kinds;
  for (const WalkedRecord& record : apex.records) {
    if (record.type == RRType::SOA) serial = dns::Soa::of(record.rdata).serial;
    if (record.type == RRType::ZONEMD && record.rdata.size() > head_octets)
      kinds.emplace_back(record.rdata[4], record.rdata[5]);
  }
  std::vector<Hash> hashes;
  for (const WalkedRecord& record : apex.records) {
    if (record.type != RRType::ZONEMD || record.rdata.size() <= head_octets) continue;
    result.outcome = result.outcome == Zonemd::absent ? Zonemd::unsupported : result.outcome;
    const std::uint8_t scheme = record.rdata[4], algorithm = record.rdata[5];
    const Bytes digest(record.rdata.begin() + head_octets, record.rdata.end());
    // RFC 8976 4: of one scheme and algorithm there must be one only.
    const bool once = std::count(kinds.begin(), kinds.end(), std::pair(scheme, algorithm)) == 1;
    const bool known = scheme == scheme_simple && ((algorithm == hash_sha384 && digest.size() == 48) ||
                                                   (algorithm == hash_sha512 && digest.size() == 64));
    if (!once || !known) continue;
    result.outcome = Zonemd::wrong;
    if (dns::load32(record.rdata.data()) != serial) {
      result.message = "its ZONEMD is of serial " + std::to_string(dns::load32(record.rdata.data())) +
                       ", and its SOA of " + std::to_string(serial);
      continue;
    }
    hashes.emplace_back(algorithm, digest);
  }
  return hashes;
}

// Everything behind the apex in canonical order, which NSEC3s stand apart from: `names` passes them by,
// `denials` stands at the first of them.
Result<> add_rest(Place& names, Place& denials, Digester& digester) {
  for (;;) {
    while (names.more && dns::is_nsec3_key(names.node.key)) {
      if (auto stepped = names.step(); !stepped) return stepped;
    }
    if (denials.more && !dns::is_nsec3_key(denials.node.key)) denials.more = false;
    if (!names.more && !denials.more) return {};
    bool denial = denials.more;
    if (names.more && denials.more) {
      // The stored key tells the order among NSEC3s only.
      const dns::NameKey key(denials.node.owner);
      denial = backend::order(key.octets(), names.node.key) < 0;
    }
    Place& next = denial ? denials : names;
    digester.add(next.node);
    if (auto stepped = next.step(); !stepped) return stepped;
  }
}

}  // namespace

Result<ZonemdResult> verify_zonemd(dns::NameView apex, const OpenWalk& open) {
  ZonemdResult result;
  Place names, denials;
  for (Place* place : {&names, &denials}) {
    auto walk = open();
    if (!walk) return walk.error();
    place->walk = std::move(*walk);
    if (auto stepped = place->step(); !stepped) return stepped.error();
  }
  if (!names.more || !names.node.owner.equals(apex)) return result;
  std::vector<Hash> hashes = hashes_of(names.node, result);
  if (result.outcome == Zonemd::unsupported)
    result.message = "its ZONEMD has a scheme or a hash algorithm that is not known here";
  if (hashes.empty()) return result;
  Digester digester(apex, hashes);
  digester.add(names.node);
  for (Place* place : {&names, &denials}) {
    if (auto stepped = place->step(); !stepped) return stepped.error();
  }
  if (auto added = add_rest(names, denials, digester); !added) return added.error();
  const bool right = std::any_of(hashes.begin(), hashes.end(), [](Hash& hash) { return hash.is_right(); });
  if (right) return ZonemdResult{Zonemd::verified, {}};
  result.message = "its content does not have the digest that its ZONEMD says";
  return result;
}

}  // namespace understudy::sync
