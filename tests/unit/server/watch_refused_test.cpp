// A kernel that watches no more descriptors for us (epoll_ctl(2): ENOSPC, fs.epoll.max_user_watches).
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "support/test_server.h"

namespace {

std::atomic<bool> no_more_watches{false};

}  // namespace

// Stands in front of the C library's.
extern "C" int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (operation == EPOLL_CTL_ADD && no_more_watches.load()) {
    errno = ENOSPC;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}

namespace understudy::test {
namespace {

class WatchRefused : public ::testing::Test {
 protected:
  ~WatchRefused() override { no_more_watches = false; }
  bool answers(const net::Endpoint& address) {
    TcpClient client(address);
    return client.ask(query("test", type::SOA)).answer.size() == 1;
  }
  TestServer server_{{zone("test.", "test. 60 SOA ns. h. 1 2 3 4 5\ntest. 60 NS ns.")}};
};

TEST_F(WatchRefused, AConnectionIsClosedAndCounted) {
  TcpClient kept(server_.address());
  // The first may be answered before the connection is watched; the second is not.
  for (int i = 0; i < 2; ++i) EXPECT_EQ(kept.ask(query("test", type::SOA)).answer.size(), 1u);
  no_more_watches = true;
  TcpClient refused(server_.address());
  EXPECT_TRUE(refused.ended());
  EXPECT_EQ(kept.ask(query("test", type::SOA)).answer.size(), 1u) << "who was there stays";
  no_more_watches = false;
  EXPECT_TRUE(answers(server_.address()));
  server_.stop();
  EXPECT_EQ(server_.dropped(metrics::Dropped::connection_limit), 1u);
}

TEST_F(WatchRefused, AListenerIsClosedAndSwallowsNothing) {
  TcpClient kept(server_.address());
  // The first may be answered before the connection is watched; the second is not.
  for (int i = 0; i < 2; ++i) EXPECT_EQ(kept.ask(query("test", type::SOA)).answer.size(), 1u);
  const auto doors =
      server_.server().prepare_listen({{endpoint("127.0.0.1:0"), endpoint("127.0.0.2:0")}, {}}, {}).value();
  no_more_watches = true;
  server_.server().listen(*doors);
  // The worker does what was posted before or while it answers the first of these.
  for (int i = 0; i < 2; ++i) EXPECT_EQ(kept.ask(query("test", type::SOA)).answer.size(), 1u);
  no_more_watches = false;
  EXPECT_THROW(TcpClient(server_.address(1)), std::runtime_error) << "refused, not left to wait";
  UdpClient datagrams(server_.address(1));
  datagrams.send(encode(query("test", type::SOA)));
  EXPECT_TRUE(datagrams.receive().empty());
}

}  // namespace
}  // namespace understudy::test
