// The client's side of TLS: whom a server must prove to be, and the sessions that insist on it.
//
// RFC 9103 7 and 9: TLS 1.3 or later, "dot" by ALPN, strict authentication; what is not proved is not asked.
// A context is made at start and at each reload, then shared: new_session() may be called on any thread. A
// session belongs to who asked for it. The system's authorities are read when the first session needs them: a
// hundred certificates would be half of a start where no source is asked over TLS.
#pragma once

#include <mutex>
#include <optional>

#include "net/tls_context.h"
#include "net/tls_peer.h"

namespace understudy::net {

struct TlsClientOptions {
  std::string ca_file;           // PEM; empty: the system's authorities
  std::string certificate, key;  // shown to servers that ask for one; empty: none. Read for each session
  friend bool operator==(const TlsClientOptions&, const TlsClientOptions&) = default;
};

class TlsClient {
 public:
  // Error: "tls-certificate", with the file and what OpenSSL has against it.
  static Result<std::shared_ptr<const TlsClient>> make(TlsClientOptions options);

  // Error: "tls-certificate", where our own certificate cannot be read.
  Result<TlsSession> new_session(const TlsIdentity& identity) const;
  SSL_CTX* context() const { return context_.get(); }
  const TlsClientOptions& options() const { return options_; }
  // Made of the same files, which held the same octets then. (The system's authorities are not looked at.)
  bool is_like(const TlsClient& other) const {
    return options_ == other.options_ && contents_ == other.contents_;
  }

 private:
  explicit TlsClient(TlsClientOptions options);

  const TlsClientOptions options_;
  const std::array<KeyPin, 3> contents_;  // a SHA-256 of each file, as it was when this was made
  std::unique_ptr<SSL_CTX, FreeTls> context_;
  mutable std::once_flag authorities_;  // the system's were read into the context
};

// How a server is reached over TLS.
struct TlsTrust {
  std::shared_ptr<const TlsClient> client;
  TlsIdentity identity;
};

// What is wrong with a session whose handshake is done: it speaks no "dot", or its key is not the pinned one.
// Nothing where all is well.
std::optional<Error> distrust(const SSL* session, const TlsIdentity& identity);
// Why a handshake failed, from OpenSSL's queue of errors and the session's verdict on the certificate.
Error handshake_error(const SSL* session, const TlsIdentity& identity, std::string_view otherwise);

}  // namespace understudy::net
