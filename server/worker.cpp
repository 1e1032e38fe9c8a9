#include "server/worker.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "base/log.h"

namespace understudy::server {
namespace {

constexpr const char* no_room = "the kernel takes no more descriptors to watch (fs.epoll.max_user_watches)";

// A worker is woken often and works briefly. Without this wish a thread of ours that works hard (a transfer,
// a sort) keeps its core to the end of its turn, three milliseconds, before the kernel lets the worker
// answer. Where the kernel knows no such wish (before Linux 6.12) all is as it was.
void ask_for_short_turns() {
  struct {  // sched_attr of sched_setattr(2); its header cannot stand beside the C library's
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime, deadline, period;
  } attributes{};
  static_assert(sizeof attributes == 48);
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;  // somebody chose otherwise
  attributes.runtime = 100'000;                  // nanoseconds, the least there is
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

Worker::Worker(backend::ZoneTables& tables, std::unique_ptr<backend::Reader> reader, unsigned number,
               backend::NotifySink& notify, TransfersOut& transfers, ConnectionCounts& counts,
               const TcpOptions& tcp, const PipelineOptions& options, const Clock& clock,
               unsigned sample_every)
    : samples_(sample_every),
      pipeline_(tables, std::move(reader), number, &counters_, &notify, options, &clock),
      loop_(clock),
      shared_{loop_, pipeline_, counters_, transfers, samples_},
      tcp_(shared_, counts, tcp) {}

Worker::~Worker() { stop(); }

void Worker::add(SocketPair sockets, bool tls) {
  if (!tls) udp_.push_back(std::make_shared<UdpListener>(std::move(sockets.udp), shared_));
  tcp_.add(std::move(sockets.tcp), tls);
}

Result<> Worker::listen() {
  if (auto listening = tcp_.listen(); !listening) return listening;
  bool watched = tcp_.start();
  for (const auto& listener : udp_) watched = watched && listener->start();
  if (watched) return {};
  return Error{"event-loop", no_room};
}

void Worker::start() {
  thread_ = std::thread([this] {
    // OpenSSL writes where a client may be gone already, which must not end the process.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ask_for_short_turns();
    loop_.run();
  });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_.post([this] {
    for (const auto& listener : udp_) listener->close();
    tcp_.close();
  });
  loop_.stop();
  thread_.join();
}

void Worker::open_door(SocketPair sockets, bool tls) {
  auto shared = std::make_shared<SocketPair>(std::move(sockets));
  loop_.post([this, shared, tls, address = net::to_string(local_endpoint(shared->tcp))] {
    add(std::move(*shared), tls);
    // A socket that nobody reads would swallow its share of the queries: closed, the other workers get it.
    const bool streams = tcp_.start_last(), datagrams = tls || udp_.back()->start();
    if (!datagrams) udp_.pop_back();
    if (streams && datagrams) return;
    log::error("listener-refused", {{"address", address},
                                    {"over", streams     ? "udp"
                                             : datagrams ? "tcp"
                                                         : "udp,tcp"},
                                    {"message", no_room},
                                    {"next", "a worker fewer answers there until the next start"}});
  });
}

void Worker::close_door(const net::Endpoint& endpoint, bool tls) {
  loop_.post([this, endpoint, tls] {
    const auto listener =
        std::ranges::find(udp_, endpoint, [](const auto& one) { return one->local_endpoint(); });
    if (!tls && listener != udp_.end()) {
      (*listener)->drain_and_close();
      loop_.keep_for_this_turn(*listener);
      udp_.erase(listener);
    }
    tcp_.close_door(endpoint, tls);
  });
}

void Worker::believe(dns::TsigKeyRingPtr keys) {
  loop_.post([this, keys = std::move(keys)] { pipeline_.believe(keys); });
}

}  // namespace understudy::server
