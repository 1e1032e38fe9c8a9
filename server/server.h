// The server: N workers that answer over UDP and TCP, each a thread with its own sockets, reader and counters.
//
// Owned by main(); start() and stop() are called by it.
#pragma once

#include <memory>

#include "backend/events.h"
#include "metrics/cells.h"
#include "net/address.h"

namespace understudy::server {

struct ServerOptions {
  std::vector<net::Endpoint> listen;  // UDP and TCP; port 0: the kernel chooses one, the same for both
  unsigned workers = 0;               // 0: one a core
  std::string data_directory;         // for spooled transfers
  unsigned tcp_connections = 1000;    // in all
  unsigned tcp_connections_per_client = 100;
  std::chrono::seconds tcp_idle{10};
};

class Server {
 public:
  Server(backend::Mirror& mirror, backend::ZoneTables& tables, backend::NotifySink& notify, ServerOptions options);
  ~Server();

  // Binds every address and starts the workers; the error names the address that could not be bound.
  Result<> start();
  void stop();

  // As bound, ports filled in.
  std::vector<net::Endpoint> addresses() const;
  // One a worker; alive as long as the server. Any thread may read them.
  std::vector<const metrics::WorkerCounters*> counters() const;
  // Transfers out since the start: {type "axfr", transport "tcp", result}.
  struct TransferOut {
    std::string_view type, transport, result;
    std::uint64_t count = 0;
  };
  std::vector<TransferOut> transfers_out() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::server
