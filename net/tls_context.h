// A server's certificate and key (RFC 7858), and the sessions that are made with them.
//
// Shared by all workers. new_session() may be called on any thread (one mutex, taken once a connection);
// load() and renew() by one thread at a time. A session belongs to who asked for it and keeps the certificate
// it began with.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"

namespace understudy::net {

struct FreeTls {
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsSession = std::unique_ptr<SSL, FreeTls>;

class TlsContext {
 public:
  TlsContext(std::string certificate_file, std::string key_file);

  // Error: "tls-certificate", with the file and what OpenSSL has against it.
  Result<> load();
  // Looks whether one of the files is another than at the last look, and takes the pair if so: true. False
  // where nothing changed. A pair that is no good is an error once, and the one before goes on.
  Result<bool> renew();

  // For the server's side; nothing where there is no memory. Before load() went well it must not be called.
  TlsSession new_session() const;

 private:
  // What tells one file from the next of the same name.
  struct Stamp {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static Stamp stamp_of(const std::string& file);

  const std::string certificate_file_, key_file_;
  std::array<Stamp, 2> stamps_;
  mutable std::mutex mutex_;
  std::unique_ptr<SSL_CTX, FreeTls> context_;  // under mutex_
};

}  // namespace understudy::net
