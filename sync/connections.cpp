#include "sync/connections.h"

#include <algorithm>

namespace understudy::sync {

// The newest first: it is the one that the primary will give up last.
std::optional<Connections::Kept> Connections::take(const Route& route) {
  for (std::size_t i = idle_.size(); i-- > 0;) {
    if (!(idle_[i].route == route)) continue;
    Kept kept = std::move(idle_[i].kept);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    if (kept.stream->is_quiet()) return kept;
    failed(route, kept.since);
  }
  return std::nullopt;
}

void Connections::keep(Route route, std::unique_ptr<net::ClientStream> stream) {
  const SteadyTime now = clock_.steady();
  if (!stream->socket().is_open() || !health_.may_reuse(route.primary, now)) return;
  if (!stream->is_quiet()) return failed(route, now);  // it has hung up already
  if (idle_.size() == most) idle_.erase(idle_.begin());
  idle_.push_back({std::move(route), {std::move(stream), now}, Timer::clock_type::now() + kept_});
  if (!sweeping_) sweep_later();
}

void Connections::sweep_later() {
  sweeping_ = true;
  timer_.expires_at(idle_.front().until);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    sweeping_ = false;
    std::erase_if(idle_, [now = Timer::clock_type::now()](const Idle& one) { return one.until <= now; });
    if (!idle_.empty()) sweep_later();
  });
}

}  // namespace understudy::sync
