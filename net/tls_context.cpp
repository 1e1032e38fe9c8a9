#include "net/tls_context.h"

#include <openssl/err.h>
#include <sys/stat.h>

#include <string_view>

namespace understudy::net {
namespace {

// What RFC 9325 4.2 leaves of TLS 1.2; TLS 1.3 has no others.
constexpr const char* old_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

// The server has no terminal: a key with a passphrase is an error, not a question.
int no_passphrase(char*, int, int, void*) { return -1; }

// RFC 7301 3.2: a client that offers protocols, but none that we speak, is refused. One that offers none is
// an ordinary client of RFC 7858, which is older than the name.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  constexpr std::string_view dot = "dot";
  for (unsigned at = 0; at < offered_size; at += 1u + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered) + at + 1, offered[at]);
    if (name != dot) continue;
    *chosen = offered + at + 1;
    *chosen_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

Error last_error(const std::string& what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_error(), text.data(), text.size());
  ERR_clear_error();
  return {"tls-certificate", what + ": " + text.data()};
}

void set_options(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, old_ciphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Sessions are resumed by tickets, which the client keeps.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // Buffers are given back while a connection is idle; what is not sent yet may move and may go in parts.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);  // one read for a record, or for many small ones
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
}

// RFC 9103 9.3.3. A certificate that is no good ends no handshake: queries are everybody's, and access lists
// know what was proved. A session that is resumed would keep what it proved past the certificate's end, so
// none is.
Result<> ask_clients(SSL_CTX* context, const TlsServerOptions& options) {
  constexpr long most_octets = 32 << 10;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, take_any_certificate);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, most_octets, nullptr);
  if (options.client_ca.empty()) return {};
  const char* const file = options.client_ca.c_str();
  if (SSL_CTX_load_verify_locations(context, file, nullptr) != 1)
    return last_error("cannot use the authorities of clients in " + options.client_ca);
  // Tells clients that have several certificates which one is wanted.
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file));
  return {};
}

}  // namespace

class TlsContext::Loaded {
 public:
  TlsServerOptions options;
  Stamps stamps;
  std::unique_ptr<SSL_CTX, FreeTls> context;
};

TlsContext::Stamp TlsContext::stamp_of(const std::string& file) {
  struct stat status {};
  if (file.empty() || ::stat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec};
}

TlsContext::Stamps TlsContext::stamps_of(const TlsServerOptions& options) {
  return {stamp_of(options.certificate), stamp_of(options.key), stamp_of(options.client_ca)};
}

Result<std::shared_ptr<TlsContext::Loaded>> TlsContext::load(const TlsServerOptions& options) {
  auto loaded = std::make_shared<Loaded>();
  loaded->options = options;
  // Before the files are read: what changes meanwhile is seen at the next look.
  loaded->stamps = stamps_of(options);
  ERR_clear_error();
  loaded->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = loaded->context.get();
  if (context == nullptr) return last_error("cannot begin with TLS");
  set_options(context);
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1)
    return last_error("cannot use the certificate " + options.certificate);
  if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return last_error("cannot use the key " + options.key + " with the certificate " + options.certificate);
  if (options.asks_clients()) {
    if (const auto asking = ask_clients(context, options); !asking) return asking.error();
  }
  return loaded;
}

void TlsContext::take(std::shared_ptr<const Loaded> loaded) {
  seen_ = loaded->stamps;
  const std::scoped_lock lock(mutex_);
  current_.swap(loaded);
}

bool TlsContext::is_current(const TlsServerOptions& options) const {
  return current_ && current_->options == options && current_->stamps == stamps_of(options);
}

Result<bool> TlsContext::renew() {
  if (!current_) return false;
  const Stamps now = stamps_of(current_->options);
  if (std::exchange(seen_, now) == now) return false;
  auto loaded = load(current_->options);
  if (!loaded) return loaded.error();
  take(std::move(*loaded));
  return true;
}

TlsSession TlsContext::new_session() const {
  const std::scoped_lock lock(mutex_);
  return TlsSession(current_ ? SSL_new(current_->context.get()) : nullptr);
}

ClientIdentity TlsContext::identity_of(const SSL* session) {
  ClientIdentity identity;
  identity.pin = pin_of(session);
  // A pinned key vouches for itself. The names in its certificate are whatever its owner wrote there, so they
  // count only where an authority of client-ca has looked at them.
  if (identity.pin && SSL_get_verify_result(session) == X509_V_OK) identity.names = names_of(session);
  return identity;
}

}  // namespace understudy::net
