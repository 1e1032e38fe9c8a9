// The kernel that a simulation runs in: clocks, random numbers and a network that are numbers in memory.
//
// kernel.cpp stands in front of the C library's functions (clock_gettime, getrandom, epoll_wait, connect,
// recv, ...), so the product runs as it is, Asio and its timers included. While a Kernel exists, nothing
// waits: where epoll_wait would, the clock goes on to the next thing that happens. One thread, one Kernel at
// a time; without one everything passes through to the real kernel. Every number comes from the seed, so
// the same seed is the same run, octet by octet.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "support/plain_dns.h"

namespace understudy::test {

using Time = std::chrono::milliseconds;  // since the simulation began
using Flow = std::uint64_t;              // a socket's life; never given again

// Whoever is at the other end of all sockets.
class Network {
 public:
  virtual ~Network() = default;
  virtual void datagram(Flow flow, std::uint16_t port, const Bytes& octets) = 0;
  // To be accepted or refused, at once or later, or never.
  virtual void connecting(Flow flow, std::uint16_t port) = 0;
  virtual void octets(Flow flow, const Bytes& octets) = 0;
  virtual void closed(Flow flow) = 0;
};

class Kernel {
 public:
  explicit Kernel(std::uint64_t seed);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  Time now() const { return std::chrono::duration_cast<Time>(now_); }
  // The wall clock is set; the steady one does not notice.
  void jump(std::chrono::seconds by) { wall_jump_ += by; }
  // Below `end`, which is not 0.
  std::uint64_t random(std::uint64_t end);
  bool chance(unsigned percent) { return random(100) < percent; }

  // Done when the time comes, in the order of times and then of calls. `forget()` drops all of that kind.
  enum class Kind { world, job, network };
  void after(Time delay, Kind kind, std::function<void()> what);
  void forget(Kind kind);

  // The network's side. Nothing happens where the socket is closed already.
  void attach(Network* network) { network_ = network; }
  void accept(Flow flow);
  void refuse(Flow flow);  // TCP: no such listener; UDP: ICMP says so
  void send(Flow flow, Bytes octets);
  void end(Flow flow);    // FIN
  void reset(Flow flow);  // RST
  void reset_all();
  std::size_t open_sockets() const { return sockets_.size(); }

  // What happened so far, for people.
  void note(const std::string& line);
  const std::vector<std::string>& trace() const { return trace_; }

 private:
  friend struct Calls;
  struct Socket {
    int fd = -1;
    bool stream = false, connected = false, ended = false;
    std::uint16_t port = 0;
    int error = 0;  // for whoever asks next
    std::deque<Bytes> datagrams;
    Bytes stream_octets;
    int epoll = -1;  // registered there, with these
    std::uint32_t interest = 0;
    std::uint64_t data = 0;
    bool changed = false;  // since it was reported
    std::uint32_t ready() const;
  };
  struct Event {
    std::chrono::nanoseconds when;
    std::uint64_t order;
    bool operator<(const Event& other) const {
      return when != other.when ? when < other.when : order < other.order;
    }
  };
  struct Action {
    Kind kind;
    std::function<void()> what;
  };
  std::pair<const Flow, Socket>* of(int fd);
  Socket* of(Flow flow);
  void sleep(int milliseconds);

  std::uint64_t state_;
  std::chrono::nanoseconds now_{0};
  std::chrono::seconds wall_jump_{0};
  std::map<Event, Action> events_;
  std::uint64_t last_order_ = 0;
  Flow last_flow_ = 0;
  std::map<Flow, Socket> sockets_;
  Network* network_ = nullptr;
  std::vector<std::string> trace_;
};

}  // namespace understudy::test
