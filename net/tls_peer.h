// Who is at the other end of TLS: what is asked of it, and what it has proved.
//
// Plain values, and functions on a session whose handshake is done; any thread. Bounded by what OpenSSL takes
// for a certificate.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

struct ssl_st;             // OpenSSL's SSL
struct x509_store_ctx_st;  // and X509_STORE_CTX

namespace understudy::net {

// The SHA-256 of a certificate's public key (SubjectPublicKeyInfo), as RFC 7858 4.2 pins it.
using KeyPin = std::array<std::uint8_t, 32>;
// In base64.
Result<KeyPin> parse_pin(std::string_view text);
std::string to_string(const KeyPin& pin);

// A host's name as certificates have it: lower-case, without the final dot.
Result<std::string> parse_host(std::string_view text);

// What the other side must prove. What is given must hold: a certificate for the name that a known authority
// issued, or that key; or both.
struct TlsIdentity {
  std::string name;  // as of parse_host(); empty: any
  std::optional<KeyPin> pin = {};
  bool needs_dot = true;  // it chooses "dot" by ALPN (RFC 9103 7.1)
  friend bool operator==(const TlsIdentity&, const TlsIdentity&) = default;
};

// What a client over TLS has proved; nothing of it where it showed no certificate.
struct ClientIdentity {
  std::optional<KeyPin> pin = {};    // it has the private key of this one
  std::vector<std::string> names{};  // of its certificate, where an authority issued it; as of parse_host()
};
// No heap. A name is that very name: no wildcard of a certificate stands for it.
bool proves(const ClientIdentity& client, const TlsIdentity& wanted);

// Nothing where the other side showed no certificate.
std::optional<KeyPin> pin_of(const ssl_st* session);
// The DNS names that the other side's certificate is for.
std::vector<std::string> names_of(const ssl_st* session);

// For SSL_set_verify(): the handshake goes on whatever the certificate is; who it is is looked at afterwards.
int take_any_certificate(int good, x509_store_ctx_st* chain);

}  // namespace understudy::net
