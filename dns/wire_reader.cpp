#include "dns/wire_reader.h"

#include "dns/name_key.h"

namespace understudy::dns {

bool WireReader::take(std::size_t count) {
  if (!ok_ || message_.size() - at_ < count) return ok_ = false;
  at_ += count;
  return true;
}

std::uint8_t WireReader::u8() { return take(1) ? message_[at_ - 1] : 0; }
std::uint16_t WireReader::u16() { return take(2) ? load16(message_.data() + at_ - 2) : 0; }
std::uint32_t WireReader::u32() { return take(4) ? load32(message_.data() + at_ - 4) : 0; }

Octets WireReader::octets(std::size_t count) {
  return take(count) ? message_.subspan(at_ - count, count) : Octets();
}

bool WireReader::name(Name& out) {
  if (!ok_) return false;
  std::size_t from = at_;     // where the next label is read
  std::size_t barrier = at_;  // a pointer must lead before this
  std::size_t resume = 0;     // where reading goes on after the first pointer
  std::size_t size = 0;
  unsigned pointers = 0;  // a name has at most 127 labels, and no honest writer needs more pointers
  for (;;) {
    if (from >= message_.size()) return refuse_name(out);
    const std::uint8_t length = message_[from];
    if (length >= 0xc0) {
      if (from + 2 > message_.size()) return refuse_name(out);
      const std::size_t target = load16(message_.data() + from) & 0x3fff;
      if (target >= barrier || ++pointers > NameKey::max_labels) return refuse_name(out);
      if (resume == 0) resume = from + 2;
      from = barrier = target;
      continue;
    }
    if (length > limits::label_octets || from + 1 + length > message_.size()) return refuse_name(out);
    if (size + 1 + length > limits::name_octets) return refuse_name(out);
    std::memcpy(out.octets_.data() + size, message_.data() + from, 1 + length);
    size += 1 + length;
    from += 1 + length;
    if (length == 0) break;
  }
  out.size_ = static_cast<std::uint8_t>(size);
  at_ = resume != 0 ? resume : from;
  return true;
}

// Some of it may be written already: what the caller holds must be a whole name even so.
bool WireReader::refuse_name(Name& out) {
  out = Name();
  return ok_ = false;
}

void WireReader::skip_name() {
  while (ok_) {
    const std::uint8_t length = u8();
    if (!ok_ || length == 0) return;
    if (length >= 0xc0) {
      take(1);
      return;
    }
    if (length > limits::label_octets) {
      ok_ = false;
      return;
    }
    take(length);
  }
}

}  // namespace understudy::dns
