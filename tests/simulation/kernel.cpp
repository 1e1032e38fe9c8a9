#include "simulation/kernel.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace understudy::test {

namespace {

Kernel* current = nullptr;  // what the C library's functions below find

constexpr std::int64_t epoch_seconds = 1'700'000'000;
constexpr std::chrono::hours booted_before{24};  // the steady clock does not begin at 0

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

Kernel::Kernel(std::uint64_t seed) : state_(seed) { current = this; }
Kernel::~Kernel() { current = nullptr; }

// Steele, Lea and Flood, SplitMix64.
std::uint64_t Kernel::random(std::uint64_t end) {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (z ^ (z >> 31)) % end;
}

void Kernel::after(Time delay, Kind kind, std::function<void()> what) {
  events_.emplace(Event{now_ + delay, ++last_order_}, Action{kind, std::move(what)});
}

void Kernel::forget(Kind kind) {
  std::erase_if(events_, [kind](const auto& event) { return event.second.kind == kind; });
}

void Kernel::note(const std::string& line) {
  trace_.push_back(std::to_string(now_.count() / 1'000'000) + " ms " + line);
}

void Kernel::sleep(int milliseconds) {
  if (events_.empty() && milliseconds < 0) {
    std::fputs("simulation: nothing will ever happen again\n", stdout);
    std::abort();
  }
  auto end = now_ + std::chrono::milliseconds(std::max(milliseconds, 0));
  if (!events_.empty() && (milliseconds < 0 || events_.begin()->first.when < end))
    end = events_.begin()->first.when;
  now_ = end;
  while (!events_.empty() && events_.begin()->first.when <= now_) {
    const auto what = std::move(events_.begin()->second.what);
    events_.erase(events_.begin());
    what();
  }
}

std::uint32_t Kernel::Socket::ready() const {
  std::uint32_t ready = 0;
  if (error != 0) ready |= EPOLLERR | EPOLLIN | EPOLLOUT;
  if (ended) ready |= EPOLLIN;
  if (!datagrams.empty() || !stream_octets.empty()) ready |= EPOLLIN;
  if (connected) ready |= EPOLLOUT;
  return ready;
}

std::pair<const Flow, Kernel::Socket>* Kernel::of(int fd) {
  for (auto& entry : sockets_) {
    if (entry.second.fd == fd) return &entry;
  }
  return nullptr;
}

Kernel::Socket* Kernel::of(Flow flow) {
  const auto found = sockets_.find(flow);
  return found == sockets_.end() ? nullptr : &found->second;
}

void Kernel::accept(Flow flow) {
  if (Socket* socket = of(flow)) socket->connected = socket->changed = true;
}

void Kernel::refuse(Flow flow) {
  Socket* const socket = of(flow);
  if (socket == nullptr) return;
  socket->error = ECONNREFUSED;
  socket->changed = true;
}

void Kernel::send(Flow flow, Bytes octets) {
  Socket* const socket = of(flow);
  if (socket == nullptr || socket->ended || socket->error != 0) return;
  if (socket->stream) {
    socket->stream_octets.insert(socket->stream_octets.end(), octets.begin(), octets.end());
  } else {
    socket->datagrams.push_back(std::move(octets));
  }
  socket->changed = true;
}

void Kernel::end(Flow flow) {
  if (Socket* socket = of(flow)) socket->ended = socket->changed = true;
}

void Kernel::reset(Flow flow) {
  Socket* const socket = of(flow);
  if (socket == nullptr) return;
  socket->error = ECONNRESET;
  socket->stream_octets.clear();
  socket->changed = true;
}

void Kernel::reset_all() {
  for (auto& [flow, socket] : sockets_) {
    if (socket.stream) reset(flow);
  }
}

// What the functions below do for the current kernel.
struct Calls {
  static int socket(int type) {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    Kernel::Socket& made = current->sockets_[++current->last_flow_];
    made.fd = fd;
    made.stream = (type & 0xf) == SOCK_STREAM;
    return fd;
  }
  static bool is_ours(int fd) { return current != nullptr && current->of(fd) != nullptr; }
  static int fail(int error) {
    errno = error;
    return -1;
  }
  static int connect(int fd, const sockaddr* address) {
    auto& [flow, socket] = *current->of(fd);
    socket.port = ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port);
    if (!socket.stream) {
      socket.connected = true;
      return 0;
    }
    current->network_->connecting(flow, socket.port);
    return fail(EINPROGRESS);
  }
  static int take_error(Kernel::Socket& socket) { return std::exchange(socket.error, 0); }
  static ssize_t send(int fd, const iovec* parts, std::size_t count) {
    auto& [flow, socket] = *current->of(fd);
    if (socket.error != 0) return fail(take_error(socket));
    if (!socket.connected) return fail(ENOTCONN);
    Bytes octets;
    for (std::size_t i = 0; i < count; ++i) {
      const auto* from = static_cast<const std::uint8_t*>(parts[i].iov_base);
      octets.insert(octets.end(), from, from + parts[i].iov_len);
    }
    if (socket.stream) {
      current->network_->octets(flow, octets);
    } else {
      current->network_->datagram(flow, socket.port, octets);
    }
    return static_cast<ssize_t>(octets.size());
  }
  static ssize_t receive(int fd, void* room, std::size_t size) {
    Kernel::Socket& socket = current->of(fd)->second;
    if (!socket.stream && !socket.datagrams.empty()) {
      const Bytes octets = std::move(socket.datagrams.front());
      socket.datagrams.pop_front();
      size = std::min(size, octets.size());
      if (size != 0) std::memcpy(room, octets.data(), size);
      return static_cast<ssize_t>(size);
    }
    if (!socket.stream_octets.empty()) {
      size = std::min(size, socket.stream_octets.size());
      std::memcpy(room, socket.stream_octets.data(), size);
      socket.stream_octets.erase(socket.stream_octets.begin(),
                                 socket.stream_octets.begin() + static_cast<std::ptrdiff_t>(size));
      return static_cast<ssize_t>(size);
    }
    if (socket.error != 0) return fail(take_error(socket));
    return socket.ended ? 0 : fail(EAGAIN);
  }
  static int poll(pollfd& asked) {
    const unsigned wanted = static_cast<unsigned>(asked.events) | POLLERR;
    asked.revents = static_cast<short>(current->of(asked.fd)->second.ready() & wanted);
    return asked.revents != 0 ? 1 : 0;
  }
  static void error_of(int fd, void* value) {
    const int error = take_error(current->of(fd)->second);
    std::memcpy(value, &error, sizeof error);
  }
  static void control(int epoll, int operation, int fd, const epoll_event* event) {
    Kernel::Socket& socket = current->of(fd)->second;
    socket.epoll = operation == EPOLL_CTL_DEL ? -1 : epoll;
    if (operation == EPOLL_CTL_DEL) return;
    socket.interest = event->events | EPOLLERR;
    socket.data = event->data.u64;
    socket.changed = true;  // an edge anew, as Linux has it
  }
  static int gather(int epoll, epoll_event* events, int room, int count) {
    for (auto& [flow, socket] : current->sockets_) {
      if (count == room || socket.epoll != epoll || !socket.changed) continue;
      const std::uint32_t ready = socket.ready() & socket.interest;
      if (ready == 0) continue;
      socket.changed = false;
      events[count].events = ready;
      events[count++].data.u64 = socket.data;
    }
    return count;
  }
  static int wait(int epoll, epoll_event* events, int room, int timeout) {
    static const auto real_wait = real<int(int, epoll_event*, int, int)>("epoll_wait");
    int count = gather(epoll, events, room, real_wait(epoll, events, room, 0));
    if (count != 0 || timeout == 0) return count;
    current->sleep(timeout);
    return gather(epoll, events, room, real_wait(epoll, events, room, 0));
  }
  static void close(int fd) {
    const Flow flow = current->of(fd)->first;
    current->sockets_.erase(flow);
    if (current->network_ != nullptr) current->network_->closed(flow);
  }
  static void time(clockid_t clock, timespec* out) {
    std::chrono::nanoseconds now = current->now_ + booted_before;
    if (clock == CLOCK_REALTIME)
      now = current->now_ + std::chrono::seconds(epoch_seconds) + current->wall_jump_;
    out->tv_sec = now.count() / 1'000'000'000;
    out->tv_nsec = now.count() % 1'000'000'000;
  }
};

}  // namespace understudy::test

