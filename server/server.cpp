#include "server/server.h"

#include <thread>

#include "server/transfer_out.h"
#include "server/worker.h"

namespace understudy::server {

struct Server::Impl {
  Impl(backend::Mirror& store, backend::ZoneTables& zones, backend::NotifySink& sink, ServerOptions given)
      : mirror(store),
        tables(zones),
        notify(sink),
        options(std::move(given)),
        tcp{options.tcp_connections, options.tcp_connections_per_client, options.tcp_idle},
        counts(tcp),
        transfers(mirror, tables, options.data_directory) {}

  Result<> add_worker();
  void stop();

  backend::Mirror& mirror;
  backend::ZoneTables& tables;
  backend::NotifySink& notify;
  const ServerOptions options;
  const TcpOptions tcp;
  std::vector<net::Endpoint> addresses;
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
  auto worker = std::make_unique<Worker>(tables, std::move(*reader), number, notify, transfers, counts, tcp);
  for (std::size_t i = 0; i < options.listen.size(); ++i) {
    const auto bound = worker->open(number == 0 ? options.listen[i] : addresses[i], number == 0);
    if (!bound) return bound.error();
    if (number == 0) addresses.push_back(*bound);
  }
  workers.push_back(std::move(worker));
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
  if (auto started = impl.transfers.start(); !started) return started;
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  const unsigned count = impl.options.workers != 0 ? impl.options.workers : cores;
  while (impl.workers.size() < count) {
    if (auto added = impl.add_worker(); !added) return added;
  }
  for (const auto& worker : impl.workers) {
    if (auto listening = worker->listen(); !listening) return listening;
  }
  for (const auto& worker : impl.workers) worker->start();
  return {};
}

void Server::stop() { impl_->stop(); }

std::vector<net::Endpoint> Server::addresses() const { return impl_->addresses; }

std::vector<const metrics::WorkerCounters*> Server::counters() const {
  std::vector<const metrics::WorkerCounters*> counters;
  for (const auto& worker : impl_->workers) counters.push_back(&worker->counters());
  return counters;
}

std::vector<Server::TransferOut> Server::transfers_out() const { return impl_->transfers.counts(); }

}  // namespace understudy::server
