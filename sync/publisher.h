// The one way into the mirror: validate, persist, publish, retire, in that order. Until the commit that
// publishes, the version that is live stays so, whatever fails; after it the old generation is garbage, which
// the store thread collects.
//
// ZoneBuild is filled and finished by one pool thread at a time; Publisher belongs to the sync thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "backend/signature_ends.h"
#include "backend/zone_builder.h"
#include "backend/zone_merge.h"
#include "backend/zone_table.h"
#include "sync/later.h"
#include "sync/store_thread.h"
#include "sync/transfer_decoder.h"

namespace understudy::sync {

// A version is light where it and the one before it are no larger: what is done to it takes well under a
// millisecond, less than handing it to another thread and back costs where ten thousand such zones come.
inline constexpr std::size_t light_octets = 16u << 10, light_records = 500;

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
  bool bulk = false;                // it took much memory to build
  backend::Version base = 0;        // the version that was live when it was made: it can follow that one only
  std::uint32_t source_serial = 0;  // as its source has it; its own may have been raised
  bool breaks_signatures = false;   // it was raised, and something signs or digests the SOA
  bool has_signatures = true;       // false: there is no RRSIG in all of it
  std::optional<backend::SignatureChange> signatures = {};  // none: they have to be counted anew
};

// Records of one new version on their way into the mirror.
class ZoneBuild final : public RecordTarget {
 public:
  // `live` is the zone's row: what comes is merged with it. With `raise_serial` a serial that is not newer
  // than the one that is served becomes the one after that.
  ZoneBuild(backend::BuildOptions options, const backend::ZoneRow& live, backend::Mirror& mirror,
            StoreThread& store, bool raise_serial = false)
      : builder_(std::move(options)),
        live_(live),
        mirror_(mirror),
        store_(store),
        raise_serial_(raise_serial) {}

  Result<> record(const dns::RecordView& record) override;
  // Too large to be published in a commit that others share: needs the gate before finish().
  bool is_bulk() const { return octets_ > limits::commit_octets / 4; }
  // So little that any thread may finish it at once, the sync thread too.
  bool is_light() const { return octets_ <= light_octets && live_.records <= light_records; }
  // Works hard, and waits for the store thread, unless it is light.
  Result<BuiltZone> finish();

 private:
  Result<> soa(const dns::RecordView& record);
  Result<> build();
  Result<> build_beside_live();
  Result<> put(std::vector<backend::StoredNode> nodes);
  Result<> last_put();

  backend::ZoneBuilder builder_;
  const backend::ZoneRow live_;
  backend::Mirror& mirror_;
  StoreThread& store_;
  const bool raise_serial_;
  bool raised_ = false, has_signatures_ = false;
  BuiltZone built_;
  std::uint64_t octets_ = 0;
  std::future<Result<>> putting_;  // one batch is written while the next is made
};

// One bulk build at a time: their nodes are appended at the end of one tree, and two would leave its pages
// half full.
class BulkGate {
 public:
  // The executor outlives this.
  explicit BulkGate(const boost::asio::any_io_executor& executor) : executor_(executor) {}
  boost::asio::awaitable<void> enter();
  void leave();

 private:
  const boost::asio::any_io_executor& executor_;  // a reference: every zone has a gate
  bool taken_ = false;
  std::vector<std::shared_ptr<Later<bool>>>
      waiting_;  // few; every zone has a gate, and a deque is 576 octets
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
    std::string source;  // for the history
    backend::Keep keep;
    backend::Standing standing;  // as it will be
    bool of_source = true;       // Publication's
  };
  // Whether to take it was judged before. Errors: "mirror-io". Takes `built` in every case.
  boost::asio::awaitable<Result<backend::ZoneRow>> publish(Order order, std::shared_ptr<BuiltZone> built);
  // The version that is held becomes the live one. Errors: "mirror-io"; then it is still held.
  boost::asio::awaitable<Result<backend::ZoneRow>> publish_held(Order order, backend::HeldVersion held);
  // Stores it without publishing it, in the place of what was held before; `why` tells reason and message.
  // Errors: "mirror-io". Takes `built` in every case.
  boost::asio::awaitable<Result<backend::HeldVersion>> hold(Order order, std::shared_ptr<BuiltZone> built,
                                                            backend::HeldVersion why);
  // What was built is not wanted.
  void discard(backend::Generation generation);

 private:
  backend::NewVersion version_of(Order& order, BuiltZone& built);
  boost::asio::awaitable<Result<backend::ZoneRow>> publish(std::shared_ptr<backend::ZoneEntry> entry,
                                                           backend::NewVersion version, bool of_source);
  void publish_bulk(Publication publication);

  StoreThread& store_;
  boost::asio::any_io_executor executor_;
};

}  // namespace understudy::sync
