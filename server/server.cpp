#include "server/server.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "server/transfer_out.h"
#include "server/worker.h"

namespace understudy::server {

namespace {

// The kernel spreads queries over the workers' sockets by address and port, and a forger of addresses varies
// the ports: so each worker may send its part of the rate.
PipelineOptions share_of(PipelineOptions options, unsigned workers) {
  options.rate_limit.responses_per_second /= workers;
  return options;
}

}  // namespace

struct Server::Impl {
  Impl(backend::Mirror& store, backend::ZoneTables& zones, backend::NotifySink& sink, ServerOptions given)
      : mirror(store),
        tables(zones),
        notify(sink),
        options(std::move(given)),
        clock(options.clock != nullptr ? *options.clock : system_clock),
        tls(options.tls_certificate, options.tls_key),
        tcp{options.tcp_connections,
            options.tcp_connections_per_client,
            options.tcp_idle,
            options.tcp_lifetime,
            options.tls_handshake,
            options.padding_block,
            &tls},
        worker_count(options.workers != 0 ? options.workers
                                          : std::max(1u, std::thread::hardware_concurrency())),
        pipeline(share_of(options.pipeline, worker_count)),
        counts(tcp),
        transfers(mirror, tables, options.data_directory) {}

  // An address as it is wanted and as it was bound.
  struct Door {
    net::Endpoint wanted, bound;
  };

  Result<> add_worker();
  Result<> bind_plain(Worker& worker, bool first);
  Result<> bind_tls(Worker& worker, bool first);
  void stop();

