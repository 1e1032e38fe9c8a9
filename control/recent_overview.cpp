#include "control/recent_overview.h"

#include "control/ask_sync.h"

namespace understudy::control {
namespace {

constexpr std::chrono::milliseconds lifetime{500};

}  // namespace

void RecentOverview::get(Done done) {
  if (newest_ && rooms_.clock.steady() - taken_ < lifetime) return done(newest_);
  waiting_.push_back(std::move(done));
  if (waiting_.size() > 1) return;
  ask_sync<Overview>(
      context_, rooms_.sync_context, limit_,
      [rooms = rooms_, audience = audience_] { return take_overview(rooms, audience); },
      [this](std::optional<Overview> answer) {
        newest_ = answer ? std::make_shared<const Overview>(std::move(*answer)) : nullptr;
        taken_ = rooms_.clock.steady();
        for (const Done& waiting : std::exchange(waiting_, {})) waiting(newest_);
      });
}

}  // namespace understudy::control
