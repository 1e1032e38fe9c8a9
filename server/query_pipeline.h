// The query pipeline: octets of a query in, octets of its response out. No sockets; the fuzzer's and the
// comparer's door.
//
// One pipeline belongs to one thread (a worker, or the sync thread for comparisons) together with its Reader
// and Pin. Between begin_batch() and end_batch() it answers from one committed state. Nothing here allocates,
// locks, logs or throws; everything is bounded by the message size and limits::chain_links. Only queries with
// a TSIG record cost more: OpenSSL takes heap memory for each MAC.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <memory>

#include "backend/events.h"
#include "backend/zone_table.h"
#include "dns/tsig.h"
#include "metrics/cells.h"
#include "server/pipeline_options.h"

namespace understudy::server {

struct Client {
  boost::asio::ip::address address;
  metrics::Proto proto = metrics::Proto::udp;
  bool may_transfer = true;                  // the connection is good enough for zones (RFC 9103 7)
  const net::ClientIdentity* tls = nullptr;  // what it has proved over TLS; nullptr in the clear
};

// What to do with a query.
struct Response {
  enum class Kind : std::uint8_t {
    send,      // `size` octets of the output are the response
    drop,      // nothing is sent
    transfer,  // an AXFR that is allowed: the session streams `zone` (TCP only)
  };
  Kind kind = Kind::drop;
  std::size_t size = 0;
  const backend::ZoneEntry* zone = nullptr;  // pinned until end_batch()
  Octets options{};                          // of the query's EDNS; for those of streams
  const dns::TsigSigner* signer = nullptr;   // of a transfer that is to be signed; until the next query
  std::optional<std::uint32_t> expire{};  // of a transfer: what is left of our timer, where it was asked for
};

class QueryPipeline {
 public:
  // `worker`: which of the zones' request cells is this thread's. `counters` and `notify` may be null; so may
  // `clock`, for the system's.
  QueryPipeline(backend::ZoneTables& tables, std::unique_ptr<backend::Reader> reader, unsigned worker,
                metrics::WorkerCounters* counters, backend::NotifySink* notify,
                const PipelineOptions& options = {}, const Clock* clock = nullptr);
  ~QueryPipeline();

  // Pins the table, renews the reader. False where the mirror cannot be read: everything is answered
  // SERVFAIL.
  bool begin_batch();
  void end_batch();
  // From the next batch on these keys are good. Between batches.
  void believe(dns::TsigKeyRingPtr keys);

  // `out` has room for limits::message_octets over TCP, limits::udp_octets over UDP at least. The query is
  // left alone.
  Response answer(Octets query, const Client& client, std::span<std::uint8_t> out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::server
