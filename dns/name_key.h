// Name keys: a domain name as octets whose plain byte order is DNSSEC canonical order (RFC 4034 6.1).
//
// Labels from the right, lower-cased, 00 written as 01 01 and 01 as 01 02, each label ended by 00; the root's
// key is empty. All names below another share its key as prefix. At most 504 octets (4 labels, 250 octets,
// all escaped). Frozen: keys are on disk (docs/formats.md).
//
// No label is empty, so octets that go on with 00 after a whole name are the key of no name: they are a
// zone's NSEC3 with the hash that follows.
#pragma once

#include <array>
#include <optional>

#include "dns/nsec3.h"

namespace understudy::dns {

class NameKey {
 public:
  static constexpr std::size_t max_octets = 504;
  static constexpr std::size_t max_labels = 127;
  // Room in front of the key, so that a store can put its own prefix there without a copy.
  static constexpr std::size_t headroom = 8;

  NameKey() = default;
  explicit NameKey(NameView name) { assign(name); }
  void assign(NameView name);
  // The key of "*" below the ancestor of `name` with that many labels.
  void assign_wildcard(const NameKey& name, unsigned labels);
  // Octets that are a key (of a store; they may be this one's own front).
  void assign_key(Octets key);
  // From the key of a zone's apex to that of its NSEC3 with this hash. The hash counts for no label.
  void append_nsec3(const Nsec3Hash& hash);
  // No name's key: what stands between the name whose key is `key` (not the root's) and all names before it,
  // so that the nearest at or before it is that name's predecessor.
  void assign_before(Octets key);

  const std::uint8_t* data() const { return octets_.data() + headroom; }
  std::uint8_t* data() { return octets_.data() + headroom; }
  std::size_t size() const { return size_; }
  Octets octets() const { return {data(), size_}; }
  unsigned label_count() const { return labels_; }
  // The length of the key of the ancestor with that many labels (at most label_count()).
  std::size_t prefix_size(unsigned labels) const { return labels == 0 ? 0 : ends_[labels - 1]; }
  // How many whole labels this key shares with `other`, from the root.
  unsigned common_labels(Octets other) const;

 private:
  std::array<std::uint8_t, headroom + max_octets> octets_;
  std::array<std::uint16_t, max_labels> ends_;
  std::uint16_t size_ = 0;
  std::uint8_t labels_ = 0;
};

// Where the hash of an NSEC3's key begins; 0 in keys of names.
std::size_t nsec3_hash_place(Octets key);
inline bool is_nsec3_key(Octets key) { return nsec3_hash_place(key) != 0; }
// The lower-case name of a key; nothing where the octets are no key.
std::optional<Name> name_of_key(Octets key);
// The number of labels in a key.
unsigned key_label_count(Octets key);

}  // namespace understudy::dns
