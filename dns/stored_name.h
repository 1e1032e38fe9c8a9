// A name that is kept for long and for each of very many zones: its own octets on the heap, where a Name has
// room for 255 inline. Any thread may read it. Bounded by a name's 255 octets.
#pragma once

#include <algorithm>
#include <memory>

#include "dns/name.h"

namespace understudy::dns {

class StoredName {
 public:
  explicit StoredName(NameView name)
      : octets_(std::make_unique_for_overwrite<std::uint8_t[]>(name.size())),
        size_(static_cast<std::uint8_t>(name.size())) {
    std::copy_n(name.data(), name.size(), octets_.get());
  }
  StoredName(const StoredName& other) : StoredName(other.view()) {}
  StoredName(StoredName&&) = default;
  StoredName& operator=(StoredName&&) = default;

  // Good while this is; not of one that was moved from.
  NameView view() const { return NameView::unchecked(octets_.get(), size_); }
  operator NameView() const { return view(); }

 private:
  std::unique_ptr<std::uint8_t[]> octets_;
  std::uint8_t size_;
};

}  // namespace understudy::dns
