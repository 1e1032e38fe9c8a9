// The transfer client: asks a primary for a whole zone, or for what changed since a version, and has it
// decoded and built while it arrives.
//
// The coroutine (sync thread) only reads octets; a pool job cuts them into messages, decodes and feeds the
// builder, one job at a time for a transfer. While a job runs, what arrives gathers in a buffer; where that
// is full, reading stops, so TCP slows the primary down. A job never waits for the network, so slow primaries
// hold no thread.
#pragma once

#include "sync/connections.h"
#include "sync/increment.h"
#include "sync/pool.h"

namespace understudy::sync {

struct TransferLimits {
  std::chrono::milliseconds connect{5'000};
  std::chrono::milliseconds progress{30'000};  // a few KiB at least are wanted in this time
  std::chrono::milliseconds total{4 * 3600'000};
  std::chrono::milliseconds lone_soa{10'000};  // what follows an SOA that came alone must begin in this time
};

struct TransferOrder {
  net::Endpoint primary;
  std::optional<boost::asio::ip::address> source;
  TransferRules rules;  // the ID is chosen here
  TransferLimits limits;
  net::Trust trust = {};
  bool edns = true;  // false: this primary does not understand it
  // Where one may be taken from, and left for the next; none: the transfer has a connection of its own. Must
  // outlive it.
  Connections* connections = nullptr;
};

struct Transferred {
  std::shared_ptr<BuiltZone> built;  // none where the primary has nothing newer
  TransferCounts counts;
};

// Asks and receives: every record into `target`, which belongs to the pool's job until this returns. Errors:
// sync::reason, and the target's own.
boost::asio::awaitable<Result<TransferCounts>> receive_zone(TransferOrder order,
                                                            std::shared_ptr<RecordTarget> target, Pool& pool);

// Asks, receives, builds. Where a connection that had served another transfer is lost, that says nothing of
// this one: it is begun once more on a connection of its own, with another of `make`'s. Errors: sync::reason;
// nothing was published, and what was written is discarded.
boost::asio::awaitable<Result<Transferred>> transfer_whole(TransferOrder order,
                                                           std::function<std::shared_ptr<ZoneBuild>()> make,
                                                           Pool& pool, BulkGate& gate);

// The same for what changed since `order.rules.have_serial`. Where the primary cannot tell, that is an error:
// a whole transfer is another call.
boost::asio::awaitable<Result<Transferred>> transfer_changes(TransferOrder order,
                                                             std::function<std::shared_ptr<Increment>()> make,
                                                             Pool& pool, BulkGate& gate);

// The end of every build: finish() on the pool, behind the gate where it is large.
boost::asio::awaitable<Result<std::shared_ptr<BuiltZone>>> finish_build(std::shared_ptr<ZoneBuild> build,
                                                                        Pool& pool, BulkGate& gate);

}  // namespace understudy::sync
