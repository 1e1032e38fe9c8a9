#include "server/server.h"

#include <algorithm>
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

  Result<> add_worker();
  Result<> open_doors();
  void stop();

  backend::Mirror& mirror;
  backend::ZoneTables& tables;
  backend::NotifySink& notify;
  const ServerOptions options;
  const SystemClock system_clock;
  const Clock& clock;
  net::TlsContext tls;
  const TcpOptions tcp;
  Doors doors;
  const unsigned worker_count;
  const PipelineOptions pipeline;  // of each worker
  ConnectionCounts counts;
  // Sessions wait for transfers and transfers hold sessions: transfers end first and are destroyed first.
  std::vector<std::unique_ptr<Worker>> workers;
  TransfersOut transfers;
};

Result<> Server::Impl::add_worker() {
  auto reader = mirror.reader();
  if (!reader) return reader.error();
  const auto number = static_cast<unsigned>(workers.size());
  workers.push_back(std::make_unique<Worker>(tables, std::move(*reader), number, notify, transfers, counts,
                                             tcp, pipeline, clock, options.sample_every));
  return workers.back()->open();
}

Result<> Server::Impl::open_doors() {
  auto opened = doors.bind(options.listen, workers.size());
  if (!opened) return opened.error();
  for (Doors::Opened& one : *opened) {
    for (std::size_t i = 0; i < workers.size(); ++i) workers[i]->add(std::move(one.sockets[i]), one.door.tls);
    doors.add(one.door);
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
  if (!impl.options.listen.tls.empty()) {
    auto loaded = net::TlsContext::load(impl.options.tls);
    if (!loaded) return loaded.error();
    impl.tls.take(std::move(*loaded));
  }
  if (auto started = impl.transfers.start(); !started) return started;
  while (impl.workers.size() < impl.worker_count) {
    if (auto added = impl.add_worker(); !added) return added;
  }
  if (auto opened = impl.open_doors(); !opened) return opened;
  for (const auto& worker : impl.workers) {
    if (auto listening = worker->listen(); !listening) return listening;
  }
  for (const auto& worker : impl.workers) worker->start();
  return {};
}

void Server::stop() { impl_->stop(); }

struct Server::NewDoors {
  Listening wanted;
  std::vector<Doors::Opened> opened;
  std::shared_ptr<net::TlsContext::Loaded> tls;  // nothing: what is in force goes on
};

Result<std::shared_ptr<Server::NewDoors>> Server::prepare_listen(const Listening& wanted,
                                                                 const net::TlsServerOptions& tls) {
  auto doors = std::make_shared<NewDoors>();
  doors->wanted = wanted;
  if (!wanted.tls.empty() && !impl_->tls.is_current(tls)) {
    auto loaded = net::TlsContext::load(tls);
    if (!loaded) return loaded.error();
    doors->tls = std::move(*loaded);
  }
  auto opened = impl_->doors.bind(wanted, impl_->workers.size());
  if (!opened) return opened.error();
  doors->opened = std::move(*opened);
  for (const Doors::Opened& one : doors->opened) {
    for (const SocketPair& sockets : one.sockets) {
      if (auto listening = server::listen(sockets.tcp); !listening) return listening.error();
    }
  }
  return doors;
}

Server::Relistened Server::listen(NewDoors& doors) {
  Impl& impl = *impl_;
  Relistened done;
  done.new_tls = doors.tls != nullptr;
  if (doors.tls) impl.tls.take(std::move(doors.tls));
  for (Doors::Opened& one : doors.opened) {
    for (std::size_t i = 0; i < impl.workers.size(); ++i)
      impl.workers[i]->open_door(std::move(one.sockets[i]), one.door.tls);
    impl.doors.add(one.door);
    done.opened.push_back(one.door);
  }
  done.closed = impl.doors.leave(doors.wanted);
  for (const Doors::Door& door : done.closed) {
    for (const auto& worker : impl.workers) worker->close_door(door.bound, door.tls);
  }
  return done;
}

void Server::believe(const dns::TsigKeyRingPtr& keys) {
  for (const auto& worker : impl_->workers) worker->believe(keys);
}

std::vector<net::Endpoint> Server::addresses() const { return impl_->doors.addresses(false); }
std::vector<net::Endpoint> Server::tls_addresses() const { return impl_->doors.addresses(true); }

void Server::renew_certificate() {
  const auto renewed = impl_->tls.renew();
  if (!renewed) {
    log::error("certificate-refused", {{"error", renewed.error().message}, {"in-use", "the one before"}});
  } else if (*renewed) {
    log::info("certificate-renewed");
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

void Server::sample_every(unsigned queries) {
  for (const auto& worker : impl_->workers) worker->samples().change(queries);
}

std::vector<Server::TransferOut> Server::transfers_out() const { return impl_->transfers.counts(); }

}  // namespace understudy::server
