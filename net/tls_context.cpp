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

}  // namespace

TlsContext::TlsContext(std::string certificate_file, std::string key_file)
    : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {}

TlsContext::Stamp TlsContext::stamp_of(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec};
}

Result<> TlsContext::load() {
  // Before the files are read: what changes meanwhile is seen at the next look.
  stamps_ = {stamp_of(certificate_file_), stamp_of(key_file_)};
  ERR_clear_error();
  std::unique_ptr<SSL_CTX, FreeTls> context(SSL_CTX_new(TLS_server_method()));
  if (!context) return last_error("cannot begin with TLS");
  set_options(context.get());
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file_.c_str()) != 1)
    return last_error("cannot use the certificate " + certificate_file_);
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file_.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1)
    return last_error("cannot use the key " + key_file_ + " with the certificate " + certificate_file_);
  const std::scoped_lock lock(mutex_);
  context_.swap(context);
  return {};
}

Result<bool> TlsContext::renew() {
  if (stamps_ == std::array{stamp_of(certificate_file_), stamp_of(key_file_)}) return false;
  if (const auto loaded = load(); !loaded) return loaded.error();
  return true;
}

TlsSession TlsContext::new_session() const {
  const std::scoped_lock lock(mutex_);
  return TlsSession(SSL_new(context_.get()));
}

}  // namespace understudy::net
