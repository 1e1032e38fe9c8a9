#include "server/server.h"

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

  enum class Kind { plain, tls };

  Result<> add_worker();
  Result<> bind(Kind kind, const std::vector<net::Endpoint>& wanted, std::vector<net::Endpoint>& bound);
  void stop();

  backend::Mirror& mirror;
  backend::ZoneTables& tables;
  backend::NotifySink& notify;
  const ServerOptions options;
  const SystemClock system_clock;
  const Clock& clock;
  net::TlsContext tls;
  const TcpOptions tcp;
  std::vector<net::Endpoint> addresses, tls_addresses;
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
                                             tcp, pipeline, clock));
  if (auto opened = workers.back()->open(); !opened) return opened;
  if (auto bound = bind(Kind::plain, options.listen, addresses); !bound) return bound;
  return bind(Kind::tls, options.listen_tls, tls_addresses);
}

Result<> Server::Impl::bind(Kind kind, const std::vector<net::Endpoint>& wanted,
                            std::vector<net::Endpoint>& bound) {
  Worker& worker = *workers.back();
  const bool first = workers.size() == 1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const net::Endpoint& endpoint = first ? wanted[i] : bound[i];
    const auto done = kind == Kind::tls ? worker.bind_tls(endpoint, first) : worker.bind(endpoint, first);
    if (!done) return done.error();
    if (first) bound.push_back(*done);
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

std::vector<net::Endpoint> Server::addresses() const { return impl_->addresses; }

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

std::vector<Server::TransferOut> Server::transfers_out() const { return impl_->transfers.counts(); }

}  // namespace understudy::server
