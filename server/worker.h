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
         const TcpOptions& tcp, const PipelineOptions& options, const Clock& clock, unsigned sample_every);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Makes the event loop; before anything else.
  Result<> open() { return loop_.open(); }
  // Takes sockets over that were bound; for TLS the one for TCP only.
  void add(SocketPair sockets, bool tls);
  // From now on clients can connect; what they ask waits for start().
  Result<> listen();
  void start();
  void stop();
  // While it runs, from any thread: answers at one address more (its TCP socket listens already), or one
  // fewer. What came there before is answered; connections go on until they end.
  void open_door(SocketPair sockets, bool tls);
  void close_door(const net::Endpoint& endpoint, bool tls);
  // Likewise: from the next batch on these keys are good.
  void believe(dns::TsigKeyRingPtr keys);

  const metrics::WorkerCounters& counters() const { return counters_; }
  // Of what clients ask; to be taken by one thread.
  QuerySamples& samples() { return samples_; }

 private:
  metrics::WorkerCounters counters_;
  QuerySamples samples_;
  QueryPipeline pipeline_;
  EventLoop loop_;
  WorkerShared shared_;
  std::list<std::shared_ptr<UdpListener>> udp_;
  TcpListener tcp_;
  std::thread thread_;
};

}  // namespace understudy::server
