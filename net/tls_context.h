// What a server shows and believes over TLS: its certificate and key (RFC 7858), whose certificates of
// clients are good (RFC 9103 9.3.3), and the sessions that are made with them.
//
// Shared by all workers. new_session() and identity_of() may be called on any thread (the former takes a
// mutex, once a connection); the rest by one thread at a time. A session belongs to who asked for it and
// keeps the certificate it began with.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <mutex>

#include "net/tls_peer.h"

namespace understudy::net {

struct FreeTls {
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsSession = std::unique_ptr<SSL, FreeTls>;

// Files in PEM. With one of the last two, clients are asked for a certificate; one that has none, or none
// that is believed, is a client like any other, but proves nothing.
struct TlsServerOptions {
  std::string certificate, key;
  std::string client_ca;            // the authorities of clients; empty: nobody's
  std::vector<KeyPin> client_pins;  // keys of clients; what else their certificates say proves nothing
  bool asks_clients() const { return !client_ca.empty() || !client_pins.empty(); }
  friend bool operator==(const TlsServerOptions&, const TlsServerOptions&) = default;
};

class TlsContext {
 public:
  // What was read and found good, and is not in force yet.
  class Loaded;
  // Error: "tls-certificate", with the file and what OpenSSL has against it.
  static Result<std::shared_ptr<Loaded>> load(const TlsServerOptions& options);
  // From now on sessions begin with it.
  void take(std::shared_ptr<const Loaded> loaded);
  // False before the first take().
  bool in_force() const { return current_ != nullptr; }
  // What is in force was made of these, and the files are the same still.
  bool is_current(const TlsServerOptions& options) const;

  // Looks whether one of the files is another than at the last look, and takes all of them if so: true. False
  // where nothing changed, or nothing is in force. Files that are no good are an error once, and what was
  // before goes on.
  Result<bool> renew();

  // For the server's side; nothing where there is no memory, or nothing in force.
  TlsSession new_session() const;
  // What the client of a session whose handshake is done has proved.
  static ClientIdentity identity_of(const SSL* session);

 private:
  // What tells one file from the next of the same name.
  struct Stamp {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  using Stamps = std::array<Stamp, 3>;
  static Stamp stamp_of(const std::string& file);
  static Stamps stamps_of(const TlsServerOptions& options);

  Stamps seen_;  // of the files at the last look
  mutable std::mutex mutex_;
  std::shared_ptr<const Loaded> current_;  // changed under mutex_
};

}  // namespace understudy::net
