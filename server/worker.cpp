#include "server/worker.h"

#include <csignal>

namespace understudy::server {

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

void Worker::add(SocketPair sockets) {
  udp_.push_back(std::make_shared<UdpListener>(std::move(sockets.udp), shared_));
  tcp_.add(std::move(sockets.tcp), false);
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
  for (const auto& listener : udp_) watched = watched && listener->start();
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
    for (const auto& listener : udp_) listener->close();
    tcp_.close();
  });
  loop_.stop();
  thread_.join();
}

void Worker::open_door(SocketPair sockets) {
  auto shared = std::make_shared<SocketPair>(std::move(sockets));
  loop_.post([this, shared] {
    add(std::move(*shared));
    udp_.back()->start();
    tcp_.start_last();
  });
}

void Worker::close_door(const net::Endpoint& endpoint) {
  loop_.post([this, endpoint] {
    const auto listener =
        std::ranges::find(udp_, endpoint, [](const auto& one) { return one->local_endpoint(); });
    if (listener != udp_.end()) {
      (*listener)->drain_and_close();
      loop_.keep_for_this_turn(*listener);
      udp_.erase(listener);
    }
    tcp_.close_door(endpoint);
  });
}

}  // namespace understudy::server
