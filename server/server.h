// The server: N workers that answer over UDP and TCP, each a thread with its own sockets, reader and
// counters.
//
// Owned by main(); start() and stop() are called by it.
#pragma once

#include <memory>

#include "backend/events.h"
#include "base/clock.h"
#include "metrics/cells.h"
#include "net/tls_context.h"
#include "server/doors.h"
#include "server/pipeline_options.h"

namespace understudy::server {

class QuerySamples;

struct ServerOptions {
  Listening listen;
  net::TlsServerOptions tls;        // where something listens over TLS
  unsigned workers = 0;             // 0: one a core
  std::string data_directory;       // for spooled transfers
  unsigned tcp_connections = 1000;  // in all, TLS included
  unsigned tcp_connections_per_client = 100;
  std::chrono::seconds tcp_idle{10};
  std::chrono::seconds tcp_lifetime{600};  // transfers under way excepted
  std::chrono::seconds tls_handshake{5};
  unsigned sample_every = 0;        // one query of so many is a sample; 0: none
  std::size_t padding_block = 468;  // RFC 8467 4.1; 0: responses are not padded
  const Clock* clock = nullptr;     // what limits of time go by; nullptr: the system's
  PipelineOptions pipeline;         // its rate is the server's: each worker gets its share
};

class Server {
 public:
  Server(backend::Mirror& mirror, backend::ZoneTables& tables, backend::NotifySink& notify,
         ServerOptions options);
  ~Server();

  // Binds every address and starts the workers; the error names the address that could not be bound.
  Result<> start();
  void stop();

  // Listens at `wanted` instead (of options.listen, and as that is written: what stood there before goes on),
  // and shows and believes over TLS what `tls` says. In two steps, so that nothing has changed where
  // something else fails in between: what prepare_listen() bound is closed again where it is not given to
  // listen(). One thread at a time, not a worker's, while the server runs; prepare_listen() reads files.
  // Errors: as of start().
  struct NewDoors;
  Result<std::shared_ptr<NewDoors>> prepare_listen(const Listening& wanted, const net::TlsServerOptions& tls);
  struct Relistened {
    std::vector<Doors::Door> opened, closed;
    bool new_tls = false;  // certificates, keys or authorities are others
  };
  Relistened listen(NewDoors& doors);
  // From now on these keys are good (TSIG); what was begun with others ends with them. Any thread, while the
  // server runs.
  void believe(const dns::TsigKeyRingPtr& keys);

  // As bound, ports filled in. Any thread.
  std::vector<net::Endpoint> addresses() const;
  std::vector<net::Endpoint> tls_addresses() const;
  // Takes the certificate, its key and the clients' authorities anew if the files have changed; says so in
  // the log, also where they are no good and the ones before go on. Reads files: not for a worker's thread;
  // one thread at a time.
  void renew_certificate();
  // One a worker; alive as long as the server. Any thread may read them.
  std::vector<const metrics::WorkerCounters*> counters() const;
  // One a worker, likewise: what its clients ask, for one thread.
  std::vector<QuerySamples*> samples() const;
  // From now on one query of so many is a sample; 0: none. Any thread, while the server runs.
  void sample_every(unsigned queries);
  // Transfers out since the start, by what was sent: {type "axfr" or "ixfr", transport "tcp" or "tls",
  // result}.
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
