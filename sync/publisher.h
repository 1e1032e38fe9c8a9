// The one way into the mirror: validate, persist, publish, retire, in that order. Until the commit that
// publishes, the version that is live stays so, whatever fails; after it the old generation is garbage, which
// the store thread collects.
//
// ZoneBuild is filled and finished by one pool thread at a time; Publisher belongs to the sync thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>

#include "backend/zone_builder.h"
#include "backend/zone_merge.h"
#include "backend/zone_table.h"
#include "sync/later.h"
#include "sync/store_thread.h"
#include "sync/transfer_decoder.h"

namespace understudy::sync {

// A version that was built and is not published yet: what it changes of the live one, or its nodes, or (large
// zones) a generation that holds them already.
struct BuiltZone {
  backend::BuildSummary summary;
  std::vector<std::uint8_t> soa_rdata;
  std::uint32_t soa_ttl = 0;
  backend::Content content = backend::Content::nodes;
  backend::Generation generation = 0;
  std::vector<backend::StoredNode> nodes;
  backend::Change change;
  bool bulk = false;  // it took much memory to build
};

// Records of one new version on their way into the mirror.
class ZoneBuild final : public RecordTarget {
 public:
  // `live` is the zone's row: what comes is merged with it.
  ZoneBuild(backend::BuildOptions options, const backend::ZoneRow& live, backend::Mirror& mirror,
            StoreThread& store)
      : builder_(std::move(options)), live_(live), mirror_(mirror), store_(store) {}

  Result<> record(const dns::RecordView& record) override;
  // Too large to be published in a commit that others share: needs the gate before finish().
  bool is_bulk() const { return octets_ > limits::commit_octets / 4; }
  // Works hard, and waits for the store thread.
  Result<BuiltZone> finish();

 private:
  Result<> build();
  Result<> build_beside_live();
  Result<> put(std::vector<backend::StoredNode> nodes);
  Result<> last_put();

  backend::ZoneBuilder builder_;
  const backend::ZoneRow live_;
  backend::Mirror& mirror_;
  StoreThread& store_;
  BuiltZone built_;
  std::uint64_t octets_ = 0;
  std::future<Result<>> putting_;  // one batch is written while the next is made
};

// One bulk build at a time: their nodes are appended at the end of one tree, and two would leave its pages
// half full.
class BulkGate {
 public:
  explicit BulkGate(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  boost::asio::awaitable<void> enter();
  void leave();

 private:
  boost::asio::any_io_executor executor_;
  bool taken_ = false;
  std::deque<std::shared_ptr<Later<bool>>> waiting_;
};

struct Published {
  backend::ZoneRow row;
  bool changed = true;  // false: what came is what is live already; nothing was written
};

class Publisher {
 public:
  Publisher(StoreThread& store, boost::asio::any_io_executor executor)
      : store_(store), executor_(std::move(executor)) {}

  struct Order {
    std::shared_ptr<backend::ZoneEntry> entry;
    backend::ZoneRow live;
    backend::TimerRow timers;  // as they are once it is published
    UnixTime now = 0;
    bool any_serial = false;  // taken though its serial is not newer
    std::string source;       // for the history
    backend::Keep keep;
  };
  // Errors: "serial-backwards", "mirror-io". Takes `built` in every case.
  boost::asio::awaitable<Result<Published>> publish(Order order, std::shared_ptr<BuiltZone> built);

 private:
  void discard(backend::Generation generation);
  void publish_bulk(Publication publication);

  StoreThread& store_;
  boost::asio::any_io_executor executor_;
};

}  // namespace understudy::sync
