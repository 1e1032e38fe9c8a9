// What an agent remembers of its sources, and tells of itself.
#include "base/log.h"
#include "dns/serial.h"
#include "sync/zone_agent.h"

namespace understudy::sync {
namespace {

// For so long a zone's primary is not asked for differences again after they could not be had.
constexpr Seconds ixfr_back_off{600};

}  // namespace

void ZoneAgent::note_serial(std::uint32_t serial) {
  const dns::Serial theirs(serial);
  const std::uint32_t ours = standing_.source_serial;  // as the source has it
  if (!primary_serial_ || theirs.is_newer_than(dns::Serial(*primary_serial_)) || serial == ours) {
    primary_serial_ = serial;
  }
  if (has_data() && *primary_serial_ == ours) {
    out_of_sync_since_ = 0;
  } else if (out_of_sync_since_ == 0) {
    out_of_sync_since_ = workshop_.clock.wall();
  }
}

void ZoneAgent::note_answer(Source& source, std::uint32_t serial, std::chrono::nanoseconds round_trip) {
  answered_ = true;
  std::optional<double> seconds;
  if (round_trip.count() != 0) seconds = std::chrono::duration<double>(round_trip).count();
  workshop_.health.answered(primary_of(source), Now::of(workshop_.clock), seconds);
  source.serial = serial;
  source.last_answer = workshop_.clock.wall();
  note_serial(serial);
}

// RFC 7314 4: of several the most. One that tells nothing may be the primary of them all, whose copy holds
// for as long as the SOA says.
void ZoneAgent::note_expire(std::optional<std::uint32_t> told) {
  std::optional<ToldExpire>& most = errands().told;
  if (!most) {
    most = ToldExpire{told};
  } else if (most->seconds) {
    most->seconds = told ? std::optional(std::max(*told, *most->seconds)) : std::nullopt;
  }
}

void ZoneAgent::count_transfer(TransferKind kind, const Source& source, std::string_view result) {
  ++workshop_.tallies.transfers_in[{to_string(kind), transport_of(source.spec), result}];
}

void ZoneAgent::note_up(Source& source) {
  const UnixTime now = workshop_.clock.wall();
  // Of one whose versions were refused nobody was told that it is down.
  const bool was_down = source.failing_since != 0 && source.failure &&
                        reason::blame_of(source.failure->reason) != reason::Blame::content;
  if (was_down) {
    log::info("primary-up", {{"zone", dns::to_string(apex())},
                             {"primary", to_string(source.spec)},
                             {"seconds", now - source.failing_since}});
  }
  source.up = true;
  source.failing_since = 0;
  source.last_answer = now;
}

void ZoneAgent::note_failure(Source& source, const Error& error) {
  const UnixTime now = workshop_.clock.wall();
  const bool same = source.failing_since != 0 && source.failure && source.failure->reason == error.reason;
  const bool content = reason::blame_of(error.reason) == reason::Blame::content;
  const bool backwards = error.reason == reason::serial_backwards;
  if (!same && (!content || backwards)) {  // a primary that stays down is not told of again and again
    log::warning(backwards ? "serial-backwards" : "primary-down", {{"zone", dns::to_string(apex())},
                                                                   {"primary", to_string(source.spec)},
                                                                   {"reason", error.reason},
                                                                   {"message", error.message}});
  }
  source.up = content;
  if (source.failing_since == 0) source.failing_since = now;
  source.failure = std::make_unique<Failure>(error.reason, error.message, now);
}

// Differences could not be had, or not be used: the whole zone is asked for next.
void ZoneAgent::note_fallback(Source& source, const Error& error) {
  const Now now = Now::of(workshop_.clock);
  count_transfer(TransferKind::ixfr, source, error.reason);
  ++workshop_.tallies.transfer_fallbacks[error.reason];
  if (error.reason == reason::formerr || error.reason == reason::not_implemented) {
    workshop_.health.lacks_ixfr(primary_of(source), now.steady);
  } else if (error.reason != reason::ixfr_gap && error.reason != reason::ixfr_conflict) {
    // Those two are over with the whole zone; whatever else it was may stay for a while.
    source.no_ixfr_until = now.steady + ixfr_back_off;
  }
  log::warning("transfer-fallback", {{"zone", dns::to_string(apex())},
                                     {"transport", transport_of(source.spec)},
                                     {"primary", to_string(source.spec)},
                                     {"reason", error.reason},
                                     {"message", error.message},
                                     {"next", "axfr"}});
}

void ZoneAgent::note_refusal(const Source& source, const Error& error) {
  if (retired_) return;
  count_transfer(std::holds_alternative<AxfrSource>(source.spec) ? TransferKind::axfr : TransferKind::file,
                 source, error.reason);
  const bool same =
      last_refusal_ && last_refusal_->reason == error.reason && last_refusal_->message == error.message;
  last_refusal_ = std::make_unique<Failure>(error.reason, error.message, workshop_.clock.wall());
  log::write(same ? log::Level::debug : log::Level::warning, "transfer-refused",
             {{"zone", dns::to_string(apex())},
              {"transport", transport_of(source.spec)},
              {"primary", to_string(source.spec)},
              {"reason", error.reason},
              {"message", error.message}});
}

PrimaryStatus ZoneAgent::status_of(const Source& source) {
  PrimaryStatus status;
  status.source = to_string(source.spec);
  if (const auto* const axfr = std::get_if<AxfrSource>(&source.spec)) status.address = axfr->primary;
  status.up = source.up;
  status.serial = source.serial;
  status.last_answer = source.last_answer;
  if (source.failure) status.failure = *source.failure;
  status.failing_since = source.failing_since;
  return status;
}

ZoneStatus ZoneAgent::status() const {
  ZoneStatus status;
  status.apex = apex();
  status.added = added_;
  if (member_) status.member = *member_;
  if (publishes_catalog(*settings_)) {
    status.catalog.emplace();
    status.catalog->published = true;
    status.catalog->members = listed_;
  }
  status.state = timer_.state();
  status.row = row_;
  status.timers = timer_.row();
  status.soa = soa_;
  status.primary_serial = primary_serial_;
  status.out_of_sync_since = out_of_sync_since_;
  if (last_refusal_) status.last_refusal = *last_refusal_;
  status.out_of_zone_dropped = out_of_zone_dropped_;
  status.transferring = transferring_;
  if (last_transfer_) status.last_transfer = to_string(*last_transfer_);
  status.standing = standing_;
  if (held_) status.held = *held_;
  if (warnings_) status.warnings = warnings_->live;
  status.raises_serial = settings_->raise_serial;
  status.accept_after = settings_->gate.accept_after;
  status.signatures_end = signatures_end_;
  if (parent_ds_) status.parent_ds = *parent_ds_;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    PrimaryStatus primary = workshop_.health.complete(status_of(sources_[i]));
    if (primary.address) primary.learnt = workshop_.health.learnt(*primary.address, workshop_.clock.steady());
    primary.pinned = pinned_ == i;
    status.primaries.push_back(std::move(primary));
  }
  status.secondaries = workshop_.notify.status(apex());
  return status;
}

}  // namespace understudy::sync
