// Node blocks: all that the mirror keeps of one owner name, as octets that an answer is copied from.
//
// NodeView borrows a block from the map (valid as long as its snapshot); NodeBuilder makes one. The layout is
// frozen and told octet by octet in docs/formats.md.
//
// Names inside RDATA are stored compressed against the owner where the type allows it (RFC 1035 types): the
// shared suffix is replaced by two octets, and a patch says where they stand and how many octets the suffix
// has. Where the owner, or the part of it that the suffix is, ends the question's name, the pointer is 12 +
// |qname| - |suffix|: an answer then is one copy and a few stores. Everywhere else expand() gives the RDATA
// back whole.
#pragma once

#include <span>
#include <vector>

#include "dns/record.h"

namespace understudy::backend {

class ContentDigest;

using dns::Name;
using dns::NameView;
using dns::Octets;
using dns::RRType;

// Flags of a node; their numbers are on disk.
namespace node_flag {
inline constexpr std::uint8_t apex = 0x01;            // owner of the zone's SOA
inline constexpr std::uint8_t cut = 0x02;             // NS here and not at the apex
inline constexpr std::uint8_t occluded = 0x04;        // below a cut or a DNAME: not authoritative data
inline constexpr std::uint8_t wildcard_child = 0x08;  // *.<owner> exists
inline constexpr std::uint8_t dname = 0x10;           // DNAME here
inline constexpr std::uint8_t owner_case =
    0x20;  // the owner's octets follow, since it has upper case letters
}  // namespace node_flag

// One RRset inside a block.
class RRsetView {
 public:
  struct Patch {
    std::uint16_t place;       // of the pointer, from the start of rrs()
    std::uint8_t suffix_size;  // octets of the owner's suffix that the pointer stands for
  };

  RRsetView() = default;
  RRsetView(RRType type, Octets octets);  // `octets` from the directory's offset to the next one's

  RRType type() const { return type_; }
  std::uint32_t ttl() const { return ttl_; }
  unsigned size() const { return count_; }  // RRs; 0 where there are only signatures
  unsigned signature_count() const { return signature_count_; }
  std::uint32_t signature_ttl() const { return signature_ttl_; }
  // RRs one after the other, each RDLENGTH (2 octets, as sent) and stored RDATA.
  Octets rrs() const { return rrs_; }
  // RRSIGs likewise; never compressed.
  Octets signatures() const { return signatures_; }
  unsigned patch_count() const { return patch_count_; }
  Patch patch(unsigned i) const {
    const std::uint8_t* p = patches_ + 3 * i;
    return {dns::load16(p), p[2]};
  }
  // The longest suffix that a patch stands for; 0 without patches.
  unsigned longest_suffix() const;

  // The first RR's RDATA as stored (for types that are never compressed, or after a look at patch_count()).
  Octets first_rdata() const { return {rrs_.data() + 2, dns::load16(rrs_.data())}; }
  // Every RR's RDATA with names whole, for `owner` = the block's owner. Allocates: not on the query path.
  std::vector<std::vector<std::uint8_t>> expand(NameView owner) const;

 private:
  RRType type_{};
  std::uint32_t ttl_ = 0, signature_ttl_ = 0;
  std::uint16_t count_ = 0, signature_count_ = 0, patch_count_ = 0;
  const std::uint8_t* patches_ = nullptr;
  Octets rrs_, signatures_;
};

// One RR of an RRsetView at a time: rdata as stored, and the patches that lie in it.
// expand_rdata_at writes the whole RDATA of the RR at `place` in rrs() into `out` (at most 65535 octets) and
// returns its size; no heap. Used by writers that cannot use the patches as pointers.
std::size_t expand_rr(const RRsetView& rrset, std::size_t place, NameView owner, std::uint8_t* out);

class NodeView {
 public:
  NodeView() = default;
  explicit NodeView(Octets block) : block_(block) {}

  bool valid() const { return !block_.empty(); }
  std::uint8_t flags() const { return block_[0]; }
  bool has(std::uint8_t flag) const { return (block_[0] & flag) != 0; }
  // Labels of the topmost cut or DNAME owner above an occluded node.
  unsigned cover_labels() const { return block_[1]; }
  unsigned rrset_count() const { return dns::load16(block_.data() + 2); }
  bool is_empty_non_terminal() const { return rrset_count() == 0; }
  // The owner with its case, where it was kept.
  std::optional<NameView> owner_case() const;

  RRsetView rrset(unsigned i) const;
  RRType type_at(unsigned i) const { return RRType{dns::load16(directory() + 6 * i)}; }
  // The RRset of a type, present also where it has only signatures.
  std::optional<RRsetView> find(RRType type) const;
  Octets octets() const { return block_; }

 private:
  const std::uint8_t* directory() const;
  Octets block_;
};

// Makes a block from the records of one owner. Reused from node to node so that its memory is too.
class NodeBuilder {
 public:
  // Starts a node. `owner` as transferred; `apex` of the zone.
  void begin(NameView owner);
  // RDATA expanded and checked. Records of an RRset need not come together; duplicates are dropped (RFC
  // 2181 5.2). RRSIGs are filed with the RRset that they cover.
  void add(RRType type, std::uint32_t ttl, Octets rdata);
  std::size_t added() const { return entries_.size(); }
  bool has_type(RRType type) const;
  // True where a CNAME stands beside what may not stand beside it (RFC 2181 10.1, RFC 4034 2.5).
  bool has_other_than_cname() const;
  // Takes a type and its signatures out; returns how many RRs.
  std::size_t drop_type(RRType type);
  // After finish(): the RRs in the block.
  std::size_t record_count() const { return entries_.size(); }

  // The block; valid until the next begin(). RRsets stand in order of type, RRs in canonical order (RFC
  // 4034 6.3), TTLs that differ inside an RRset become the lowest (RFC 2181 5.2). Fails where an RRset does
  // not fit one TCP message
  // ("rrset-too-large") or CNAME stands beside other data ("cname-and-other-data") unless the caller took it
  // out. Adds what it stores, the SOA apart, to `digest` where one is given.
  Result<Octets> finish(std::uint8_t flags, unsigned cover_labels, ContentDigest* digest = nullptr);

 private:
  struct Entry {
    RRType type;  // the covered type for signatures
    bool signature;
    std::uint32_t ttl;
    std::uint32_t rdata_at, rdata_size;  // in arena_
  };
  void sort_and_deduplicate();
  Result<> append_rrset(std::span<const Entry> rrset, ContentDigest* digest);
  Octets rdata(const Entry& e) const { return Octets(arena_).subspan(e.rdata_at, e.rdata_size); }

  Name owner_;
  std::vector<Entry> entries_;
  std::vector<std::uint8_t> arena_, block_, rrs_, patches_, scratch_;
};

}  // namespace understudy::backend
