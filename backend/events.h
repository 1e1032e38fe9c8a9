// The two small doors between server and sync, which never include each other.
#pragma once

#include <optional>

#include "backend/zone_table.h"

namespace understudy::backend {

// Server tells sync that a NOTIFY came that was allowed. Called on a worker's thread: queues and returns;
// `serial` is the one in the NOTIFY, where it had one (a hint, not to be trusted).
class NotifySink {
 public:
  virtual ~NotifySink() = default;
  virtual void notified(const ZoneEntry& zone, const boost::asio::ip::address& from,
                        std::optional<std::uint32_t> serial) = 0;
};

// Sync tells others that a version was published. Called on the sync thread, after readers can see it.
class PublicationListener {
 public:
  virtual ~PublicationListener() = default;
  virtual void published(const ZoneEntry& zone, const ZoneRow& row) = 0;
};

}  // namespace understudy::backend
