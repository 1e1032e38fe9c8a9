// A mirror in a temporary directory with the zones that a test asks for, and a query pipeline in front of it:
// octets in, octets out, no sockets.
//
// Belongs to one thread. Zones go the product's own way (ZoneBuilder, Writer, publication); what cannot be
// stored throws std::runtime_error with the product's reason, which fails the test.
#pragma once

#include <memory>
#include <optional>

#include "backend/mirror.h"
#include "backend/zone_builder.h"
#include "backend/zone_merge.h"
#include "server/query_pipeline.h"
#include "support/message.h"
#include "support/temporary_directory.h"

namespace understudy::test {

struct ZoneText {
  Labels apex;
  std::vector<Rr> records;
  backend::Service service = backend::Service::serving;
  backend::ZonePolicy policy = {};
  backend::TimerRow timers = {};
};
inline ZoneText zone(std::string_view apex, std::string_view lines) { return {name(apex), rrs(lines)}; }

// A clock that stands still until it is told to go on.
class StillClock final : public Clock {
 public:
  SteadyTime steady() const override { return SteadyTime(std::chrono::milliseconds(milliseconds_)); }
  UnixTime wall() const override { return milliseconds_ / 1000; }
  void set(UnixTime seconds) { milliseconds_ = seconds * 1000; }
  void advance(std::chrono::milliseconds by) { milliseconds_ += by.count(); }

 private:
  std::int64_t milliseconds_ = 1'700'000'000'000;
};

// Takes every NOTIFY and does nothing.
class NoNotify final : public backend::NotifySink {
 public:
  void notified(const backend::ZoneEntry&, const boost::asio::ip::address&,
                std::optional<std::uint32_t>) override {}
};

class TestMirror {
 public:
  explicit TestMirror(const std::vector<ZoneText>& zones, const server::PipelineOptions& options = {});
  TestMirror() : TestMirror(std::vector<ZoneText>()) {}
  ~TestMirror();

  // Publishes the zone's next version and gives its row back; `bounds` for the merge with the version before.
  backend::ZoneRow publish(const ZoneText& zone, backend::MergeBounds bounds = {});
  // The nodes that the zone makes when it is written anew.
  std::vector<backend::StoredNode> nodes_of(const ZoneText& zone, backend::BuildSummary* summary = nullptr);

  // Replaces what is served.
  void serve(const std::vector<ZoneText>& zones);
  // The octets of the response; nothing where the query is to be dropped.
  std::optional<Bytes> exchange(const Bytes& query, metrics::Proto proto = metrics::Proto::udp);
  // Who asks from now on; 127.0.0.1 at first.
  void come_from(std::string_view address);
  // What is good from now on.
  void believe(dns::TsigKeyRingPtr keys) { pipeline_->believe(std::move(keys)); }
  StillClock& clock() { return clock_; }
  // The same, taken apart; throws where nothing comes.
  Message ask(const Query& query, metrics::Proto proto = metrics::Proto::udp);
  Message ask(std::string_view name, std::string_view type);
  Message ask_tcp(std::string_view name, std::string_view type);
  backend::Mirror& mirror() { return *mirror_; }
  backend::ZoneTables& tables() { return tables_; }

 private:
  std::shared_ptr<backend::ZoneEntry> store(const ZoneText& zone);

  TemporaryDirectory directory_;
  std::unique_ptr<backend::Mirror> mirror_;
  backend::ZoneTables tables_;
  StillClock clock_;
  NoNotify notify_;
  server::Client client_;
  std::unique_ptr<server::QueryPipeline> pipeline_;
};

}  // namespace understudy::test
