#include "server/worker.h"

#include <csignal>

namespace understudy::server {

namespace {

// With port 0 UDP's choice may be taken for TCP; that it is so this often in a row means something else.
constexpr unsigned port_attempts = 16;

}  // namespace

Worker::Worker(backend::ZoneTables& tables, std::unique_ptr<backend::Reader> reader, unsigned number,
               backend::NotifySink& notify, TransfersOut& transfers, ConnectionCounts& counts,
               const TcpOptions& tcp, const PipelineOptions& options, const Clock& clock)
    : pipeline_(tables, std::move(reader), number, &counters_, &notify, options, &clock),
      loop_(clock),
      shared_{loop_, pipeline_, counters_, transfers},
      tcp_(shared_, counts, tcp) {}

Worker::~Worker() { stop(); }

Result<net::Endpoint> Worker::bind(const net::Endpoint& endpoint, bool first) {
  for (unsigned attempt = 1;; ++attempt) {
    auto bound = try_bind(endpoint, first);
    const bool again = !bound && endpoint.port == 0 && bound.error().reason == "address-in-use";
    if (!again || attempt == port_attempts) return bound;
  }
}

Result<net::Endpoint> Worker::try_bind(const net::Endpoint& endpoint, bool first) {
  auto udp = bind_socket(endpoint, Transport::udp, first);
  if (!udp) return udp.error();
  const net::Endpoint bound = local_endpoint(*udp);
  auto tcp = bind_socket(bound, Transport::tcp, first);
  if (!tcp) return tcp.error();
  udp_.emplace_back(std::move(*udp), shared_);
  tcp_.add(std::move(*tcp), false);
  return bound;
}

Result<net::Endpoint> Worker::bind_tls(const net::Endpoint& endpoint, bool first) {
  auto socket = bind_socket(endpoint, Transport::tcp, first);
  if (!socket) return socket.error();
  const net::Endpoint bound = local_endpoint(*socket);
  tcp_.add(std::move(*socket), true);
  return bound;
}

Result<> Worker::listen() {
  if (auto listening = tcp_.listen(); !listening) return listening;
  bool watched = tcp_.start();
  for (UdpListener& listener : udp_) watched = watched && listener.start();
  if (watched) return {};
  return Error{"event-loop", "the kernel takes no more descriptors to watch (fs.epoll.max_user_watches)"};
}

void Worker::start() {
  thread_ = std::thread([this] {
    // OpenSSL writes where a client may be gone already, which must not end the process.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    loop_.run();
  });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_.post([this] {
    for (UdpListener& listener : udp_) listener.close();
    tcp_.close();
  });
  loop_.stop();
  thread_.join();
}

}  // namespace understudy::server
