// What an operator decides about a zone, and what time decides: holding, accepting, going back, expiring.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "backend/soa_record.h"
#include "base/log.h"
#include "dns/serial.h"
#include "sync/reasons.h"
#include "sync/rollback.h"
#include "sync/zone_agent.h"

namespace understudy::sync {
namespace asio = boost::asio;

namespace {

Result<std::string> words(std::string text) {
  // In place: a string alone could also be meant as an Error's reason.
  return Result<std::string>(boost::system::in_place_value, std::move(text));
}

bool is_operators(const backend::HeldVersion& held) {
  return held.reason == reason::on_hold || held.reason == reason::rolled_back;
}

}  // namespace

void ZoneAgent::order(Order order, backend::Version version, bool force, Done done) {
  auto obeying = obey(order, version, force);
  asio::co_spawn(workshop_.executor, std::move(obeying),
                 [self = shared_from_this(), done = std::move(done)](std::exception_ptr failure,
                                                                     Result<std::string> outcome) {
                   if (failure) outcome = Error{reason::mirror_io, "the order could not be carried out"};
                   if (done) done(outcome);
                   if (!self->retired_) self->workshop_.reschedule(self);
                 });
}

asio::awaitable<Result<std::string>> ZoneAgent::obey(Order order, backend::Version version, bool force) {
  const auto self = shared_from_this();  // for as long as this goes on
  auto entering = turn_.enter();
  co_await std::move(entering);
  Result<std::string> outcome = removed();
  if (!retired_ && order == Order::hold) {
    backend::Standing standing = standing_;
    standing.hold = true;
    auto saving = save_standing(standing);
    const Result<> saved = co_await std::move(saving);
    outcome = saved ? words("held: what comes is stored and not served, until `understudy resume " +
                            dns::to_string(apex()) + "`")
                    : Result<std::string>(saved.error());
  } else if (!retired_ && order == Order::accept) {
    auto accepting = accept(version);
    outcome = co_await std::move(accepting);
  } else if (!retired_ && order == Order::rollback) {
    auto rolling = roll_back(version, force);
    outcome = co_await std::move(rolling);
  } else if (!retired_) {
    auto resuming = resume();
    outcome = co_await std::move(resuming);
  }
  turn_.leave();
  co_return outcome;
}

asio::awaitable<Result<>> ZoneAgent::save_standing(backend::Standing standing) {
  auto later = Later<Result<>>::make(workshop_.executor);
  workshop_.store.post([later, zone = row_.id, standing](backend::Writer& writer) {
    later->set(writer.save_standing(zone, standing));
  });
  publishing_ = true;
  auto waiting = later->get();
  const Result<> saved = co_await std::move(waiting);
  publishing_ = false;
  if (saved) standing_ = standing;
  if (!retired_) co_return saved;
  errands_->ended();
  co_return removed();
}

// Makes the held version the live one.
asio::awaitable<Result<>> ZoneAgent::publish_held(backend::Standing standing) {
  const backend::HeldVersion held = *held_;
  const bool moved = dns::Serial(held.row.serial).is_newer_than(dns::Serial(row_.serial));
  Publisher::Order order = order_of({}, timer_.row());
  order.of_source = false;
  order.standing = standing;
  order.standing.serial_unmoved = has_data() && !moved;
  publishing_ = true;
  auto publishing = workshop_.publisher.publish_held(order, held);
  const Result<backend::ZoneRow> published = co_await std::move(publishing);
  publishing_ = false;
  if (retired_) {
    errands_->ended();
    co_return removed();
  }
  if (!published) co_return published.error();
  standing_ = order.standing;
  adopt(*published, held.source_serial, held.row.source,
        warnings_ ? std::move(warnings_->held) : std::vector<Warning>());
  signatures_.counted_to = 0;
  follow_signatures({});  // what it changes was not kept with it
  note_serial(held.source_serial);
  if (!tell_others_from_mirror())
    co_return Error{reason::mirror_io, "it is published, but its SOA record cannot be read"};
  co_return Result<>();
}

// As announce(), for a version that was not built just now.
bool ZoneAgent::tell_others_from_mirror() {
  const auto reader = workshop_.mirror.reader();
  if (!reader || !(*reader)->renew()) return false;
  const auto record = backend::soa_record(**reader, apex(), row_.generation);
  if (!record) return false;
  soa_ = dns::Soa::of(record->rdata);
  timer_.adopted(Now::of(workshop_.clock), soa_);
  workshop_.save_timers(row_.id, timer_.row());
  show_service();
  tell_others(record->ttl, record->rdata);
  return true;
}

asio::awaitable<Result<std::string>> ZoneAgent::accept(backend::Version version) {
  const std::string zone = dns::to_string(apex());
  if (!held_ || held_->row.version != version) {
    co_return Error{reason::not_held,
                    "version " + std::to_string(version) + " of " + zone + " is not held" +
                        (held_ ? "; version " + std::to_string(held_->row.version) + " is (" + held_->reason +
                                     "), and has to be accepted by its own number"
                               : std::string("; see `understudy history " + zone + "`"))};
  }
  // RFC 9432 5.1: no decision makes it a catalog.
  if (held_->reason == reason::catalog_broken) {
    co_return Error{reason::catalog_broken, "version " + std::to_string(version) + " of " + zone +
                                                " cannot be obeyed: " + held_->message +
                                                ". Its members stay as they are until its primary mends it"};
  }
  auto publishing = publish_held(standing_);
  const Result<> published = co_await std::move(publishing);
  if (!published) co_return published.error();
  log::info("version-accepted", {{"zone", zone}, {"version", row_.version}, {"serial", row_.serial}});
  co_return words("version " + std::to_string(row_.version) + " is served, with serial " +
                  std::to_string(row_.serial));
}

asio::awaitable<Result<std::shared_ptr<BuiltZone>>> ZoneAgent::restore_version(backend::Version version,
                                                                               bool force) {
  using Restored = Result<std::optional<BuiltZone>>;
  const std::shared_ptr<ZoneBuild> whole = new_build();
  const OlderVersion older{build_options(),       row_, version, force, false, settings_->raise_serial,
                           workshop_.clock.wall()};
  auto later = Later<std::shared_ptr<Restored>>::make(workshop_.executor);
  workshop_.pool.post([later, older, whole, &mirror = workshop_.mirror] {
    later->set(std::make_shared<Restored>(restore(older, mirror, *whole)));
  });
  auto waiting = later->get();
  const std::shared_ptr<Restored> restored = co_await std::move(waiting);
  if (!*restored) co_return std::move(*restored).error();
  if (**restored) co_return std::make_shared<BuiltZone>(std::move(***restored));
  auto finishing = finish_build(whole, workshop_.pool, workshop_.gate);
  co_return co_await std::move(finishing);
}

asio::awaitable<Result<std::string>> ZoneAgent::roll_back(backend::Version version, bool force) {
  const std::string zone = dns::to_string(apex());
  if (version == row_.version)
    co_return Error{reason::version_unknown,
                    "version " + std::to_string(version) + " is the one that is served"};
  if (held_ && version == held_->row.version) {
    co_return Error{reason::version_unknown,
                    "version " + std::to_string(version) +
                        " is held and was never served: `understudy accept` publishes it"};
  }
  auto restoring = restore_version(version, force);
  const Result<std::shared_ptr<BuiltZone>> built = co_await std::move(restoring);
  if (!built) co_return built.error();
  const dns::Soa soa = (*built)->summary.soa;
  if (retired_ || (*built)->breaks_signatures) {
    workshop_.publisher.discard((*built)->generation);
    if (retired_) co_return removed();
    co_return Error{reason::serial_raise,
                    "the serial of version " + std::to_string(version) +
                        " would have to be raised, and the zone has RRSIG or ZONEMD records. Set serial = "
                        "\"keep\" for it"};
  }
  const bool moved = dns::Serial(soa.serial).is_newer_than(dns::Serial(row_.serial));
  const std::uint32_t source_serial = (*built)->source_serial;
  Publisher::Order order = order_of("rollback to version " + std::to_string(version), timer_.row());
  order.of_source = false;
  order.standing.rolled_back = true;
  order.standing.serial_unmoved = !moved;
  publishing_ = true;
  auto publishing = workshop_.publisher.publish(order, *built);
  const Result<backend::ZoneRow> published = co_await std::move(publishing);
  publishing_ = false;
  if (retired_) {
    errands_->ended();
    co_return removed();
  }
  if (!published) co_return published.error();
  standing_ = order.standing;
  asked_parent_.reset();  // of another version
  adopt(*published, source_serial, {}, {});
  follow_signatures(**built);
  tell_others_from_mirror();
  log::warning("rolled-back",
               {{"zone", zone}, {"to", version}, {"version", row_.version}, {"serial", row_.serial}});
  std::string text = "version " + std::to_string(version) + " is served again, as version " +
                     std::to_string(row_.version) + " with serial " + std::to_string(row_.serial) +
                     "; what the source has is held until `understudy resume " + zone + "`";
  if (!moved) text += ". Its serial is not newer: secondaries of this server take it by AXFR only";
  if (timer_.state() == ZoneState::expired) text += ". But the zone is expired: clients get SERVFAIL";
  co_return words(std::move(text));
}

asio::awaitable<Result<std::string>> ZoneAgent::resume() {
  const std::string zone = dns::to_string(apex());
  backend::Standing standing = standing_;
  const bool was_rolled_back = standing.rolled_back;
  if (!standing.hold && !was_rolled_back) {
    co_return words("no operator holds it" + (held_ ? "; but version " + std::to_string(held_->row.version) +
                                                          " is held by the gate: " + held_->message
                                                    : std::string()));
  }
  standing.hold = standing.rolled_back = false;
  log::info("resumed", {{"zone", zone}});
  if (held_ && is_operators(*held_)) {
    auto publishing = publish_held(standing);
    const Result<> published = co_await std::move(publishing);
    if (!published) co_return published.error();
    co_return words("resumed; version " + std::to_string(row_.version) + " is served, with serial " +
                    std::to_string(row_.serial));
  }
  auto saving = save_standing(standing);
  const Result<> saved = co_await std::move(saving);
  if (!saved) co_return saved.error();
  if (held_) {
    co_return words("resumed; but version " + std::to_string(held_->row.version) +
                    " is held by the gate: " + held_->message);
  }
  // What is served is not what the source has, whatever their serials.
  if (was_rolled_back) want_transfer({});
  co_return words(was_rolled_back ? "resumed; the source is asked for what it has now" : "resumed");
}

// The held version is published by itself at the time that the policy sets; what an operator holds is not.
void ZoneAgent::accept_later() {
  accept_at_ = SteadyTime::max();
  const Seconds after = settings_->gate.accept_after;
  if (!held_ || after <= Seconds(0) || is_operators(*held_)) return;
  const Now now = Now::of(workshop_.clock);
  accept_at_ = now.steady + std::clamp(Seconds(held_->row.published - now.wall) + after, Seconds(0), after);
}

void ZoneAgent::show_service() {
  switch (timer_.state()) {
    case ZoneState::empty:
      return;
    case ZoneState::stale:
      return entry_->set_service(backend::Service::stale);
    case ZoneState::expired:
      return entry_->set_service(backend::Service::expired);
    default:
      return entry_->set_service(backend::Service::serving);
  }
}

void ZoneAgent::tick() {
  if (retired_) return;
  const Now now = Now::of(workshop_.clock);
  const std::string zone = dns::to_string(apex());
  if (timer_.tick(now)) {
    show_service();
    const bool stale = timer_.state() == ZoneState::stale;
    log::error(stale ? "zone-stale" : "zone-expired",
               {{"zone", zone}, {"serial", row_.serial}, {"last-success", timer_.row().last_success}});
    show_signatures();
  }
  if (now.steady >= signatures_end_at_) {
    signatures_end_at_ = SteadyTime::max();
    log::error("signatures-ended", {{"zone", zone}, {"since", signatures_end_}});
    if (settings_->stop_past_signature) {
      timer_.end_stale();
      show_service();
    }
  }
  if (now.steady >= accept_at_) {
    accept_at_ = SteadyTime::max();
    order(Order::accept, held_->row.version, false, {});
  }
}

}  // namespace understudy::sync
