// When a zone is looked after: SOA REFRESH, RETRY and EXPIRE (RFC 1034 4.3.5) as a machine without clock,
// sockets or threads. Time is passed in; belongs to the zone's agent.
//
//            +------------------------------- succeeded -------------------------------+
//            v                                                                          |
//   empty -succeeded-> fresh --failed--> retrying --expire over (tick)--> expired ------+
//     |                  ^                  |                                |
//     +-failed: wait     +----succeeded-----+                                +-failed: wait
//       1 s, 2 s, ...                         failed: wait RETRY               RETRY
//
// Where the zone's policy serves on past expire, `stale` stands before `expired`, for as long as it says.
//
// NOTIFY makes the next check due now; one that comes while a check runs makes one more check after it,
// however many come. The steady clock decides; wall time is only for what is kept across a restart.
#pragma once

#include "backend/mirror.h"
#include "base/clock.h"
#include "dns/record.h"
#include "sync/zone_settings.h"
#include "sync/zone_status.h"

namespace understudy::sync {

struct Now {
  SteadyTime steady;
  UnixTime wall = 0;
  static Now of(const Clock& clock) { return {clock.steady(), clock.wall()}; }
};

// What the primaries of a check told of how long their own copies hold (EXPIRE, RFC 7314), so that a chain of
// secondaries expires together, and not one after the other.
struct ToldExpire {
  std::optional<std::uint32_t> seconds;  // none: nothing, and the SOA decides
  bool new_version = false;              // the zone came with it, and its time begins anew
};

class RefreshTimer {
 public:
  // The zone's `settings` outlive it. `seed` spreads zones with the same SOA over time, the same way at every
  // start.
  RefreshTimer(const SharedSettings& settings, std::uint64_t seed) : settings_(settings), seed_(seed) {}
  RefreshTimer(SharedSettings&& settings, std::uint64_t seed) = delete;

  // At start: without data the first check is due at once; with data, what the mirror remembers goes on.
  void start_empty(Now now);
  void start(Now now, const dns::Soa& soa, const backend::TimerRow& row);

  // A check begins, and ends in one of the ways below.
  void begin_check();
  bool checking() const { return checking_; }
  // The zone is current: `soa` is what is served.
  void succeeded(Now now, const dns::Soa& soa, const ToldExpire& told = {});
  // No primary could say or deliver. `answered`: some primary told a serial, though nothing came of it.
  void failed(Now now, bool answered);
  // A check wanted at once: NOTIFY, or an operator.
  void wanted(Now now);
  // The next check comes after this time at the latest. Not while one runs.
  void wanted_within(Now now, Seconds time);
  // A version was published that no check brought: an operator's. Says nothing of the primary.
  void adopted(Now now, const dns::Soa& soa);
  // Time passed; true where the zone became stale, or expired, now.
  bool tick(Now now);
  // A stale zone is served no longer.
  void end_stale() {
    if (state_ == ZoneState::stale) state_ = ZoneState::expired;
  }

  // When to come back: for the next check, or to expire. While a check runs, only the latter.
  SteadyTime due() const;
  bool check_due(Now now) const { return !checking_ && now.steady >= next_check_; }
  ZoneState state() const { return state_; }
  const backend::TimerRow& row() const { return row_; }

 private:
  void renew_expiry(Now now, const ToldExpire& told);
  void schedule(Now now, std::chrono::milliseconds after);
  std::chrono::milliseconds jittered(Seconds interval);

  const TimerBounds& bounds() const { return settings_.timers; }
  Seconds serve_stale() const { return settings_.serve_stale; }

  const SharedSettings& settings_;
  std::uint64_t seed_;
  dns::Soa soa_{};
  ZoneState state_ = ZoneState::empty;
  bool checking_ = false, again_ = false;
  std::uint8_t failures_ = 0;  // in a row, while empty; counted up to 16
  SteadyTime next_check_{}, expires_at_ = SteadyTime::max();
  backend::TimerRow row_;
};

}  // namespace understudy::sync
