#include "dns/name_key.h"

namespace understudy::dns {

void NameKey::assign(NameView name) {
  const std::uint8_t* starts[max_labels];
  unsigned count = 0;
  for (const std::uint8_t* p = name.data(); *p != 0; p += 1 + *p) starts[count++] = p;
  std::uint8_t* const begin = data();
  std::uint8_t* out = begin;
  for (unsigned i = count; i-- > 0;) {
    const std::uint8_t* label = starts[i];
    for (const std::uint8_t *p = label + 1, *end = p + *label; p != end; ++p) {
      const std::uint8_t c = *p;
      if (c <= 1) [[unlikely]] {
        *out++ = 1;
        *out++ = static_cast<std::uint8_t>(c + 1);
      } else {
        *out++ = lower(c);
      }
    }
    *out++ = 0;
    ends_[count - 1 - i] = static_cast<std::uint16_t>(out - begin);
  }
  size_ = static_cast<std::uint16_t>(out - begin);
  labels_ = static_cast<std::uint8_t>(count);
}

void NameKey::assign_wildcard(const NameKey& name, unsigned labels) {
  const std::size_t prefix = name.prefix_size(labels);
  std::memcpy(data(), name.data(), prefix);
  std::memcpy(ends_.data(), name.ends_.data(), labels * sizeof ends_[0]);
  data()[prefix] = '*';
  data()[prefix + 1] = 0;
  size_ = static_cast<std::uint16_t>(prefix + 2);
  ends_[labels] = size_;
  labels_ = static_cast<std::uint8_t>(labels + 1);
}

void NameKey::assign_key(Octets key) {
  std::memmove(data(), key.data(), key.size());
  size_ = static_cast<std::uint16_t>(key.size());
  labels_ = 0;
  const std::size_t hash = nsec3_hash_place(octets());
  const std::size_t name_size = hash != 0 ? hash - 1 : size_;
  for (std::size_t at = 0; at < name_size; ++at) {
    if (data()[at] == 0) ends_[labels_++] = static_cast<std::uint16_t>(at + 1);
  }
}

void NameKey::append_nsec3(const Nsec3Hash& hash) {
  data()[size_] = 0;
  std::memcpy(data() + size_ + 1, hash.data(), hash.size());
  size_ = static_cast<std::uint16_t>(size_ + 1 + hash.size());
}

// Keys that begin with these octets go on with 00, as the given one does, or with something greater.
void NameKey::assign_before(Octets key) {
  assign_key(key);
  --size_;
  --labels_;
}

unsigned NameKey::common_labels(Octets other) const {
  const std::size_t limit = std::min<std::size_t>(size_, other.size());
  std::size_t same = 0;
  while (same + 8 <= limit && std::memcmp(data() + same, other.data() + same, 8) == 0) same += 8;
  while (same < limit && data()[same] == other[same]) ++same;
  unsigned labels = 0;
  while (labels < labels_ && ends_[labels] <= same) ++labels;
  return labels;
}

std::size_t nsec3_hash_place(Octets key) {
  // An empty label: 00 at the front, or behind another.
  std::uint8_t before = 0;
  for (std::size_t at = 0; at < key.size(); before = key[at++]) {
    if (key[at] == 0 && before == 0) return at + 1;
  }
  return 0;
}

std::optional<Name> name_of_key(Octets key) {
  if (const std::size_t place = nsec3_hash_place(key)) {
    Nsec3Hash hash;
    if (key.size() - place != hash.size()) return std::nullopt;
    std::memcpy(hash.data(), key.data() + place, hash.size());
    const auto apex = name_of_key(key.first(place - 1));
    return apex ? Name::prepend(nsec3_label(hash), *apex) : std::nullopt;
  }
  // Labels come from the right: gather them, then write them from the left.
  std::array<std::uint8_t, limits::name_octets> text;
  std::array<std::uint16_t, NameKey::max_labels> starts;
  std::size_t size = 0;
  unsigned labels = 0;
  std::size_t label_start = 0;
  for (std::size_t at = 0; at < key.size(); ++at) {
    std::uint8_t c = key[at];
    if (c == 0) {
      const std::size_t length = size - label_start;
      if (length == 0 || length > limits::label_octets || labels == NameKey::max_labels) return std::nullopt;
      starts[labels++] = static_cast<std::uint16_t>(label_start);
      label_start = size;
      continue;
    }
    if (c == 1) {
      if (++at == key.size() || key[at] < 1 || key[at] > 2) return std::nullopt;
      c = static_cast<std::uint8_t>(key[at] - 1);
    }
    if (c != lower(c)) return std::nullopt;  // keys have no upper case
    if (size == text.size()) return std::nullopt;
    text[size++] = c;
  }
  if (label_start != size) return std::nullopt;  // the last label has no end
  std::array<std::uint8_t, limits::name_octets> wire;
  std::size_t at = 0;
  for (unsigned i = labels; i-- > 0;) {
    const std::size_t end = i + 1 < labels ? starts[i + 1] : size;
    const std::size_t length = end - starts[i];
    if (at + 1 + length + 1 > wire.size()) return std::nullopt;
    wire[at++] = static_cast<std::uint8_t>(length);
    std::memcpy(wire.data() + at, text.data() + starts[i], length);
    at += length;
  }
  wire[at++] = 0;
  return Name(NameView::unchecked(wire.data(), at));
}

unsigned key_label_count(Octets key) {
  unsigned labels = 0;
  const std::size_t hash = nsec3_hash_place(key);
  for (const std::uint8_t c : hash != 0 ? key.first(hash - 1) : key) labels += c == 0;
  return hash != 0 ? labels + 1 : labels;
}

}  // namespace understudy::dns
