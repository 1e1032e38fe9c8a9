// tcpflood: DNS over TCP in a closed loop from one core, with a count for each connection, so that one that
// starves shows.
//
// usage: tcpflood PORT QUERYFILE SECONDS CONNECTIONS IN_FLIGHT [once]
// Each of CONNECTIONS keeps IN_FLIGHT queries under way. They are dialled one after the other and ask one
// query each before the clock starts: Knot's listen backlog is 10, and a SYN dropped there is sent again a
// second later. With `once` each connection asks one query, closes (FIN first from here) and is dialled
// again; a time then counts from connect(). Prints one JSON line: `least` is what the connection with the
// fewest answers got, as a share of the mean; `client` the share of this core that the load itself took.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "queries.h"

namespace {

constexpr std::uint64_t patience = 5'000'000'000;  // nanoseconds, for a first answer

struct Load {
  std::vector<std::string> queries;
  std::size_t next = 0;
  sockaddr_in address{};
  int epoll = epoll_create1(0);
  unsigned window = 1;
  bool once = false;
  bool greeting = false;  // each connection asks one query only
};

struct Tally {
  std::uint64_t sent = 0, answered = 0, lost = 0, octets = 0, dialled = 0, undialled = 0;
  std::array<std::uint64_t, 16> rcodes{};
  std::vector<std::uint32_t> microseconds;
};

class Connection {
 public:
  Connection(Load& load, Tally& tally)
      : load_(load), tally_(tally), free_(load.window), sent_at_(load.window), in_(1 << 17) {}
  ~Connection() { hang_up(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  std::uint64_t answered() const { return answered_; }

  void dial() {
    descriptor_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int yes = 1;
    setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    dialled_at_ = now();
    const auto* address = reinterpret_cast<const sockaddr*>(&load_.address);
    if (connect(descriptor_, address, sizeof load_.address) != 0 && errno != EINPROGRESS) {
      ++tally_.undialled;  // most likely no port is left: those of closed connections rest in TIME-WAIT
      hang_up();
      return;
    }
    ++tally_.dialled;
    free_.clear();
    for (unsigned id = 0; id < load_.window; ++id) free_.push_back(static_cast<std::uint16_t>(id));
    out_.clear();
    have_ = 0;
    asked_ = false;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = this;
    epoll_ctl(load_.epoll, EPOLL_CTL_ADD, descriptor_, &event);
  }

  void start_counting() {
    answered_ = 0;
    if (is_open() && !send_more()) hang_up();
  }

  void on_event(std::uint32_t events) {
    if ((events & EPOLLIN) != 0 && !receive()) return hang_up();
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 || !send_more()) hang_up();
  }

 private:
  void hang_up() {
    if (!is_open()) return;
    tally_.lost += load_.window - free_.size();
    free_.resize(load_.window);
    close(descriptor_);
    descriptor_ = -1;
  }

  // False: this connection has ended. It asks for more as soon as answers have come.
  bool receive() {
    for (;;) {
      const ssize_t count = recv(descriptor_, in_.data() + have_, in_.size() - have_, 0);
      if (count < 0 && errno == EAGAIN) return true;
      if (count <= 0) return false;
      have_ += static_cast<std::size_t>(count);
      if (!take_answers() || (load_.once && asked_ && free_.size() == load_.window) || !send_more())
        return false;
    }
  }

  bool take_answers() {
    const std::uint64_t time = now();
    std::size_t at = 0;
    for (std::size_t length = 0; have_ - at >= 2; at += 2 + length) {
      length = static_cast<std::size_t>(in_[at] << 8 | in_[at + 1]);
      if (have_ - at < 2 + length) break;
      const std::uint8_t* answer = in_.data() + at + 2;
      const auto id = static_cast<std::uint16_t>(length < 12 ? 0xffff : answer[0] << 8 | answer[1]);
      if (id >= load_.window || sent_at_[id] == 0) return false;  // no answer to anything asked
      tally_.microseconds.push_back(static_cast<std::uint32_t>((time - sent_at_[id]) / 1000));
      sent_at_[id] = 0;
      free_.push_back(id);
      ++answered_;
      ++tally_.answered;
      ++tally_.rcodes[answer[3] & 15];
      tally_.octets += length;
    }
    have_ -= at;
    std::memmove(in_.data(), in_.data() + at, have_);
    return true;
  }

  bool send_more() {
    const std::uint64_t time = load_.once ? dialled_at_ : now();
    while (!free_.empty() && !((load_.once || load_.greeting) && asked_)) {
      const std::string& query = load_.queries[load_.next++ % load_.queries.size()];
      const std::uint16_t id = free_.back();
      free_.pop_back();
      sent_at_[id] = time;
      const std::size_t start = out_.size();
      out_ += {static_cast<char>(query.size() >> 8), static_cast<char>(query.size() & 255)};
      out_ += query;
      out_[start + 2] = static_cast<char>(id >> 8);
      out_[start + 3] = static_cast<char>(id & 255);
      asked_ = true;
      ++tally_.sent;
    }
    if (out_.empty()) return true;
    const ssize_t count = send(descriptor_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == ENOTCONN;  // EPOLLOUT calls again
    out_.erase(0, static_cast<std::size_t>(count));
    return true;
  }

  Load& load_;
  Tally& tally_;
  int descriptor_ = -1;
  std::uint64_t dialled_at_ = 0, answered_ = 0;
  bool asked_ = false;
  std::vector<std::uint16_t> free_;     // IDs that are not under way; full while closed
  std::vector<std::uint64_t> sent_at_;  // by ID; 0: not under way
  std::string out_;
  std::vector<std::uint8_t> in_;  // holds the longest message and more
  std::size_t have_ = 0;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void serve_events(const Load& load) {
  std::array<epoll_event, 256> events{};
  const int count = epoll_wait(load.epoll, events.data(), static_cast<int>(events.size()), 10);
  for (int i = 0; i < count; ++i) {
    auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
    connection->on_event(events[static_cast<std::size_t>(i)].events);
  }
}

void dial_closed(const std::vector<std::unique_ptr<Connection>>& connections) {
  for (const auto& connection : connections) {
    if (!connection->is_open()) connection->dial();
  }
}

void greet(Load& load, const std::vector<std::unique_ptr<Connection>>& connections, Tally& tally) {
  load.greeting = true;
  for (const auto& connection : connections) {
    connection->dial();
    for (const std::uint64_t end = now() + patience; connection->answered() == 0 && now() < end;)
      serve_events(load);
  }
  load.greeting = false;
  tally = Tally{};
  for (const auto& connection : connections) connection->start_counting();
}

void run(const Load& load, const std::vector<std::unique_ptr<Connection>>& connections, double seconds) {
  const std::uint64_t end = now() + static_cast<std::uint64_t>(seconds * 1e9);
  while (now() < end) {
    dial_closed(connections);
    serve_events(load);
  }
}

void print(const Tally& tally, const std::vector<std::unique_ptr<Connection>>& connections, double seconds,
           double cpu) {
  const double answered = static_cast<double>(std::max<std::uint64_t>(1, tally.answered));
  std::uint64_t fewest = tally.answered;
  for (const auto& connection : connections) fewest = std::min(fewest, connection->answered());
  const double least = static_cast<double>(fewest) * static_cast<double>(connections.size()) / answered;
  std::printf(
      "{\"sent\": %lu, \"answered\": %lu, \"lost\": %lu, \"dialled\": %lu, \"undialled\": %lu, \"qps\": "
      "%.0f, "
      "\"p50_us\": %u, \"p99_us\": %u, \"longest_us\": %u, \"least\": %.4f, \"octets\": %.2f, \"noerror\": "
      "%.5f, "
      "\"nxdomain\": %.5f, \"client\": %.2f}\n",
      tally.sent, tally.answered, tally.lost, tally.dialled, tally.undialled,
      static_cast<double>(tally.answered) / seconds, quantile(tally.microseconds, .5),
      quantile(tally.microseconds, .99), quantile(tally.microseconds, 1), least,
      static_cast<double>(tally.octets) / answered, static_cast<double>(tally.rcodes[0]) / answered,
      static_cast<double>(tally.rcodes[3]) / answered, cpu / seconds);
}

}  // namespace

int main(int count, char** arguments) {
  const int connection_count = count < 6 ? 0 : std::atoi(arguments[4]),
            window = count < 6 ? 0 : std::atoi(arguments[5]);
  if (connection_count < 1 || window < 1 || window > 1024) {
    std::fprintf(stderr, "usage: tcpflood PORT QUERYFILE SECONDS CONNECTIONS IN_FLIGHT (1 to 1024) [once]\n");
    return 2;
  }
  Load load;
  load.queries = read_queries(arguments[2], false);
  if (load.queries.empty()) {
    std::fprintf(stderr, "tcpflood: no queries in %s\n", arguments[2]);
    return 2;
  }
  load.address.sin_family = AF_INET;
  load.address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(arguments[1])));
  load.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  load.window = static_cast<unsigned>(window);
  load.once = count > 6 && std::strcmp(arguments[6], "once") == 0;
  Tally tally;
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < connection_count; ++i) connections.push_back(std::make_unique<Connection>(load, tally));
  if (!load.once) greet(load, connections, tally);
  const double seconds = std::atof(arguments[3]), before = cpu_seconds();
  run(load, connections, seconds);
  const double cpu = cpu_seconds() - before;
  std::sort(tally.microseconds.begin(), tally.microseconds.end());
  print(tally, connections, seconds, cpu);
}
