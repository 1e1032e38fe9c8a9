// The digest of a zone's content: the sum modulo 2^256 of a SHA-256 for each RR, TTL included, SOA apart.
//
// A sum, so that an increment changes it by what it adds and removes, whatever the zone's size. Over the
// canonical form (RFC 4034 6.2), so that case and order do not matter. One object, one thread.
#pragma once

#include <vector>

#include "backend/mirror.h"

namespace understudy::backend {

class ContentDigest {
 public:
  ContentDigest() = default;
  explicit ContentDigest(const Digest& start);
  ContentDigest(const ContentDigest&) = delete;
  ContentDigest& operator=(const ContentDigest&) = delete;

  void add(const dns::RecordView& record);
  void remove(const dns::RecordView& record);
  Digest value() const;

 private:
  using Sum = std::array<std::uint64_t, 4>;  // least significant first
  Sum hash(const dns::RecordView& record);

  Sum sum_{};
  std::vector<std::uint8_t> canonical_;
};

}  // namespace understudy::backend
