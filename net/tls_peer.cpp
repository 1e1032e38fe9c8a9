#include "net/tls_peer.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "dns/name.h"
#include "dns/text_fields.h"

namespace understudy::net {
namespace {

std::string lowered(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

}  // namespace

Result<KeyPin> parse_pin(std::string_view text) {
  std::vector<std::uint8_t> octets;
  KeyPin pin{};
  if (!dns::decode_base64(std::string(text), octets) || octets.size() != pin.size()) {
    return Error{"bad-pin", "\"" + std::string(text) +
                                "\" is no pin: the SHA-256 of the public key in base64, 44 characters"};
  }
  std::copy(octets.begin(), octets.end(), pin.begin());
  return pin;
}

std::string to_string(const KeyPin& pin) {
  std::string text;
  dns::append_base64(text, pin);
  return text;
}

Result<std::string> parse_host(std::string_view text) {
  if (const auto name = dns::Name::from_text(text); !name) return name.error();
  return Result<std::string>(boost::system::in_place_value, lowered(text));
}

bool proves(const ClientIdentity& client, const TlsIdentity& wanted) {
  if (!wanted.name.empty() && std::ranges::find(client.names, wanted.name) == client.names.end())
    return false;
  return !wanted.pin || client.pin == wanted.pin;
}

std::optional<KeyPin> pin_of(const SSL* session) {
  X509* const certificate = SSL_get0_peer_certificate(session);
  if (certificate == nullptr) return std::nullopt;
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return std::nullopt;
  KeyPin pin{};
  const bool done =
      EVP_Digest(der, static_cast<std::size_t>(size), pin.data(), nullptr, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  return done ? std::optional(pin) : std::nullopt;
}

// RFC 6125 6.4.4, RFC 9525 2: the subject's common name is no name of a host.
std::vector<std::string> names_of(const SSL* session) {
  std::vector<std::string> names;
  X509* const certificate = SSL_get0_peer_certificate(session);
  if (certificate == nullptr) return names;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  // Which are sk_GENERAL_NAME_num() and _value(), macros with casts in them.
  const auto* const stack = reinterpret_cast<const OPENSSL_STACK*>(all.get());
  for (int i = 0; all && i < OPENSSL_sk_num(stack); ++i) {
    const auto* const one = static_cast<const GENERAL_NAME*>(OPENSSL_sk_value(stack, i));
    if (one->type != GEN_DNS) continue;
    const auto* const text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(one->d.dNSName));
    names.push_back(lowered({text, static_cast<std::size_t>(ASN1_STRING_length(one->d.dNSName))}));
  }
  return names;
}

int take_any_certificate(int, X509_STORE_CTX*) { return 1; }

}  // namespace understudy::net
