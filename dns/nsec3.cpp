// The functions that OpenSSL 3 deprecates: those that it puts in their place need a context from the heap.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dns/nsec3.h"

#include <openssl/sha.h>

#include <algorithm>

namespace understudy::dns {

static_assert(std::tuple_size_v<Nsec3Hash> == SHA_DIGEST_LENGTH);

bool Nsec3Parameters::same_chain(const Nsec3Parameters& other) const {
  return algorithm == other.algorithm && iterations == other.iterations &&
         std::ranges::equal(salt, other.salt);
}

// RFC 5155 5: IH(salt, x, 0) = H(x || salt), and each further iteration the hash of the one before with the
// salt.
Nsec3Hash nsec3_hash(NameView name, const Nsec3Parameters& parameters) {
  std::array<std::uint8_t, limits::name_octets> canonical;
  std::transform(name.data(), name.data() + name.size(), canonical.begin(), lower);
  Nsec3Hash hash;
  Octets input(canonical.data(), name.size());
  for (unsigned i = 0; i <= parameters.iterations; ++i) {
    SHA_CTX context;
    SHA1_Init(&context);
    SHA1_Update(&context, input.data(), input.size());
    if (!parameters.salt.empty()) SHA1_Update(&context, parameters.salt.data(), parameters.salt.size());
    SHA1_Final(hash.data(), &context);
    input = hash;
  }
  return hash;
}

std::optional<Nsec3Hash> nsec3_hash_of_label(Octets label) {
  if (label.size() != nsec3_label_octets) return std::nullopt;
  Nsec3Hash hash{};
  for (std::size_t i = 0; i < label.size(); ++i) {
    const std::uint8_t c = lower(label[i]);
    unsigned value;
    if (c >= '0' && c <= '9') {
      value = c - '0';
    } else if (c >= 'a' && c <= 'v') {
      value = c - 'a' + 10u;
    } else {
      return std::nullopt;
    }
    // Five bits that begin at bit 5 i of the hash.
    const std::size_t octet = 5 * i / 8;
    const unsigned both = value << (11 - 5 * i % 8);
    hash[octet] = static_cast<std::uint8_t>(hash[octet] | both >> 8);
    if (octet + 1 < hash.size()) hash[octet + 1] = static_cast<std::uint8_t>(hash[octet + 1] | (both & 0xff));
  }
  return hash;
}

std::array<std::uint8_t, nsec3_label_octets> nsec3_label(const Nsec3Hash& hash) {
  static constexpr char digits[] = "0123456789abcdefghijklmnopqrstuv";
  std::array<std::uint8_t, nsec3_label_octets> label;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const std::size_t octet = 5 * i / 8;
    const unsigned both = unsigned{hash[octet]} << 8 | (octet + 1 < hash.size() ? hash[octet + 1] : 0u);
    label[i] = static_cast<std::uint8_t>(digits[both >> (11 - 5 * i % 8) & 31]);
  }
  return label;
}

}  // namespace understudy::dns
