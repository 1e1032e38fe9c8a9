// A name server over TLS whose every choice is the test's: versions, ALPN, whether it wants a certificate,
// what it answers, and when it hangs up. One connection after the other, on a thread of its own, or (as an
// option) several at once; what came in the clear is kept to be looked at.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include "support/test_server.h"
#include "support/tls_client.h"

namespace understudy::test {

class TlsResponder {
 public:
  struct Choices {
    int least = TLS1_2_VERSION, most = TLS1_3_VERSION;
    bool speaks_dot = true;  // by ALPN
    bool wants_certificate = false;
    bool in_the_clear = false;         // no TLS at all
    int answers = -1;                  // on each connection; the question after them is read, and it hangs up
    int connections_that_answer = -1;  // the first ones; the others hang up after the first question
    int connections_at_once = 1;
  };
  using Answer = std::function<std::vector<Bytes>(const Bytes& query)>;

  TlsResponder(const CertificateFiles& files, Choices choices, Answer answer)
      : choices_(choices), answer_(std::move(answer)) {
    std::signal(SIGPIPE, SIG_IGN);
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_min_proto_version(context_.get(), choices_.least);
    SSL_CTX_set_max_proto_version(context_.get(), choices_.most);
    SSL_CTX_use_certificate_chain_file(context_.get(), files.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), files.key.c_str(), SSL_FILETYPE_PEM);
    if (choices_.speaks_dot) SSL_CTX_set_alpn_select_cb(context_.get(), choose_dot, nullptr);
    if (choices_.wants_certificate)
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, take_any);
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const auto any = endpoint("127.0.0.1:0").tcp();
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    if (::bind(listener_, any.data(), static_cast<socklen_t>(any.size())) != 0 ||
        ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size) != 0)
      throw std::runtime_error("cannot listen");
    endpoint_ = {boost::asio::ip::address_v4::loopback(), ntohs(bound.sin_port)};
    thread_ = std::thread([this] { run(); });
  }
  ~TlsResponder() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (std::thread& other : others_) other.join();
    ::close(listener_);
  }

  net::Endpoint address() const { return endpoint_; }
  std::atomic<int> connections{0}, queries{0};
  std::atomic<bool> has_client_certificate{false};
  // In the clear: the first octet of what a client sent, 22 for a TLS handshake.
  std::atomic<int> first_octet{-1};

 private:
  static int choose_dot(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                        unsigned offered_size, void*) {
    static constexpr unsigned char dot[] = {3, 'd', 'o', 't'};
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, size, dot, sizeof dot, offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
  }
  static int take_any(int, X509_STORE_CTX*) { return 1; }

  void run() {
    for (;;) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      ++connections;
      const timeval wait{patience.count(), 0};
      ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
      if (choices_.connections_at_once > 1) {
        others_.emplace_back([this, connection] { attend(connection); });
      } else {
        attend(connection);
      }
    }
  }
  void attend(int connection) {
    choices_.in_the_clear ? serve_clear(connection) : serve(connection);
    ::close(connection);
  }
  // What a server that knows nothing of TLS does with octets that are no query: it hangs up.
  void serve_clear(int connection) {
    std::uint8_t octet = 0;
    if (::recv(connection, &octet, 1, 0) == 1) first_octet = octet;
  }
  void serve(int connection) {
    const net::TlsSession session(SSL_new(context_.get()));
    SSL_set_fd(session.get(), connection);
    if (SSL_accept(session.get()) != 1) return;
    has_client_certificate = SSL_get0_peer_certificate(session.get()) != nullptr;
    int answers = choices_.answers;
    if (choices_.connections_that_answer >= 0 && connections > choices_.connections_that_answer) answers = 0;
    Bytes length(2);
    while (read(session.get(), length)) {
      Bytes query(dns::load16(length.data()));
      if (!read(session.get(), query)) return;
      ++queries;
      if (answers-- == 0) return;
      for (const Bytes& message : answer_(query)) {
        const Bytes frame = framed(message);
        if (SSL_write(session.get(), frame.data(), static_cast<int>(frame.size())) <= 0) return;
      }
    }
  }
  static bool read(SSL* session, Bytes& out) {
    for (std::size_t at = 0; at < out.size();) {
      const int n = SSL_read(session, out.data() + at, static_cast<int>(out.size() - at));
      if (n <= 0) return false;
      at += static_cast<std::size_t>(n);
    }
    return true;
  }

  const Choices choices_;
  const Answer answer_;
  std::unique_ptr<SSL_CTX, net::FreeTls> context_;
  int listener_ = -1;
  net::Endpoint endpoint_;
  std::thread thread_;
  std::vector<std::thread> others_;  // thread_'s, until it is over
};

}  // namespace understudy::test
