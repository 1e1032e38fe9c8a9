// How an agent takes in what changed, instead of the whole zone (RFC 1995).
#include "sync/zone_agent.h"

namespace understudy::sync {
namespace asio = boost::asio;

// Where a CNAME was kept out of the zone, what the primary has is more than what we have, and a difference
// may tell of it or bring it back: such zones come whole; as do those whose serials are raised here.
bool ZoneAgent::may_ask_for_increment(std::size_t index) const {
  const Source& source = sources_[index];
  const SteadyTime now = workshop_.clock.steady();
  return has_data() && std::get<AxfrSource>(source.spec).ixfr && gave_what_is_live(index) &&
         !settings_->drop_cname_conflicts && !settings_->raise_serial &&
         standing_.source_serial == row_.serial && now >= source.no_ixfr_until &&
         workshop_.health.may_know_ixfr(primary_of(source), now);
}

// Nothing where the zone has to come whole instead, whatever the reason: it was noted.
asio::awaitable<std::optional<Result<ZoneAgent::Outcome>>> ZoneAgent::try_increment(std::size_t index,
                                                                                    Approach approach) {
  Source& source = sources_[index];
  TransferOrder order{primary_of(source), settings_->transfer_source, rules(), {}, std::move(approach.trust),
                      approach.edns,      &workshop_.connections};
  order.rules.have_serial = row_.serial;
  const auto make = [this] {
    return std::make_shared<Increment>(build_options(), row_, workshop_.mirror, new_build());
  };
  transferring_ = true;
  auto moving = transfer_changes(std::move(order), make, workshop_.pool, workshop_.gate);
  const Result<Transferred> came = co_await std::move(moving);
  transferring_ = false;
  if (!came) {
    workshop_.health.failed(primary_of(source), came.error(), Now::of(workshop_.clock));
    if (retired_) co_return Result<Outcome>(came.error());
    note_fallback(source, came.error());
    co_return std::nullopt;
  }
  note_answer(source, came->counts.serial, {});
  Arrival arrival{came->built, came->counts, index, approach.began};
  if (!arrival.counts.expire) arrival.counts.expire = approach.expire;
  // Another server behind that address may be behind the one that answered the probe.
  if (!came->built) {
    note_expire(arrival.counts.expire);
    const Result<Outcome> verdict = judge(index, came->counts.serial);
    if (verdict && *verdict == Outcome::behind) co_return std::nullopt;  // a full check is due
    co_return verdict;
  }
  auto taking = take_over(std::move(arrival));
  const Result<Outcome> taken = co_await std::move(taking);
  if (!taken) note_refusal(source, taken.error());
  co_return taken;
}

}  // namespace understudy::sync
