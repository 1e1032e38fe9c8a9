// Keys of TSIG (RFC 8945): a name, an algorithm and a secret that two servers share.
//
// Immutable once made, so any thread may use them. The secret lies in OpenSSL's memory only: no key can be
// asked for it, so it comes into no log and no report.
#pragma once

#include <memory>
#include <vector>

#include "dns/name.h"

struct evp_mac_ctx_st;

namespace understudy::dns {

// RFC 8945 6. MD5 and SHA-1 are for peers that know no better; none is chosen unless it is asked for by name.
enum class TsigAlgorithm : std::uint8_t {
  hmac_md5,
  hmac_sha1,
  hmac_sha224,
  hmac_sha256,
  hmac_sha384,
  hmac_sha512
};
// "hmac-sha256", in any case and with or without a final dot; also MD5's full name.
std::optional<TsigAlgorithm> parse_tsig_algorithm(std::string_view text);
// As it stands in the configuration.
std::string_view to_string(TsigAlgorithm algorithm);

struct TsigMac {
  std::array<std::uint8_t, 64> octets;
  std::size_t size = 0;
  Octets view() const { return {octets.data(), size}; }
};

class TsigKey;
using TsigKeyPtr = std::shared_ptr<const TsigKey>;

class TsigKey {
 public:
  // Errors: "tsig-key", what is wrong with the secret; never the secret.
  static Result<TsigKeyPtr> make(NameView name, TsigAlgorithm algorithm, Octets secret);
  // `secret` in base64, blanks around it apart.
  static Result<TsigKeyPtr> from_text(NameView name, TsigAlgorithm algorithm, std::string_view secret);

  const Name& name() const { return name_; }  // lower-case, as it is digested
  TsigAlgorithm algorithm() const { return algorithm_; }
  const Name& algorithm_name() const { return algorithm_name_; }  // likewise
  std::size_t mac_octets() const { return mac_octets_; }
  // The other one signs alike: name, algorithm and secret.
  bool is_like(const TsigKey& other) const;

 private:
  friend class TsigDigest;
  struct FreeMac {
    void operator()(evp_mac_ctx_st* context) const;
  };
  TsigKey() = default;

  Name name_, algorithm_name_;
  TsigAlgorithm algorithm_{};
  std::size_t mac_octets_ = 0;
  std::unique_ptr<evp_mac_ctx_st, FreeMac> begun_;  // keyed and empty: every digest begins as a copy of it
};

// The keys that are configured. Filled when the configuration is read, then read by any thread; a handful, so
// they are looked through.
class TsigKeyRing {
 public:
  // False where a key of that name is there already.
  bool add(TsigKeyPtr key);
  // nullptr where there is none. No heap.
  const TsigKeyPtr& find(NameView name) const;
  const std::vector<TsigKeyPtr>& all() const { return keys_; }

 private:
  std::vector<TsigKeyPtr> keys_;
};
using TsigKeyRingPtr = std::shared_ptr<const TsigKeyRing>;
// The names of the keys that came, went or are not like they were.
std::vector<Name> changed_keys(const TsigKeyRing& before, const TsigKeyRing& after);

// One HMAC under way. Takes heap memory, as OpenSSL wants it; where there is none, end() says so.
class TsigDigest {
 public:
  explicit TsigDigest(const TsigKey& key);
  void add(Octets octets);
  void add16(std::uint16_t value);
  void add48(std::uint64_t value);
  // The whole MAC. Nothing can be added afterwards.
  bool end(TsigMac& mac);

 private:
  std::unique_ptr<evp_mac_ctx_st, TsigKey::FreeMac> context_;  // nullptr after a failure
};

}  // namespace understudy::dns