  backend::Mirror& mirror;
  backend::ZoneTables& tables;
  backend::NotifySink& notify;
  const ServerOptions options;
  const SystemClock system_clock;
  const Clock& clock;
  net::TlsContext tls;
  const TcpOptions tcp;
  mutable std::mutex mutex;  // of `doors`, which other threads look at
  std::vector<Door> doors;
  std::vector<net::Endpoint> tls_addresses;
  const unsigned worker_count;
  const PipelineOptions pipeline;  // of each worker
  ConnectionCounts counts;
  // Sessions wait for transfers and transfers hold sessions: transfers end first and are destroyed first.
  std::vector<std::unique_ptr<Worker>> workers;
  TransfersOut transfers;
};

// The first worker's sockets decide whether an address is free, and which port 0 stands for.
Result<> Server::Impl::add_worker() {
  auto reader = mirror.reader();
  if (!reader) return reader.error();
  const auto number = static_cast<unsigned>(workers.size());
  workers.push_back(std::make_unique<Worker>(tables, std::move(*reader), number, notify, transfers, counts,
                                             tcp, pipeline, clock, options.sample_every));
  if (auto opened = workers.back()->open(); !opened) return opened;
  Worker& worker = *workers.back();
  if (auto bound = bind_plain(worker, workers.size() == 1); !bound) return bound;
  return bind_tls(worker, workers.size() == 1);
}

Result<> Server::Impl::bind_plain(Worker& worker, bool first) {
  for (std::size_t i = 0; i < options.listen.size(); ++i) {
    auto sockets = bind_both(first ? options.listen[i] : doors[i].bound, first);
    if (!sockets) return sockets.error();
    if (first) doors.push_back({options.listen[i], local_endpoint(sockets->udp)});
    worker.add(std::move(*sockets));
  }
  return {};
}

Result<> Server::Impl::bind_tls(Worker& worker, bool first) {
  for (std::size_t i = 0; i < options.listen_tls.size(); ++i) {
    const auto bound = worker.bind_tls(first ? options.listen_tls[i] : tls_addresses[i], first);
    if (!bound) return bound.error();
    if (first) tls_addresses.push_back(*bound);
  }
  return {};
}

void Server::Impl::stop() {
  transfers.stop();
  for (const auto& worker : workers) worker->stop();
}

Server::Server(backend::Mirror& mirror, backend::ZoneTables& tables, backend::NotifySink& notify,
               ServerOptions options)
    : impl_(std::make_unique<Impl>(mirror, tables, notify, std::move(options))) {}

Server::~Server() { stop(); }

Result<> Server::start() {
  Impl& impl = *impl_;
  if (!impl.options.listen_tls.empty()) {
    if (auto loaded = impl.tls.load(); !loaded) return loaded;
  }
  if (auto started = impl.transfers.start(); !started) return started;
  while (impl.workers.size() < impl.worker_count) {
    if (auto added = impl.add_worker(); !added) return added;
  }
  for (const auto& worker : impl.workers) {
    if (auto listening = worker->listen(); !listening) return listening;
  }
  for (const auto& worker : impl.workers) worker->start();
  return {};
}

void Server::stop() { impl_->stop(); }

std::vector<net::Endpoint> Server::addresses() const {
  const std::scoped_lock lock(impl_->mutex);
  std::vector<net::Endpoint> addresses;
  for (const Impl::Door& door : impl_->doors) addresses.push_back(door.bound);
  return addresses;
}

struct Server::NewDoors {
  std::vector<net::Endpoint> wanted;
  struct Door {
    net::Endpoint wanted, bound;
    std::vector<SocketPair> sockets;  // one a worker
  };
  std::vector<Door> opened;
};

Result<std::shared_ptr<Server::NewDoors>> Server::prepare_listen(const std::vector<net::Endpoint>& wanted) {
  auto doors = std::make_shared<NewDoors>();
  doors->wanted = wanted;
  for (const net::Endpoint& endpoint : wanted) {
    const auto is_there = [&](const auto& door) { return door.wanted == endpoint; };
    if (std::ranges::any_of(impl_->doors, is_there) || std::ranges::any_of(doors->opened, is_there)) continue;
    NewDoors::Door door{endpoint, endpoint, {}};
    while (door.sockets.size() < impl_->workers.size()) {
      auto sockets = bind_both(door.bound, door.sockets.empty());
      if (!sockets) return sockets.error();
      door.bound = local_endpoint(sockets->udp);
      if (auto listening = server::listen(sockets->tcp); !listening) return listening.error();
      door.sockets.push_back(std::move(*sockets));
    }
    doors->opened.push_back(std::move(door));
  }
  return doors;
}

Server::Relistened Server::listen(NewDoors& doors) {
  Impl& impl = *impl_;
  Relistened done;
  const std::scoped_lock lock(impl.mutex);
  for (NewDoors::Door& door : doors.opened) {
    for (std::size_t i = 0; i < impl.workers.size(); ++i)
      impl.workers[i]->open_door(std::move(door.sockets[i]));
    impl.doors.push_back({door.wanted, door.bound});
    done.opened.push_back(door.bound);
  }
  std::erase_if(impl.doors, [&](const Impl::Door& door) {
    if (std::ranges::find(doors.wanted, door.wanted) != doors.wanted.end()) return false;
    for (const auto& worker : impl.workers) worker->close_door(door.bound);
    done.closed.push_back(door.bound);
    return true;
  });
  return done;
}

std::vector<net::Endpoint> Server::tls_addresses() const { return impl_->tls_addresses; }

void Server::renew_certificate() {
  if (impl_->options.listen_tls.empty()) return;
  const auto renewed = impl_->tls.renew();
  if (!renewed) {
    log::error("certificate-refused", {{"error", renewed.error().message}, {"in-use", "the one before"}});
  } else if (*renewed) {
    log::info("certificate-renewed", {{"file", impl_->options.tls_certificate}});
  }
}

std::vector<const metrics::WorkerCounters*> Server::counters() const {
  std::vector<const metrics::WorkerCounters*> counters;
  for (const auto& worker : impl_->workers) counters.push_back(&worker->counters());
  return counters;
}

std::vector<QuerySamples*> Server::samples() const {
  std::vector<QuerySamples*> all;
  for (const auto& worker : impl_->workers) all.push_back(&worker->samples());
  return all;
}

std::vector<Server::TransferOut> Server::transfers_out() const { return impl_->transfers.counts(); }

}  // namespace understudy::server
