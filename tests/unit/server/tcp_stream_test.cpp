// A stream by itself: what it reads, what it writes, what it waits for, plain and over TLS.
#include "server/tcp_stream.h"

#include <sys/epoll.h>

#include "support/tls_client.h"

namespace understudy::test {
namespace {

using server::Socket;
using server::TcpStream;

std::pair<Socket, Socket> pair_of_sockets() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()) != 0)
    throw std::runtime_error("socketpair");
  return {Socket(fds[0]), Socket(fds[1])};
}

TEST(TcpStream, PlainReadsAndWritesWhatThereIs) {
  auto [ours, theirs] = pair_of_sockets();
  TcpStream stream(std::move(ours), nullptr);
  EXPECT_TRUE(stream.established());
  EXPECT_TRUE(stream.may_carry_zones());
  Bytes room(100);
  EXPECT_EQ(stream.read(room), 0u);
  EXPECT_EQ(stream.blocked_on(), static_cast<std::uint32_t>(EPOLLIN));
  EXPECT_EQ(::write(theirs.fd(), "abc", 3), 3);
  EXPECT_TRUE(stream.has_unread());
  EXPECT_EQ(stream.read(room), 3u);
  EXPECT_FALSE(stream.has_unread());
  const Bytes much(1 << 20);
  std::optional<std::size_t> written;
  while ((written = stream.write(much)).value_or(0) != 0) {
  }
  EXPECT_EQ(written, 0u);
  EXPECT_EQ(stream.blocked_on(), static_cast<std::uint32_t>(EPOLLOUT));
  theirs.close();
  EXPECT_EQ(stream.read(room), std::nullopt);
  EXPECT_EQ(stream.write(much), std::nullopt);
}

// A stream with a client whose every step the test makes; the handshake is done.
class TlsStream : public ::testing::Test {
 protected:
  TlsStream() {
    net::TlsServerOptions options;
    options.certificate = certificate_.files().certificate;
    options.key = certificate_.files().key;
    context_.take(net::TlsContext::load(options).value());
    auto [ours, theirs] = pair_of_sockets();
    theirs_ = std::move(theirs);
    stream_.emplace(std::move(ours), context_.new_session());
    client_context_.reset(SSL_CTX_new(TLS_client_method()));
    client_.reset(SSL_new(client_context_.get()));
    SSL_set_fd(client_.get(), theirs_.fd());
    Bytes room(100);
    EXPECT_FALSE(stream_->established());
    while (SSL_connect(client_.get()) != 1) EXPECT_EQ(stream_->read(room), 0u);
    EXPECT_EQ(stream_->read(room), 0u);
    EXPECT_TRUE(stream_->established());
  }
  void send_record(std::size_t size) {
    const Bytes octets(size, 'x');
    EXPECT_EQ(SSL_write(client_.get(), octets.data(), static_cast<int>(size)), static_cast<int>(size));
  }

  const TestCertificate certificate_;
  net::TlsContext context_;
  Socket theirs_;
  std::optional<TcpStream> stream_;
  std::unique_ptr<SSL_CTX, net::FreeTls> client_context_;
  net::TlsSession client_;
};

TEST_F(TlsStream, ReadsManyRecordsAtOnce) {
  for (int i = 0; i < 3; ++i) send_record(40);
  Bytes room(1000);
  EXPECT_EQ(stream_->read(room), 120u);
  EXPECT_FALSE(stream_->holds_more());
  EXPECT_EQ(stream_->blocked_on(), static_cast<std::uint32_t>(EPOLLIN));
}

// What is decrypted already comes with no event.
TEST_F(TlsStream, SaysThatThereIsMoreThanRoom) {
  for (int i = 0; i < 3; ++i) send_record(40);
  Bytes room(50);
  EXPECT_EQ(stream_->read(room), 50u);
  EXPECT_TRUE(stream_->holds_more());
  EXPECT_FALSE(stream_->has_unread());
  EXPECT_EQ(stream_->read(room), 50u);
  EXPECT_TRUE(stream_->holds_more());
  EXPECT_EQ(stream_->read(room), 20u);
  EXPECT_FALSE(stream_->holds_more());
}

// The client's goodbye comes behind what it sent, and no event may tell of it.
TEST_F(TlsStream, TheEndComesAfterTheRest) {
  send_record(40);
  SSL_shutdown(client_.get());
  Bytes room(1000);
  EXPECT_EQ(stream_->read(room), 40u);
  EXPECT_TRUE(stream_->holds_more());
  EXPECT_EQ(stream_->read(room), std::nullopt);
}

TEST_F(TlsStream, WritesUntilTheOtherSideTakesNoMore) {
  Bytes much(4 << 20);
  for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<std::uint8_t>(i % 251);
  std::size_t sent = 0;
  Bytes came, room(1 << 16);
  unsigned waits = 0;
  while (came.size() < much.size()) {
    const auto written = stream_->write(dns::Octets(much).subspan(sent));
    ASSERT_TRUE(written);
    sent += *written;
    waits += sent < much.size() && stream_->blocked_on() == EPOLLOUT;
    for (int n; (n = SSL_read(client_.get(), room.data(), static_cast<int>(room.size()))) > 0;)
      came.insert(came.end(), room.begin(), room.begin() + n);
  }
  EXPECT_EQ(came, much);
  EXPECT_GT(waits, 0u);
}

TEST_F(TlsStream, JunkInsteadOfRecordsEndsIt) {
  EXPECT_EQ(::write(theirs_.fd(), "nothing that TLS knows", 22), 22);
  Bytes room(100);
  EXPECT_EQ(stream_->read(room), std::nullopt);
  EXPECT_EQ(stream_->write(room), std::nullopt);
}

}  // namespace
}  // namespace understudy::test
