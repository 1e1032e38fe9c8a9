#include "net/tls_client.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <iterator>

#include "net/network_error.h"

namespace understudy::net {
namespace {

constexpr std::string_view dot = "\3dot";  // RFC 7301 3.1: with its length in front

int no_passphrase(char*, int, int, void*) { return -1; }

// Of a file that cannot be read: of nothing. What that means is found out by who needs it.
KeyPin digest_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string octets(std::istreambuf_iterator<char>(in), {});
  KeyPin digest{};
  EVP_Digest(octets.data(), octets.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

Error file_error(const std::string& what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_error(), text.data(), text.size());
  ERR_clear_error();
  return {"tls-certificate", what + ": " + text.data()};
}

}  // namespace

TlsClient::TlsClient(TlsClientOptions options)
    : options_(std::move(options)),
      contents_{digest_of(options_.ca_file), digest_of(options_.certificate), digest_of(options_.key)} {}

Result<std::shared_ptr<const TlsClient>> TlsClient::make(TlsClientOptions options) {
  std::shared_ptr<TlsClient> client(new TlsClient(std::move(options)));
  ERR_clear_error();
  client->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = client->context_.get();
  if (context == nullptr) return file_error("cannot begin with TLS");
  // RFC 9103 7.2: no older one, so that not even the name asked for goes in the clear.
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(dot.data()), dot.size());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  const std::string& file = client->options_.ca_file;
  if (!file.empty() && SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) != 1) {
    return file_error("cannot use the authorities in " + file);
  }
  return std::shared_ptr<const TlsClient>(std::move(client));
}

Result<TlsSession> TlsClient::new_session(const TlsIdentity& identity) const {
  ERR_clear_error();
  TlsSession session(SSL_new(context_.get()));
  if (!session) return file_error("cannot begin a TLS session");
  if (!options_.certificate.empty() &&
      (SSL_use_certificate_chain_file(session.get(), options_.certificate.c_str()) != 1 ||
       SSL_use_PrivateKey_file(session.get(), options_.key.c_str(), SSL_FILETYPE_PEM) != 1)) {
    return file_error("cannot use our own certificate " + options_.certificate + " and its key");
  }
  if (identity.name.empty()) {
    SSL_set_verify(session.get(), SSL_VERIFY_PEER, take_any_certificate);  // distrust() looks at the key
    return session;
  }
  if (options_.ca_file.empty()) {
    std::call_once(authorities_, [this] { SSL_CTX_set_default_verify_paths(context_.get()); });
  }
  SSL_set_verify(session.get(), SSL_VERIFY_PEER, nullptr);
  SSL_set_hostflags(session.get(),
                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  std::string name = identity.name;
  // Which is SSL_set_tlsext_host_name(), a macro with a cast in it.
  if (SSL_set1_host(session.get(), name.c_str()) != 1 ||
      SSL_ctrl(session.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1)
    return file_error("cannot ask for the name " + identity.name);
  return session;
}

std::optional<Error> distrust(const SSL* session, const TlsIdentity& identity) {
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session, &protocol, &size);
  // RFC 9103 7.1: it MUST be selected. A server that is older than that chooses nothing.
  const std::string_view chosen(reinterpret_cast<const char*>(protocol), size);
  if (chosen != dot.substr(1) && (identity.needs_dot || !chosen.empty())) {
    return Error{reason::tls_handshake,
                 "it speaks TLS, but not \"dot\" (no ALPN), which RFC 9103 7.1 wants; if that server cannot, "
                 "alpn=optional in the source lets it pass"};
  }
  if (!identity.pin) return std::nullopt;
  const auto pin = pin_of(session);
  if (pin == identity.pin) return std::nullopt;
  return Error{reason::tls_untrusted, "its key is not the pinned one" +
                                          (pin ? ", but has the pin " + to_string(*pin) : std::string())};
}

Error handshake_error(const SSL* session, const TlsIdentity& identity, std::string_view otherwise) {
  const long verdict = SSL_get_verify_result(session);
  if (verdict != X509_V_OK && !identity.name.empty()) {
    return {reason::tls_untrusted, "its certificate does not prove that it is " + identity.name + ": " +
                                       X509_verify_cert_error_string(verdict)};
  }
  return {reason::tls_handshake, "no TLS 1.3 handshake: " + std::string(otherwise)};
}

}  // namespace understudy::net
