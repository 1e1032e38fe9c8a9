// A server with a certificate of its own, and blocking clients that speak TLS with it.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <csignal>

#include "net/tls_context.h"
#include "support/test_certificate.h"
#include "support/test_server.h"

namespace understudy::test {

// A certificate for "first", or another name, in a directory that goes with it.
class TestCertificate {
 public:
  explicit TestCertificate(const std::string& name = "first", int seconds = 3600) {
    write_certificate(files_, name, seconds);
  }
  const CertificateFiles& files() const { return files_; }
  server::ServerOptions options() const {
    server::ServerOptions options;
    options.listen.tls = {endpoint("127.0.0.1:0")};
    options.tls.certificate = files_.certificate;
    options.tls.key = files_.key;
    return options;
  }

 private:
  TemporaryDirectory directory_;
  const CertificateFiles files_{directory_.path() + "/certificate.pem", directory_.path() + "/key.pem"};
};

struct TlsWish {
  int least = TLS1_2_VERSION, most = TLS1_3_VERSION;
  std::string_view protocol = "dot";  // by ALPN; empty: none
  CertificateFiles shown = {};        // where the server asks for one
};

class TlsClient : public TcpClient {
 public:
  explicit TlsClient(const net::Endpoint& server, const TlsWish& wish = {}) : TcpClient(server) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes where the server may be gone already
    const timeval wait{patience.count(), 0};
    ::setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_security_level(context_.get(), 0);  // old versions are the server's to refuse
    SSL_CTX_set_min_proto_version(context_.get(), wish.least);
    SSL_CTX_set_max_proto_version(context_.get(), wish.most);
    if (!wish.shown.certificate.empty() &&
        (SSL_CTX_use_certificate_chain_file(context_.get(), wish.shown.certificate.c_str()) != 1 ||
         SSL_CTX_use_PrivateKey_file(context_.get(), wish.shown.key.c_str(), SSL_FILETYPE_PEM) != 1))
      throw std::runtime_error("no client certificate");
    tls_.reset(SSL_new(context_.get()));
    std::string protocols(1, static_cast<char>(wish.protocol.size()));
    protocols += wish.protocol;
    if (!wish.protocol.empty()) {
      SSL_set_alpn_protos(tls_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                          static_cast<unsigned>(protocols.size()));
    }
    SSL_set_fd(tls_.get(), fd());
    connected_ = SSL_connect(tls_.get()) == 1;
  }

  bool connected() const { return connected_; }
  int version() const { return SSL_version(tls_.get()); }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(tls_.get(), &name, &size);
    return {name, name + size};
  }
  std::string peer() const {
    X509* const certificate = SSL_get1_peer_certificate(tls_.get());
    std::array<char, 64> text{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text.data(), text.size());
    X509_free(certificate);
    return text.data();
  }
  // After the end: it came with a close_notify (RFC 8446 6.1), so nobody cut the stream short.
  bool ended_orderly() const { return (SSL_get_shutdown(tls_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

  // One record.
  void send(const Bytes& octets) override {
    if (SSL_write(tls_.get(), octets.data(), static_cast<int>(octets.size())) <= 0)
      throw std::runtime_error("SSL_write");
  }
  Bytes receive(std::size_t most = 65535) override {
    Bytes octets(most);
    const int n = SSL_read(tls_.get(), octets.data(), static_cast<int>(octets.size()));
    if (n <= 0 && SSL_get_error(tls_.get(), n) == SSL_ERROR_WANT_READ)
      throw std::runtime_error("nothing came in time");
    octets.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return octets;
  }

 private:
  std::unique_ptr<SSL_CTX, net::FreeTls> context_;
  net::TlsSession tls_;
  bool connected_ = false;
};

// A small zone behind TLS, which loopback addresses may transfer; its limits of time stand still.
class TlsTest : public ::testing::Test {
 protected:
  static ZoneText zone_text() {
    ZoneText text = zone("test.", R"(
      test. 60 SOA ns.test. h.test. 1 2 3 4 5
      test. 60 NS ns.test.
      ns.test. 60 A 192.0.2.1
      *.test. 60 TXT "wild"
    )");
    text.policy.allow_transfer = {net::Prefix::parse("127.0.0.0/8").value()};
    return text;
  }
  TestCertificate certificate_;
  ManualClock clock_;
  server::ServerOptions options_ = [this] {
    server::ServerOptions options = certificate_.options();
    options.clock = &clock_;
    return options;
  }();
  TestServer server_{{zone_text()}, options_};
  const Query ns_ = query("ns.test", type::A, 7);
};

}  // namespace understudy::test