using understudy::test::Calls;
using understudy::test::current;
using understudy::test::real;

// In front of the C library.
extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  static const auto next = real<int(clockid_t, timespec*)>("clock_gettime");
  if (current == nullptr || (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)) return next(clock, out);
  Calls::time(clock, out);
  return 0;
}

ssize_t getrandom(void* room, std::size_t size, unsigned flags) {
  static const auto next = real<ssize_t(void*, std::size_t, unsigned)>("getrandom");
  if (current == nullptr) return next(room, size, flags);
  for (std::size_t i = 0; i < size; ++i)
    static_cast<std::uint8_t*>(room)[i] = static_cast<std::uint8_t>(current->random(256));
  return static_cast<ssize_t>(size);
}

// Asio then waits for its timers by epoll_wait's time-out.
int timerfd_create(int clock, int flags) noexcept {
  static const auto next = real<int(int, int)>("timerfd_create");
  return current == nullptr ? next(clock, flags) : Calls::fail(ENOSYS);
}

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  static const auto next = real<int(int, int, int, epoll_event*)>("epoll_ctl");
  if (!Calls::is_ours(fd)) return next(epoll, operation, fd, event);
  Calls::control(epoll, operation, fd, event);
  return 0;
}

int epoll_wait(int epoll, epoll_event* events, int room, int timeout) {
  static const auto next = real<int(int, epoll_event*, int, int)>("epoll_wait");
  return current == nullptr ? next(epoll, events, room, timeout) : Calls::wait(epoll, events, room, timeout);
}

