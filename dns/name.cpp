#include "dns/name.h"

#include "dns/escape.h"
#include "dns/name_key.h"

namespace understudy::dns {

std::optional<NameView> NameView::parse(Octets wire) {
  std::size_t at = 0;
  const std::size_t end = std::min<std::size_t>(wire.size(), limits::name_octets);
  while (at < end) {
    const std::uint8_t length = wire[at];
    if (length > limits::label_octets) return std::nullopt;
    at += 1 + length;
    if (length == 0) return NameView(wire.data(), at);
  }
  return std::nullopt;
}

unsigned NameView::label_count() const {
  unsigned count = 0;
  for (const std::uint8_t* p = data_; *p != 0; p += 1 + *p) ++count;
  return count;
}

NameView NameView::parent() const {
  if (is_root()) return *this;
  const std::size_t skip = 1 + data_[0];
  return NameView(data_ + skip, size_ - skip);
}

NameView NameView::suffix(unsigned labels) const {
  NameView view = *this;
  for (unsigned have = label_count(); have > labels; --have) view = view.parent();
  return view;
}

bool NameView::equals(NameView other) const {
  if (size_ != other.size_) return false;
  if (std::memcmp(data_, other.data_, size_) == 0) return true;  // nearly always told by the first look
  // Length octets are at most 63 and so are untouched by lower().
  for (std::size_t i = 0; i < size_; ++i) {
    if (lower(data_[i]) != lower(other.data_[i])) return false;
  }
  return true;
}

bool NameView::is_at_or_below(NameView ancestor) const {
  NameView view = *this;
  while (view.size_ > ancestor.size_) view = view.parent();
  return view.equals(ancestor);
}

bool NameView::has_upper_case() const {
  for (std::size_t i = 0; i < size_; ++i) {
    if (data_[i] != lower(data_[i])) return true;
  }
  return false;
}

Name::Name(NameView view) : size_(static_cast<std::uint8_t>(view.size())) {
  std::memcpy(octets_.data(), view.data(), view.size());
}

std::optional<Name> Name::prepend(Octets label, NameView parent) {
  if (label.empty() || label.size() > limits::label_octets) return std::nullopt;
  const std::size_t size = 1 + label.size() + parent.size();
  if (size > limits::name_octets) return std::nullopt;
  Name out;
  out.octets_[0] = static_cast<std::uint8_t>(label.size());
  std::memcpy(out.octets_.data() + 1, label.data(), label.size());
  std::memcpy(out.octets_.data() + 1 + label.size(), parent.data(), parent.size());
  out.size_ = static_cast<std::uint8_t>(size);
  return out;
}

std::optional<Name> Name::substitute(NameView name, NameView from, NameView to) {
  const std::size_t kept = name.size() - from.size();
  if (kept + to.size() > limits::name_octets) return std::nullopt;
  Name out;
  std::memcpy(out.octets_.data(), name.data(), kept);
  std::memcpy(out.octets_.data() + kept, to.data(), to.size());
  out.size_ = static_cast<std::uint8_t>(kept + to.size());
  return out;
}

Name Name::lowered() const {
  Name out = *this;
  for (std::size_t i = 0; i < size_; ++i) out.octets_[i] = lower(octets_[i]);
  return out;
}

namespace {

Error bad_name(std::string_view text, std::string_view why) {
  return {"bad-name", "'" + std::string(text) + "' is not a domain name: " + std::string(why)};
}

}  // namespace

Result<Name> Name::from_text(std::string_view text, const Name* origin) {
  if (text.empty()) return bad_name(text, "it is empty");
  if (text == ".") return Name();
  if (text == "@" && origin != nullptr) return *origin;
  Name out;
  std::size_t size = 0;   // octets before the label that is being read
  std::size_t label = 0;  // octets of that label
  bool absolute = false;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '.') {
      if (label == 0) return bad_name(text, "it has an empty label");
      out.octets_[size] = static_cast<std::uint8_t>(label);
      size += 1 + label;
      label = 0;
      ++at;
      absolute = at == text.size();
      continue;
    }
    const auto octet = unescape(text, at);
    if (!octet) return bad_name(text, "an escape is not \\DDD (000 to 255) or \\X");
    if (label == limits::label_octets) return bad_name(text, "a label is over 63 octets");
    // One octet for this label's length, one for the root label that must still fit.
    if (size + 1 + label + 1 >= limits::name_octets) return bad_name(text, "it is over 255 octets");
    out.octets_[size + 1 + label++] = *octet;
  }
  if (label > 0) {
    out.octets_[size] = static_cast<std::uint8_t>(label);
    size += 1 + label;
  }
  if (!absolute && origin != nullptr) {
    if (size + origin->size() > limits::name_octets)
      return bad_name(text, "with its origin it is over 255 octets");
    std::memcpy(out.octets_.data() + size, origin->data(), origin->size());
    size += origin->size();
  } else {
    out.octets_[size++] = 0;
  }
  out.size_ = static_cast<std::uint8_t>(size);
  return out;
}

void append_label_text(std::string& out, Octets label) {
  for (const std::uint8_t c : label) {
    if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')' || c == '@' || c == '$') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c <= 0x20 || c >= 0x7f) {
      append_decimal_escape(out, c);
    } else {
      out += static_cast<char>(c);
    }
  }
}

std::string to_string(NameView name) {
  if (name.is_root()) return ".";
  std::string out;
  for (; !name.is_root(); name = name.parent()) {
    append_label_text(out, name.first_label());
    out += '.';
  }
  return out;
}

std::strong_ordering canonical_order(NameView a, NameView b) {
  const NameKey x(a), y(b);
  const int order = std::memcmp(x.data(), y.data(), std::min(x.size(), y.size()));
  return order != 0 ? order <=> 0 : x.size() <=> y.size();
}

}  // namespace understudy::dns
