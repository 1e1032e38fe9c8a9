// One worker: a thread with its own event loop, sockets, query pipeline and counters. Workers share nothing
// that changes but the count of TCP connections and the spools of transfers.
//
// Owned by the server; open(), start() and stop() are called by the server's owner, stop() joins.
#pragma once

#include <list>
#include <optional>
#include <thread>

#include "server/tcp_listener.h"
#include "server/udp_listener.h"

namespace understudy::server {

class Worker {
 public:
  Worker(backend::ZoneTables& tables, std::unique_ptr<backend::Reader> reader, unsigned number,
         backend::NotifySink& notify, TransfersOut& transfers, ConnectionCounts& counts,
         const TcpOptions& tcp, const PipelineOptions& options, const Clock& clock);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Makes the event loop; before anything else.
  Result<> open() { return loop_.open(); }
  // Binds UDP and TCP; `first` as for bind_socket. Port 0 is replaced by what the kernel chose.
  Result<net::Endpoint> bind(const net::Endpoint& endpoint, bool first);
  // TCP only, for TLS.
  Result<net::Endpoint> bind_tls(const net::Endpoint& endpoint, bool first);
  // From now on clients can connect; what they ask waits for start().
  Result<> listen();
  void start();
  void stop();

  const metrics::WorkerCounters& counters() const { return counters_; }

 private:
  Result<net::Endpoint> try_bind(const net::Endpoint& endpoint, bool first);

  metrics::WorkerCounters counters_;
  QueryPipeline pipeline_;
  EventLoop loop_;
  WorkerShared shared_;
  std::list<UdpListener> udp_;
  TcpListener tcp_;
  std::thread thread_;
};

}  // namespace understudy::server