int socket(int domain, int type, int protocol) noexcept {
  static const auto next = real<int(int, int, int)>("socket");
  return current == nullptr ? next(domain, type, protocol) : Calls::socket(type);
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  static const auto next = real<int(int, const sockaddr*, socklen_t)>("connect");
  return Calls::is_ours(fd) ? Calls::connect(fd, address) : next(fd, address, size);
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  static const auto next = real<int(int, unsigned long, ...)>("ioctl");
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return Calls::is_ours(fd) ? 0 : next(fd, request, argument);
}

int poll(pollfd* fds, nfds_t count, int timeout) {
  static const auto next = real<int(pollfd*, nfds_t, int)>("poll");
  if (count != 1 || !Calls::is_ours(fds->fd)) return next(fds, count, timeout);
  return Calls::poll(*fds);
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  static const auto next = real<int(int, int, int, const void*, socklen_t)>("setsockopt");
  return Calls::is_ours(fd) ? 0 : next(fd, level, name, value, size);
}

int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept {
  static const auto next = real<int(int, int, int, void*, socklen_t*)>("getsockopt");
  if (!Calls::is_ours(fd)) return next(fd, level, name, value, size);
  if (name == SO_ERROR) Calls::error_of(fd, value);
  return 0;
}

ssize_t send(int fd, const void* octets, std::size_t size, int flags) {
  static const auto next = real<ssize_t(int, const void*, std::size_t, int)>("send");
  if (!Calls::is_ours(fd)) return next(fd, octets, size, flags);
  const iovec part{const_cast<void*>(octets), size};
  return Calls::send(fd, &part, 1);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto next = real<ssize_t(int, const msghdr*, int)>("sendmsg");
  if (!Calls::is_ours(fd)) return next(fd, message, flags);
  return Calls::send(fd, message->msg_iov, message->msg_iovlen);
}

ssize_t recv(int fd, void* room, std::size_t size, int flags) {
  static const auto next = real<ssize_t(int, void*, std::size_t, int)>("recv");
  return Calls::is_ours(fd) ? Calls::receive(fd, room, size) : next(fd, room, size, flags);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static const auto next = real<ssize_t(int, msghdr*, int)>("recvmsg");
  if (!Calls::is_ours(fd)) return next(fd, message, flags);
  return Calls::receive(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
}

int shutdown(int fd, int how) noexcept {
  static const auto next = real<int(int, int)>("shutdown");
  return Calls::is_ours(fd) ? 0 : next(fd, how);
}

int close(int fd) {
  static const auto next = real<int(int)>("close");
  if (Calls::is_ours(fd)) Calls::close(fd);
  return next(fd);
}

}  // extern "C"
