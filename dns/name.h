// Domain names in uncompressed wire form: NameView borrows one, Name owns one (at most 255 octets, inline, no
// heap).
//
// Both are always whole and absolute: they are made only by functions that checked them. Case is kept;
// comparison is blind to it (RFC 4343). Plain values without shared state.
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "dns/octets.h"

namespace understudy::dns {

class NameView {
 public:
  // The root.
  NameView() : data_(root_octet), size_(1) {}
  // `wire` was checked: labels of at most 63 octets up to the root label, at most 255 in all.
  static NameView unchecked(const std::uint8_t* wire, std::size_t size) { return NameView(wire, size); }
  // Checks the name that starts at the front of `wire`; trailing octets are left alone. No compression.
  static std::optional<NameView> parse(Octets wire);

  const std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }
  Octets octets() const { return {data_, size_}; }
  bool is_root() const { return size_ == 1; }
  bool is_wildcard() const { return size_ > 2 && data_[0] == 1 && data_[1] == '*'; }
  // Labels without the root's: 0 for the root, 2 for example.com.
  unsigned label_count() const;
  // The name without its first label; the root's parent is the root.
  NameView parent() const;
  // The name with only its last `labels` labels.
  NameView suffix(unsigned labels) const;
  // The first label's octets, without the length.
  Octets first_label() const { return {data_ + 1, data_[0]}; }

  bool equals(NameView other) const;
  // Equal counts too.
  bool is_at_or_below(NameView ancestor) const;
  bool has_upper_case() const;

 private:
  static constexpr std::uint8_t root_octet[1] = {0};
  NameView(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  const std::uint8_t* data_;
  std::size_t size_;
};

class Name {
 public:
  Name() : size_(1) { octets_[0] = 0; }
  explicit Name(NameView view);

  operator NameView() const { return view(); }
  NameView view() const { return NameView::unchecked(octets_.data(), size_); }
  const std::uint8_t* data() const { return octets_.data(); }
  std::size_t size() const { return size_; }

  // Presentation form, absolute with or without the final dot, \DDD and \X escapes (RFC 1035 5.1). `origin`
  // completes a name without final dot; without it such a name is taken as absolute. "@" is the origin.
  static Result<Name> from_text(std::string_view text, const Name* origin = nullptr);
  // label + parent; nothing where that is over 255 octets.
  static std::optional<Name> prepend(Octets label, NameView parent);
  // `name`, whose suffix `from` is replaced by `to` (RFC 6672 2.2); nothing where the result is too long.
  static std::optional<Name> substitute(NameView name, NameView from, NameView to);
  Name lowered() const;

  friend bool operator==(const Name& a, const Name& b) { return a.view().equals(b.view()); }

 private:
  friend class WireReader;
  std::array<std::uint8_t, limits::name_octets> octets_;
  std::uint8_t size_;
};

// Presentation form with final dot and escapes.
std::string to_string(NameView name);
inline std::string to_string(const Name& name) { return to_string(name.view()); }
// One label's octets as presentation form escapes them.
void append_label_text(std::string& out, Octets label);

// RFC 4034 6.1: by labels from the right, each as lower-case octets.
std::strong_ordering canonical_order(NameView a, NameView b);

}  // namespace understudy::dns
