#include "dns/tsig_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "dns/text_fields.h"

namespace understudy::dns {
namespace {

struct AlgorithmRow {
  std::string_view text;     // in the configuration
  std::string_view on_wire;  // RFC 8945 6
  const char* digest;        // OpenSSL's name
};
// By TsigAlgorithm.
constexpr AlgorithmRow algorithms[] = {
    {"hmac-md5", "hmac-md5.sig-alg.reg.int", "MD5"}, {"hmac-sha1", "hmac-sha1", "SHA1"},
    {"hmac-sha224", "hmac-sha224", "SHA224"},        {"hmac-sha256", "hmac-sha256", "SHA256"},
    {"hmac-sha384", "hmac-sha384", "SHA384"},        {"hmac-sha512", "hmac-sha512", "SHA512"},
};

const AlgorithmRow& row_of(TsigAlgorithm algorithm) {
  return algorithms[static_cast<std::size_t>(algorithm)];
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

}  // namespace

std::optional<TsigAlgorithm> parse_tsig_algorithm(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto same = [text](std::string_view known) {
    return std::equal(text.begin(), text.end(), known.begin(), known.end(), [](char a, char b) {
      return lower(static_cast<std::uint8_t>(a)) == static_cast<std::uint8_t>(b);
    });
  };
  for (std::size_t i = 0; i < std::size(algorithms); ++i) {
    if (same(algorithms[i].text) || same(algorithms[i].on_wire)) return static_cast<TsigAlgorithm>(i);
  }
  return std::nullopt;
}

std::string_view to_string(TsigAlgorithm algorithm) { return row_of(algorithm).text; }

void TsigKey::FreeMac::operator()(evp_mac_ctx_st* context) const { EVP_MAC_CTX_free(context); }

Result<TsigKeyPtr> TsigKey::make(NameView name, TsigAlgorithm algorithm, Octets secret) {
  if (secret.empty()) return Error{"tsig-key", "the secret is empty"};
  const AlgorithmRow& row = row_of(algorithm);
  std::shared_ptr<TsigKey> key(new TsigKey);
  key->name_ = Name(name).lowered();
  key->algorithm_ = algorithm;
  key->algorithm_name_ = *Name::from_text(row.on_wire);
  EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  key->begun_.reset(hmac == nullptr ? nullptr : EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);  // the context keeps it
  std::string digest(row.digest);
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                                   OSSL_PARAM_construct_end()};
  if (!key->begun_ || EVP_MAC_init(key->begun_.get(), secret.data(), secret.size(), parameters) != 1) {
    return Error{"tsig-key", "this machine's OpenSSL does not do " + std::string(row.text)};
  }
  key->mac_octets_ = EVP_MAC_CTX_get_mac_size(key->begun_.get());
  return TsigKeyPtr(std::move(key));
}

Result<TsigKeyPtr> TsigKey::from_text(NameView name, TsigAlgorithm algorithm, std::string_view secret) {
  std::vector<std::uint8_t> octets;
  if (!decode_base64(std::string(trimmed(secret)), octets)) {
    return Error{"tsig-key", "the secret is not base64, as `openssl rand -base64 32` makes it"};
  }
  auto key = make(name, algorithm, octets);
  OPENSSL_cleanse(octets.data(), octets.size());
  return key;
}

// Secrets are not to be had, but what they make of nothing is.
bool TsigKey::is_like(const TsigKey& other) const {
  if (name_ != other.name_ || algorithm_ != other.algorithm_) return false;
  TsigMac one, another;
  return TsigDigest(*this).end(one) && TsigDigest(other).end(another) &&
         std::ranges::equal(one.view(), another.view());
}

std::vector<Name> changed_keys(const TsigKeyRing& before, const TsigKeyRing& after) {
  std::vector<Name> changed;
  for (const TsigKeyPtr& key : after.all()) {
    const TsigKeyPtr& old = before.find(key->name());
    if (!old || !old->is_like(*key)) changed.push_back(key->name());
  }
  for (const TsigKeyPtr& key : before.all()) {
    if (!after.find(key->name())) changed.push_back(key->name());
  }
  return changed;
}

bool TsigKeyRing::add(TsigKeyPtr key) {
  if (find(key->name())) return false;
  keys_.push_back(std::move(key));
  return true;
}

const TsigKeyPtr& TsigKeyRing::find(NameView name) const {
  static const TsigKeyPtr none;
  for (const TsigKeyPtr& key : keys_) {
    if (key->name().view().equals(name)) return key;
  }
  return none;
}

TsigDigest::TsigDigest(const TsigKey& key) : context_(EVP_MAC_CTX_dup(key.begun_.get())) {}

void TsigDigest::add(Octets octets) {
  if (context_ && EVP_MAC_update(context_.get(), octets.data(), octets.size()) != 1) context_.reset();
}

void TsigDigest::add16(std::uint16_t value) {
  std::array<std::uint8_t, 2> octets;
  store16(octets.data(), value);
  add(octets);
}

void TsigDigest::add48(std::uint64_t value) {
  std::array<std::uint8_t, 8> octets;
  store64(octets.data(), value);
  add(Octets(octets).subspan(2));
}

bool TsigDigest::end(TsigMac& mac) {
  mac.size = 0;
  if (!context_) return false;
  const bool done = EVP_MAC_final(context_.get(), mac.octets.data(), &mac.size, mac.octets.size()) == 1;
  context_.reset();
  return done;
}

}  // namespace understudy::dns
