// pace: UDP queries at a fixed rate, sleeping between them, with answers timed by the kernel's stamps: so it
// needs little of its core, and other work on that core does not count as latency (run it under `chrt -f
// 10`).
//
// usage: pace PORT QUERYFILE SECONDS RATE
// SIGTERM ends it early. Prints one JSON line. A query without an answer after 2 s is lost.
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "queries.h"

namespace {

constexpr unsigned batch = 64;
constexpr std::uint64_t patience = 2'000'000'000;  // nanoseconds

volatile std::sig_atomic_t ended = 0;

std::uint64_t wall() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

class Pace {
 public:
  explicit Pace(std::uint16_t port) : sent_at_(65536) {
    descriptor_ = udp_to(port, SOCK_NONBLOCK);
    const int one = 1;
    setsockopt(descriptor_, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
  }
  ~Pace() { close(descriptor_); }
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;

  std::uint64_t sent() const { return sent_; }
  bool settled() const { return sent_ == answered_ + lost_; }

  void send(std::string query) {
    const auto id = static_cast<std::uint16_t>(sent_++);
    query[0] = static_cast<char>(id >> 8);
    query[1] = static_cast<char>(id & 255);
    lost_ += sent_at_[id] != 0;  // 65,536 queries ago
    sent_at_[id] = wall();
    if (::send(descriptor_, query.data(), query.size(), 0) > 0) return;
    ++lost_;
    sent_at_[id] = 0;
  }

  void receive() {
    int count = 0;
    do {
      for (unsigned i = 0; i < batch; ++i) {
        parts_[i] = {octets_[i].data(), octets_[i].size()};
        heads_[i].msg_hdr = {nullptr, 0, &parts_[i], 1, controls_[i].data(), controls_[i].size(), 0};
      }
      count = recvmmsg(descriptor_, heads_.data(), batch, MSG_DONTWAIT, nullptr);
      for (int i = 0; i < count; ++i) answered(static_cast<unsigned>(i));
    } while (count == static_cast<int>(batch));
  }

  void print() {
    for (const std::uint64_t left : sent_at_) lost_ += left != 0;
    std::sort(microseconds_.begin(), microseconds_.end());
    std::printf(
        "{\"sent\": %lu, \"answered\": %lu, \"lost\": %lu, \"p50_us\": %u, \"p99_us\": %u, \"longest_us\": "
        "%u}\n",
        sent_, answered_, lost_, quantile(microseconds_, .5), quantile(microseconds_, .99),
        quantile(microseconds_, 1));
  }

 private:
  void answered(unsigned i) {
    std::uint64_t& sent = sent_at_[static_cast<std::size_t>(octets_[i][0] << 8 | octets_[i][1])];
    const cmsghdr* stamp = CMSG_FIRSTHDR(&heads_[i].msg_hdr);
    if (sent == 0 || stamp == nullptr) return;
    timespec time{};
    std::memcpy(&time, CMSG_DATA(stamp), sizeof time);
    const std::uint64_t at =
        static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
    microseconds_.push_back(at > sent ? static_cast<std::uint32_t>((at - sent) / 1000) : 0);
    sent = 0;
    ++answered_;
  }

  int descriptor_ = -1;
  std::uint64_t sent_ = 0, answered_ = 0, lost_ = 0;
  std::vector<std::uint64_t> sent_at_;  // by ID; 0: not in flight
  std::vector<std::uint32_t> microseconds_;
  std::array<std::array<std::uint8_t, 4096>, batch> octets_;
  alignas(cmsghdr) std::array<std::array<char, 64>, batch> controls_;
  std::array<mmsghdr, batch> heads_{};
  std::array<iovec, batch> parts_{};
};

void run(Pace& pace, const std::vector<std::string>& queries, double seconds, double rate) {
  const std::uint64_t start = wall(), end = start + static_cast<std::uint64_t>(seconds * 1e9);
  std::uint64_t over = 0;
  for (;;) {
    const std::uint64_t time = wall();
    if (over == 0 && (ended != 0 || time > end)) over = time;
    if (over != 0 && (time > over + patience || pace.settled())) return;
    const auto due = static_cast<std::uint64_t>(static_cast<double>(time - start) / 1e9 * rate);
    while (over == 0 && pace.sent() < due) pace.send(queries[pace.sent() % queries.size()]);
    pace.receive();
    const std::uint64_t next =
        over != 0 ? time + 1'000'000
                  : start + static_cast<std::uint64_t>(static_cast<double>(pace.sent() + 1) / rate * 1e9);
    const timespec until{static_cast<time_t>(next / 1'000'000'000), static_cast<long>(next % 1'000'000'000)};
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, nullptr);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) {
    std::fprintf(stderr, "usage: pace PORT QUERYFILE SECONDS RATE\n");
    return 2;
  }
  signal(SIGTERM, [](int) { ended = 1; });
  prctl(PR_SET_TIMERSLACK, 1);
  const auto queries = read_queries(arguments[2], false);
  if (queries.empty()) {
    std::fprintf(stderr, "pace: no queries in %s\n", arguments[2]);
    return 2;
  }
  Pace pace(static_cast<std::uint16_t>(std::atoi(arguments[1])));
  run(pace, queries, std::atof(arguments[3]), std::atof(arguments[4]));
  pace.print();
}
