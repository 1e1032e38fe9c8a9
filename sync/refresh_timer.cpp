#include "sync/refresh_timer.h"

namespace understudy::sync {
namespace {

using std::chrono::milliseconds;

// An empty zone serves nobody, and its primary may be starting too: asked soon, then ever more rarely.
constexpr Seconds first_retry_while_empty{1};

// Steele, Lea and Flood, SplitMix64: well spread numbers from consecutive seeds.
std::uint64_t mixed(std::uint64_t& seed) {
  std::uint64_t z = (seed += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

Seconds bounded(std::uint32_t value, Seconds low, Seconds high) {
  return std::clamp(Seconds(value), low, std::max(low, high));
}

}  // namespace

milliseconds RefreshTimer::jittered(Seconds interval) {
  const std::int64_t whole = milliseconds(interval).count();
  const std::int64_t range = whole / 10;  // 5 % either way
  if (range == 0) return milliseconds(whole);
  return milliseconds(whole - range / 2 +
                      static_cast<std::int64_t>(mixed(seed_) % static_cast<std::uint64_t>(range + 1)));
}

void RefreshTimer::schedule(Now now, milliseconds after) {
  next_check_ = now.steady + after;
  row_.next_check = now.wall + std::chrono::duration_cast<Seconds>(after).count();
}

void RefreshTimer::start_empty(Now now) {
  state_ = ZoneState::empty;
  schedule(now, milliseconds(0));
}

void RefreshTimer::start(Now now, const dns::Soa& soa, const backend::TimerRow& row) {
  soa_ = soa;
  row_ = row;
  state_ = ZoneState::fresh;
  const Seconds refresh = bounded(soa.refresh, bounds().refresh_min, bounds().refresh_max);
  const Seconds expire = bounded(soa.expire, bounds().expire_min, bounds().expire_max);
  // The wall clock may have jumped while we were away: never wait longer than a fresh zone would.
  const Seconds until_check = std::clamp(Seconds(row.next_check - now.wall), Seconds(0), refresh);
  schedule(now, until_check);
  // A file on our own disk, or a catalog of what is here, is the authority: what it says holds for as long as
  // it says it.
  if (is_local(settings_)) return;
  // A zone that was a file's has data and no expiry yet: its time begins with the last success.
  const UnixTime expires = row.expires != 0 ? row.expires : row.last_success + expire.count();
  const Seconds until_expiry = std::min(Seconds(expires - now.wall), expire);
  expires_at_ = now.steady + until_expiry;
  if (until_expiry <= Seconds(0))
    state_ = until_expiry + serve_stale() > Seconds(0) ? ZoneState::stale : ZoneState::expired;
}

void RefreshTimer::begin_check() {
  checking_ = true;
  again_ = false;
}

// RFC 7314 4: what the primary's own timer has left, where it told that, goes before the SOA's EXPIRE, which
// is never exceeded. Asking only ever puts the end off ("the maximum of the value returned [...] and the
// current timer value"); a new version begins with it. The operator's bounds stand above both; but who has
// nothing left itself puts nothing off, or a primary that serves on past its own end would keep ours alive.
void RefreshTimer::renew_expiry(Now now, const ToldExpire& told) {
  const Seconds whole = bounded(soa_.expire, bounds().expire_min, bounds().expire_max);
  const Seconds left = bounded(std::min(told.seconds.value_or(soa_.expire), soa_.expire), bounds().expire_min,
                               bounds().expire_max);
  SteadyTime end = now.steady + left;
  const bool goes_on = !told.new_version && expires_at_ != SteadyTime::max();
  if (goes_on) end = told.seconds == 0u ? expires_at_ : std::max(end, expires_at_);
  end = std::min(end, now.steady + whole);
  expires_at_ = end;
  row_.expires = now.wall + std::chrono::ceil<Seconds>(end - now.steady).count();
}

void RefreshTimer::succeeded(Now now, const dns::Soa& soa, const ToldExpire& told) {
  soa_ = soa;
  state_ = ZoneState::fresh;
  failures_ = 0;
  row_.last_check = row_.last_success = now.wall;
  schedule(now, jittered(bounded(soa.refresh, bounds().refresh_min, bounds().refresh_max)));
  if (!is_local(settings_)) renew_expiry(now, told);
  if (expires_at_ <= now.steady)  // none of them has anything left
    state_ = now.steady < expires_at_ + serve_stale() ? ZoneState::stale : ZoneState::expired;
  checking_ = false;
  if (again_) wanted(now);
}

void RefreshTimer::failed(Now now, bool answered) {
  if (answered) row_.last_check = now.wall;
  if (state_ == ZoneState::fresh) state_ = ZoneState::retrying;
  Seconds wait = bounded(soa_.retry, bounds().retry_min, bounds().retry_max);
  if (state_ == ZoneState::empty) {
    const Seconds longest = std::max(bounds().retry_max, first_retry_while_empty);
    wait = std::min(first_retry_while_empty * (1 << failures_), longest);
    if (failures_ < 16) ++failures_;
  }
  schedule(now, jittered(wait));
  checking_ = false;
  if (again_) wanted(now);
}

void RefreshTimer::wanted(Now now) {
  if (checking_) {
    again_ = true;
    return;
  }
  again_ = false;
  schedule(now, milliseconds(0));
}

void RefreshTimer::wanted_within(Now now, Seconds time) {
  if (now.steady + time < next_check_) schedule(now, time);
}

void RefreshTimer::adopted(Now now, const dns::Soa& soa) {
  soa_ = soa;
  if (state_ != ZoneState::empty) return;
  // The first version that is served: its time begins.
  const bool checking = checking_, again = again_;
  succeeded(now, soa);
  checking_ = checking;
  again_ = again;
}

bool RefreshTimer::tick(Now now) {
  const ZoneState before = state_;
  const bool served = state_ == ZoneState::fresh || state_ == ZoneState::retrying;
  if (served && now.steady >= expires_at_)
    state_ = serve_stale() > Seconds(0) ? ZoneState::stale : ZoneState::expired;
  if (state_ == ZoneState::stale && now.steady >= expires_at_ + serve_stale()) state_ = ZoneState::expired;
  return state_ != before;
}

SteadyTime RefreshTimer::due() const {
  const bool may_expire = state_ == ZoneState::fresh || state_ == ZoneState::retrying;
  const SteadyTime expiry = may_expire                   ? expires_at_
                            : state_ == ZoneState::stale ? expires_at_ + serve_stale()
                                                         : SteadyTime::max();
  return checking_ ? expiry : std::min(next_check_, expiry);
}

}  // namespace understudy::sync
