// Settings that zones have in common, once: of ten thousand zones most are configured alike.
//
// Sync thread, but before it runs. Finds what was asked for lately, at most `most` of them; whoever has one
// keeps it.
#pragma once

#include <deque>
#include <memory>

#include "backend/zone_table.h"
#include "sync/zone_settings.h"

namespace understudy::sync {

class SettingsPool {
 public:
  static constexpr std::size_t most = 16;

  struct Shared {
    std::shared_ptr<const SharedSettings> settings;
    std::shared_ptr<const backend::ZonePolicy> policy;  // that follows from them
  };
  Shared share(const SharedSettings& settings);

 private:
  std::deque<Shared> recent_;  // the newest first
};

}  // namespace understudy::sync
