// How an agent asks a primary: its serial, then what is newer; and which of several primaries it listens to.
#include "base/log.h"
#include "dns/serial.h"
#include "sync/soa_probe.h"
#include "sync/zone_agent.h"

namespace understudy::sync {
namespace asio = boost::asio;

// What a serial that a primary told means for what is live.
Result<ZoneAgent::Outcome> ZoneAgent::judge(std::size_t index, std::uint32_t serial) {
  const dns::Serial theirs(serial), ours(standing_.source_serial);
  // The same serial of another primary may be another version.
  const bool is_held = held_ && serial == held_->source_serial &&
                       (sources_.size() == 1 || held_->row.source == to_string(sources_[index].spec));
  // What is live is read anew from the primary that gave it, and from no other.
  if (!is_held && has_data() && theirs == ours && pinned_ && !gave_what_is_live(index))
    return Outcome::current;
  if ((is_held || (has_data() && theirs == ours)) && full_check_due()) return Outcome::behind;
  if (is_held) return Outcome::held;
  if (has_data() && theirs == ours) return Outcome::current;
  if (!has_data() || theirs.is_newer_than(ours)) return Outcome::behind;
  // A zone that is not fresh any more takes what its primary has when it comes back.
  const bool past_expire = timer_.state() == ZoneState::expired || timer_.state() == ZoneState::stale;
  if (past_expire || settings_->gate.backwards != SerialPolicy::ignore) return Outcome::behind;
  return Error{reason::serial_backwards, "it has serial " + std::to_string(serial) + ", but " +
                                             std::to_string(standing_.source_serial) +
                                             " is served: retransfer to take it"};
}

// A zone that was added while a key was there may outlive it.
Result<net::Trust> ZoneAgent::trust_of(const AxfrSource& source) const {
  net::Trust trust;
  if (source.key) {
    trust.key = workshop_.credentials.keys->find(*source.key);
    if (!trust.key) {
      return Error{reason::key_unknown, "the key " + dns::to_string(*source.key) +
                                            " of this source is not configured: give a [[key]] with that "
                                            "name to the server"};
    }
  }
  if (source.tls) {
    if (!workshop_.credentials.tls)
      return Error{reason::tls_handshake, "this server was started without TLS for its sources"};
    trust.tls = net::TlsTrust{workshop_.credentials.tls, *source.tls};
  }
  return trust;
}

bool ZoneAgent::is_asked_with(const std::vector<dns::Name>& keys, bool tls) const {
  return std::ranges::any_of(settings_->sources, [&](const SourceSpec& source) {
    const auto* const primary = std::get_if<AxfrSource>(&source);
    if (primary == nullptr) return false;
    return (primary->key && std::ranges::find(keys, *primary->key) != keys.end()) || (tls && primary->tls);
  });
}

// Two primaries may come to the same serial by other ways: then the differences of one do not lead on from
// what the other gave, though they may seem to fit.
bool ZoneAgent::gave_what_is_live(std::size_t index) const {
  return sources_.size() == 1 || pinned_ == index;
}

void ZoneAgent::pin(std::string_view source) {
  pinned_.reset();
  ahead_since_.reset();
  for (std::size_t i = 0; i < sources_.size() && !pinned_; ++i) {
    if (to_string(sources_[i].spec) == source) pinned_ = i;
  }
}

// Whether the pinned primary has had its time to follow those that are ahead of it.
bool ZoneAgent::may_move() const {
  if (!pinned_ || sources_[*pinned_].failing_since != 0) return true;
  const bool fresh = timer_.state() == ZoneState::fresh || timer_.state() == ZoneState::retrying;
  return !fresh || (ahead_since_ && workshop_.clock.steady() - *ahead_since_ >= settings_->pin_tolerance);
}

// Takes the newest version that one of these has.
asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::move_on(std::vector<std::size_t> ahead) {
  Result<Outcome> result = Outcome::current;
  moving_ = true;
  while (!ahead.empty() && !retired_) {
    const auto newest = std::max_element(ahead.begin(), ahead.end(), [this](std::size_t a, std::size_t b) {
      return dns::Serial(*sources_[b].serial).is_newer_than(dns::Serial(*sources_[a].serial));
    });
    Source& source = sources_[*newest];
    auto trying = try_source(*newest, false);
    ahead.erase(newest);
    result = co_await std::move(trying);
    if (retired_) break;
    if (result) note_up(source);
    if (result && *result == Outcome::published)
      log::info("primary-moved", {{"zone", dns::to_string(apex())}, {"to", to_string(source.spec)}});
    if (result && *result != Outcome::current) break;
    if (!result) note_failure(source, result.error());
  }
  moving_ = false;
  co_return result;
}

// Whether there is something to fetch; `ahead` where that is not for this primary to give, or not yet.
asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::ask_for_serial(std::size_t index, Approach& approach) {
  const net::Endpoint primary = primary_of(sources_[index]);
  // Knot answers what it has of a catalog over TCP only.
  auto probing = probe_soa(primary, apex(), settings_->transfer_source, approach.trust, approach.edns,
                           settings_->gate.catalog.has_value());
  const Result<ProbeAnswer> answer = co_await std::move(probing);
  if (!answer) {
    workshop_.health.failed(primary, answer.error(), Now::of(workshop_.clock));
    co_return answer.error();
  }
  workshop_.health.edns_seen(primary, answer->edns, workshop_.clock.steady());
  approach.edns = answer->edns == EdnsSeen::understood;
  approach.expire = answer->expire;
  note_answer(sources_[index], answer->serial, answer->round_trip);
  const Result<Outcome> verdict = judge(index, answer->serial);
  if (!verdict) co_return verdict.error().within(net::to_string(primary));
  if (*verdict != Outcome::behind) {
    note_expire(answer->expire);
    co_return verdict;
  }
  const bool newer = dns::Serial(answer->serial).is_newer_than(dns::Serial(standing_.source_serial));
  if (newer && has_data() && !moving_ && !gave_what_is_live(index)) co_return Outcome::ahead;
  co_return verdict;
}

// A NOTIFY is a hint and no more (RFC 1996 3.7 has the serial asked for, RFC 1995 2 lets differences be asked
// for at once: "current" is an answer too, also to a NOTIFY that told no serial). Of one primary among
// several the others are asked as well, and one that was never heard before is met by the short question,
// which finds out what it understands.
bool ZoneAgent::told_of_newer(std::size_t index) const {
  const Source& primary = sources_[index];
  const auto hint = heard();
  return hint && hint->first && sources_.size() == 1 && !held_ && primary.last_answer != 0 &&
         primary.failing_since == 0 && !hint->nothing_after(standing_.source_serial);
}

// AXFR, and once more without EDNS where that may be what the primary did not understand (RFC 6891 7).
asio::awaitable<Result<Transferred>> ZoneAgent::fetch_whole(std::size_t index, Approach& approach) {
  const net::Endpoint primary = primary_of(sources_[index]);
  TransferOrder order{primary,       settings_->transfer_source, rules(), {}, approach.trust,
                      approach.edns, &workshop_.connections};
  const auto make = [this] { return new_build(); };
  transferring_ = true;
  auto moving = transfer_whole(order, make, workshop_.pool, workshop_.gate);
  Result<Transferred> came = co_await std::move(moving);
  const bool may_be_edns =
      !came && order.edns &&
      (came.error().reason == reason::formerr || came.error().reason == reason::not_implemented);
  if (may_be_edns && !retired_) {
    order.edns = false;
    auto again = transfer_whole(order, make, workshop_.pool, workshop_.gate);
    came = co_await std::move(again);
    if (came) workshop_.health.edns_seen(primary, EdnsSeen::refused, workshop_.clock.steady());
  }
  transferring_ = false;
  co_return came;
}

asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::try_primary(std::size_t index, bool whole) {
  Source& source = sources_[index];
  const auto& spec = std::get<AxfrSource>(source.spec);
  const net::Endpoint primary = spec.primary;
  const Result<net::Trust> trust = trust_of(spec);
  if (!trust) co_return trust.error().within(net::to_string(primary));
  const SteadyTime now = workshop_.clock.steady();
  if (const auto blocked = workshop_.health.blocked(primary, now)) co_return *blocked;
  Approach approach{*trust, workshop_.health.may_use_edns(primary, now)};
  // Where it has just told us that it has a newer version there is no need to ask whether it has.
  const bool told = !whole && told_of_newer(index) && may_ask_for_increment(index);
  if (told) {
    approach.began = now;
    auto trying = try_increment(index, approach);
    const std::optional<Result<Outcome>> outcome = co_await std::move(trying);
    if (outcome) co_return *outcome;
  }
  bool newer = false;
  // The first version of a zone is fetched at once; where that failed, the short question tells more of why.
  const bool asks_first = has_data() || held_ || source.failing_since != 0;
  if (asks_first && !whole) {
    auto asking = ask_for_serial(index, approach);
    const Result<Outcome> verdict = co_await std::move(asking);
    if (!verdict || *verdict != Outcome::behind) co_return verdict;
    newer = dns::Serial(*source.serial).is_newer_than(dns::Serial(standing_.source_serial));
  }
  approach.began = workshop_.clock.steady();
  if (newer && !told && may_ask_for_increment(index)) {
    auto trying = try_increment(index, approach);
    const std::optional<Result<Outcome>> outcome = co_await std::move(trying);
    if (outcome) co_return *outcome;
  }
  auto fetching = fetch_whole(index, approach);
  const Result<Transferred> came = co_await std::move(fetching);
  if (!came) {
    workshop_.health.failed(primary, came.error(), Now::of(workshop_.clock));
    note_refusal(source, came.error());
    co_return came.error();
  }
  whole_at_ = workshop_.clock.steady();
  note_answer(source, came->built->source_serial, {});
  Arrival arrival{came->built, came->counts, index, approach.began, whole};
  if (!arrival.counts.expire) arrival.counts.expire = approach.expire;
  auto taking = take_over(std::move(arrival));
  Result<Outcome> taken = co_await std::move(taking);
  if (!taken) note_refusal(source, taken.error());
  co_return taken;
}

}  // namespace understudy::sync
