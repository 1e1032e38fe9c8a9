// Transfers out (AXFR, RFC 5936; IXFR, RFC 1995): what is sent is rendered once into a spool, and each client
// is streamed from it.
//
// TransfersOut is shared by all workers; open() and ended() may be called on any of their threads. Rendering
// is hard work, so it has a thread of its own with its own reader: one zone at a time, in the order they were
// asked for. Spools are shared by all who are sent the same and go with the last of them. What waits
// here is bounded by the number of TCP connections, since each asks for one transfer at a time. TransferOut
// is one client's: it belongs to a session and keeps one buffer, and one more where it completes messages.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>

#include "backend/zone_table.h"
#include "server/query_pipeline.h"
#include "server/rendering.h"
#include "server/server.h"

namespace understudy::server {

enum class TransferResult : std::uint8_t { success, failed, aborted };

class TransferOut;

class TransfersOut {
 public:
  TransfersOut(backend::Mirror& mirror, backend::ZoneTables& tables, std::string spool_directory);

  Result<> start();
  // No spool is begun any more; the one being made is given up. Joins.
  void stop();

  // `ready` is called on the spooling thread, with nothing where there is nothing to be sent. `since`: the
  // serial of an IXFR, which brings differences where the history reaches that far and they are less than all
  // of the zone (RFC 1995 4).
  using Ready = std::function<void(std::shared_ptr<const Spool>)>;
  void open(const dns::Name& apex, backend::ZoneId zone, std::optional<std::uint32_t> since, Ready ready);
  void ended(const TransferOut& transfer, const Client& client, TransferResult result);
  std::vector<Server::TransferOut> counts() const;

 private:
  // What a spool leads from (0: from nothing) and to.
  struct SpoolKey {
    backend::ZoneId zone = 0;
    backend::Version from = 0, to = 0;
    friend auto operator<=>(const SpoolKey&, const SpoolKey&) = default;
  };
  using Spooled = std::shared_ptr<const Spool>;

  Spooled find_or_render(const dns::Name& apex, backend::ZoneId zone, std::optional<std::uint32_t> since);
  Result<Spooled> spool_for(const dns::Name& apex, const backend::ZoneRow& live,
                            std::optional<std::uint32_t> since);
  // Nothing where the zone itself is less.
  Result<Spooled> differences(const Rendering& rendering, const backend::ZoneRow& live,
                              backend::Version from);
  Result<Spooled> shared(const SpoolKey& key, const dns::Name& apex,
                         const std::function<Result<Spooled>()>& render);
  void tell_failure(const dns::Name& apex, const Error& error) const;
  void forget_unused();

  backend::Mirror& mirror_;
  backend::ZoneTables& tables_;
  const std::string spool_directory_;
  // By TransferType, by transport, by TransferResult.
  std::array<std::array<std::array<std::atomic<std::uint64_t>, 3>, 2>, 2> results_{};
  std::atomic<bool> stopping_{false};
  // The spooling thread's.
  std::unique_ptr<backend::Reader> reader_;
  std::unique_ptr<backend::ZoneTables::Pin> pin_;
  std::map<SpoolKey, std::weak_ptr<const Spool>> spools_;
  boost::asio::thread_pool thread_{1};
};

class TransferOut {
 public:
  // `query` was answered with `response`, of Kind::transfer; both are copied as far as messages need them.
  TransferOut(dns::Octets query, const Response& response);

  const dns::Name& apex() const { return apex_; }
  backend::ZoneId zone() const { return zone_; }
  // The serial that the client has, where it asks for IXFR.
  std::optional<std::uint32_t> since() const { return since_; }
  // What is sent; of a transfer that failed, what was asked for.
  SpoolContents contents() const;
  // That were given out by next().
  std::uint64_t octets() const { return octets_; }
  std::chrono::steady_clock::time_point asked() const { return asked_; }

  // Without a spool the stream is one SERVFAIL.
  void begin(std::shared_ptr<const Spool> spool);
  bool begun() const { return begun_; }
  // The next octets of the stream, lengths of messages included; valid until the next call. Empty at the end;
  // nothing where the spool cannot be read.
  std::optional<dns::Octets> next();
  TransferResult result() const { return result_; }

 private:
  static constexpr std::size_t buffer_octets = 128u << 10;
  static_assert(buffer_octets > 2 + limits::message_octets);

  std::optional<dns::Octets> next_plain();
  std::optional<dns::Octets> completed(dns::Octets messages);
  dns::Octets failure();

  dns::Name apex_;
  backend::ZoneId zone_;
  std::optional<std::uint32_t> since_;
  const std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
  std::uint16_t id_;
  std::uint16_t copied_flags_;  // opcode and RD
  bool edns_;
  std::optional<std::uint32_t> expire_;  // until the first message has it
  std::vector<std::uint8_t> question_;
  std::shared_ptr<const Spool> spool_;
  bool begun_ = false, failure_sent_ = false;
  TransferResult result_ = TransferResult::success;
  std::uint64_t offset_ = 0, octets_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::optional<dns::TsigSigner> signer_;
  std::vector<std::uint8_t> completed_;  // a second buffer, where messages have an OPT or TSIG record
};

}  // namespace understudy::server
