// The event loop: who is told, in which turn, and what comes from other threads.
#include "server/event_loop.h"

#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "support/test_server.h"

namespace understudy::test {
namespace {

// One end of a pair of sockets, with something to read once poke() was called.
class Told final : public server::EventHandler {
 public:
  explicit Told(std::function<void()> what) : what_(std::move(what)) {
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds_.data()) != 0) throw std::runtime_error("socketpair");
  }
  ~Told() {
    for (const int fd : fds_) ::close(fd);
  }
  int fd() const { return fds_[0]; }
  void poke() const { EXPECT_EQ(::write(fds_[1], "x", 1), 1); }
  void on_ready(std::uint32_t) override { what_(); }

 private:
  std::array<int, 2> fds_;
  std::function<void()> what_;
};

class EventLoopTest : public ::testing::Test {
 protected:
  EventLoopTest() { EXPECT_TRUE(loop_.open()); }
  ManualClock clock_;
  server::EventLoop loop_{clock_};
};

TEST_F(EventLoopTest, RunsWhatOtherThreadsPostInTheirOrder) {
  std::vector<int> ran;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop_.post([&ran, i] { ran.push_back(i); });
    loop_.stop();
  });
  loop_.run();
  other.join();
  ASSERT_EQ(ran.size(), 100u);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST_F(EventLoopTest, WhoLeavesSomethingUnreadIsToldAgainInTheNextTurnAndHoldsUpNobody) {
  int greedy_turns = 0, other_turns = 0;
  Told greedy([&] {
    if (++greedy_turns == 3) loop_.stop();
  });
  Told other([&] { ++other_turns; });
  ASSERT_TRUE(loop_.watch(greedy.fd(), EPOLLIN, greedy));
  ASSERT_TRUE(loop_.watch(other.fd(), EPOLLIN, other));
  greedy.poke();
  other.poke();
  loop_.run();
  EXPECT_GE(other_turns, 2);
}

TEST_F(EventLoopTest, WhatIsWatchedForNothingIsNotTold) {
  Told quiet([] { FAIL(); });
  ASSERT_TRUE(loop_.watch(quiet.fd(), EPOLLIN, quiet));
  loop_.change(quiet.fd(), 0, quiet);
  quiet.poke();
  loop_.post([this] { loop_.stop(); });
  loop_.run();
}

TEST_F(EventLoopTest, TheTimerGoesByTheClock) {
  struct Bell final : server::TimerHandler {
    explicit Bell(server::EventLoop& l) : loop(l) {}
    void on_timer(SteadyTime now) override {
      rang = now;
      loop.stop();
    }
    server::EventLoop& loop;
    std::optional<SteadyTime> rang;
  } bell(loop_);
  const SteadyTime begin = clock_.steady();
  loop_.set_timer(begin + std::chrono::seconds(100), bell);
  loop_.post([&] { EXPECT_FALSE(bell.rang); });
  loop_.post([&] { clock_.advance(std::chrono::seconds(100)); });
  loop_.run();
  ASSERT_TRUE(bell.rang);
  EXPECT_GE(*bell.rang, begin + std::chrono::seconds(100));
}

TEST_F(EventLoopTest, WhatEndedIsKeptUntilTheTurnIsOver) {
  auto ended = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = ended;
  loop_.post([&] { loop_.keep_for_this_turn(std::move(ended)); });
  loop_.post([&] {
    EXPECT_FALSE(watched.expired());
    // In a later turn.
    loop_.post([&] {
      EXPECT_TRUE(watched.expired());
      loop_.stop();
    });
  });
  loop_.run();
}

}  // namespace
}  // namespace understudy::test
