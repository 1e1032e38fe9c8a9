// A bounded reader over a message: each read says whether there was enough, and nothing is read past the end.
//
// After a failed read the reader is spent: every later read fails too, so a caller may check once at the end.
#pragma once

#include "dns/name.h"

namespace understudy::dns {

class WireReader {
 public:
  explicit WireReader(Octets message, std::size_t at = 0)
      : message_(message), at_(at), ok_(at <= message.size()) {}

  bool ok() const { return ok_; }
  std::size_t position() const { return at_; }
  std::size_t remaining() const { return ok_ ? message_.size() - at_ : 0; }
  Octets message() const { return message_; }

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  Octets octets(std::size_t count);
  void skip(std::size_t count) { octets(count); }
  // A name, possibly compressed. Pointers must lead backwards, each before the one that led to it, so that
  // the walk ends (RFC 1035 4.1.4: a pointer to a prior occurrence). After a failure `out` is the root.
  bool name(Name& out);
  // Passes over a name without following pointers.
  void skip_name();

 private:
  bool take(std::size_t count);
  bool refuse_name(Name& out);
  Octets message_;
  std::size_t at_;
  bool ok_;
};

}  // namespace understudy::dns
