// A zone of a million records is a million digests of some fifty octets each: EVP takes longer to set each of
// them up than SHA-256 itself (OpenSSL 3.0), so these are its plain functions.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "backend/content_digest.h"

#include <openssl/sha.h>

#include "dns/rdata.h"

namespace understudy::backend {

ContentDigest::ContentDigest(const Digest& start) {
  for (unsigned i = 0; i < 4; ++i) sum_[i] = dns::load64(start.data() + 8 * (3 - i));
}

ContentDigest::Sum ContentDigest::hash(const dns::RecordView& record) {
  const NameView owner = record.owner;
  canonical_.resize(owner.size() + 8 + record.rdata.size());
  std::uint8_t* out = canonical_.data();
  for (std::size_t i = 0; i < owner.size(); ++i) *out++ = dns::lower(owner.data()[i]);
  dns::store16(out, static_cast<std::uint16_t>(record.type));
  dns::store32(out + 2, record.ttl);
  dns::store16(out + 6, static_cast<std::uint16_t>(record.rdata.size()));
  out += 8;
  if (!record.rdata.empty()) std::memcpy(out, record.rdata.data(), record.rdata.size());
  dns::make_canonical(record.type, {out, record.rdata.size()});
  Digest digest;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, canonical_.data(), canonical_.size());
  SHA256_Final(digest.data(), &context);
  Sum sum;
  for (unsigned i = 0; i < 4; ++i) sum[i] = dns::load64(digest.data() + 8 * (3 - i));
  return sum;
}

void ContentDigest::add(const dns::RecordView& record) {
  const Sum term = hash(record);
  unsigned carry = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint64_t partial = sum_[i] + carry;
    carry = partial < carry;
    sum_[i] = partial + term[i];
    carry += sum_[i] < partial;
  }
}

void ContentDigest::remove(const dns::RecordView& record) {
  const Sum term = hash(record);
  unsigned borrow = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint64_t before = sum_[i];
    sum_[i] = before - term[i] - borrow;
    borrow = before < term[i] || (before == term[i] && borrow != 0);
  }
}

Digest ContentDigest::value() const {
  Digest out;
  for (unsigned i = 0; i < 4; ++i) dns::store64(out.data() + 8 * (3 - i), sum_[i]);
  return out;
}

}  // namespace understudy::backend
