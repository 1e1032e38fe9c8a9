#include "sync/zone_agent.h"

#include "base/log.h"
#include "dns/serial.h"
#include "sync/soa_probe.h"

namespace understudy::sync {
namespace asio = boost::asio;

namespace {

bool all_here(const ZoneSettings& settings) {
  return std::none_of(settings.sources.begin(), settings.sources.end(),
                      [](const SourceSpec& source) { return std::holds_alternative<AxfrSource>(source); });
}

}  // namespace

ZoneAgent::ZoneAgent(Workshop& workshop, ZoneSettings settings, std::shared_ptr<backend::ZoneEntry> entry)
    : workshop_(workshop),
      settings_(std::move(settings)),
      entry_(std::move(entry)),
      // A file on our own disk, or a catalog of what is here, is the authority: what it says holds for as long
      // as it says it.
      timer_(settings_.timers, entry_->id(), !all_here(settings_), settings_.serve_stale),
      turn_(workshop.executor) {
  for (const SourceSpec& spec : settings_.sources) {
    Source source{spec, {}};
    source.status.source = to_string(spec);
    if (const auto* axfr = std::get_if<AxfrSource>(&spec)) source.status.address = axfr->primary;
    sources_.push_back(std::move(source));
  }
}

void ZoneAgent::start(const backend::ZoneRow& row, Remembered remembered) {
  row_ = row;
  standing_ = remembered.standing;
  // Of a zone that was mirrored before anything of this was remembered.
  if (standing_.last == 0) standing_.source_serial = row.serial;
  held_ = std::move(remembered.held);
  const Now now = Now::of(workshop_.clock);
  whole_at_ = now.steady;
  accept_later();
  if (!has_data() || !remembered.soa) {
    timer_.start_empty(now);
    return;
  }
  soa_ = *remembered.soa;
  timer_.start(now, soa_, remembered.timers);
  // A file may have changed while we were away; looking costs nothing.
  if (all_here(settings_)) timer_.wanted(now);
  show_service();
  if (timer_.state() == ZoneState::stale) became_stale();
}

void ZoneAgent::want_check(Done done) {
  if (done) done_.push_back(std::move(done));
  timer_.wanted(Now::of(workshop_.clock));
}

void ZoneAgent::want_transfer(Done done) {
  whole_wanted_ = true;
  want_check(std::move(done));
}

void ZoneAgent::notified(const asio::ip::address& from, std::optional<std::uint32_t> serial) {
  workshop_.health.heard_from(from);
  ++workshop_.tallies.notify_received["ok"];
  log::info("notify-received", {{"zone", dns::to_string(settings_.apex)},
                                {"from", from.to_string()},
                                {"serial", serial ? std::to_string(*serial) : "none"}});
  hint_ = serial;
  timer_.wanted(Now::of(workshop_.clock));
}

void ZoneAgent::retire(std::function<void()> ended) {
  retired_ = true;
  waiting_.insert(waiting_.end(), std::make_move_iterator(done_.begin()),
                  std::make_move_iterator(done_.end()));
  done_.clear();
  answer(Error{reason::zone_removed,
               dns::to_string(settings_.apex) + " was removed or given other settings meanwhile"});
  if (!publishing_) return ended();
  retired_done_ = std::move(ended);
}

void ZoneAgent::answer(const Result<std::string>& outcome) {
  for (const Done& done : std::exchange(waiting_, {})) done(outcome);
}

void ZoneAgent::begin_cycle() {
  tick();
  timer_.begin_check();
}

asio::awaitable<void> ZoneAgent::cycle() {
  const bool whole = std::exchange(whole_wanted_, false);
  const std::optional<std::uint32_t> hint = std::exchange(hint_, std::nullopt);
  waiting_ = std::exchange(done_, {});
  answered_ = false;
  Result<Outcome> result = Error{reason::no_source, "the zone has no source"};
  bool current = false;
  for (std::size_t i = 0; i < sources_.size() && !retired_; ++i) {
    auto attempt = try_source(i, whole);
    result = co_await std::move(attempt);
    if (retired_) break;
    if (!result) {
      note_failure(sources_[i], result.error());
      continue;
    }
    note_up(sources_[i]);
    current = true;
    // RFC 1996 3.11: another primary may have sent the NOTIFY; where its serial is newer still, the others
    // are asked.
    const bool heard_of_newer =
        hint && dns::Serial(*hint).is_newer_than(dns::Serial(standing_.source_serial));
    if (*result != Outcome::current || !heard_of_newer) break;
  }
  if (!result && current) result = Outcome::current;
  if (!retired_) end_cycle(result);
}

void ZoneAgent::end_cycle(const Result<Outcome>& result) {
  const Now now = Now::of(workshop_.clock);
  tried_ = true;
  if (result && has_data()) {
    const ZoneState before = timer_.state();
    timer_.succeeded(now, soa_);
    signatures_end_at_ = SteadyTime::max();
    show_service();
    if (before == ZoneState::expired || before == ZoneState::stale)
      log::info("zone-serving-again", {{"zone", dns::to_string(settings_.apex)}});
  } else {
    timer_.failed(now, answered_);
  }
  workshop_.save_timers(row_.id, timer_.row());
  std::string good = "up to date";
  if (result && *result == Outcome::published) good = "transferred version " + std::to_string(row_.version);
  if (result && *result == Outcome::held && held_)
    good = "version " + std::to_string(held_->row.version) + " is held: " + held_->message;
  // In place: a string alone could also be meant as an Error's reason.
  answer(result ? Result<std::string>(boost::system::in_place_value, good)
                : Result<std::string>(result.error()));
}

asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::try_source(std::size_t index, bool whole) {
  if (std::holds_alternative<FileSource>(sources_[index].spec)) return try_file(index, whole);
  if (std::holds_alternative<PublishedCatalog>(sources_[index].spec)) return try_catalog(index);
  return try_primary(index, whole);
}

// What a serial that a primary told means for what is live.
Result<ZoneAgent::Outcome> ZoneAgent::judge(std::uint32_t serial) {
  const dns::Serial theirs(serial), ours(standing_.source_serial);
  const bool is_held = held_ && serial == held_->source_serial;
  if ((is_held || (has_data() && theirs == ours)) && full_check_due()) return Outcome::behind;
  if (is_held) return Outcome::held;
  if (has_data() && theirs == ours) return Outcome::current;
  if (!has_data() || theirs.is_newer_than(ours)) return Outcome::behind;
  // A zone that is not fresh any more takes what its primary has when it comes back.
  const bool past_expire = timer_.state() == ZoneState::expired || timer_.state() == ZoneState::stale;
  if (past_expire || settings_.gate.backwards != SerialPolicy::ignore) return Outcome::behind;
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
  return std::ranges::any_of(settings_.sources, [&](const SourceSpec& source) {
    const auto* const primary = std::get_if<AxfrSource>(&source);
    if (primary == nullptr) return false;
    return (primary->key && std::ranges::find(keys, *primary->key) != keys.end()) || (tls && primary->tls);
  });
}

asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::try_primary(std::size_t index, bool whole) {
  const auto& spec = std::get<AxfrSource>(sources_[index].spec);
  const net::Endpoint primary = spec.primary;
  const std::string name = net::to_string(primary);
  const Result<net::Trust> trust = trust_of(spec);
  if (!trust) co_return trust.error().within(name);
  if (const auto blocked = workshop_.health.blocked(primary, workshop_.clock.steady())) co_return *blocked;
  bool newer = false;
  if ((has_data() || held_) && !whole) {
    auto probing = probe_soa(primary, settings_.apex, settings_.transfer_source, *trust);
    const Result<ProbeAnswer> answer = co_await std::move(probing);
    if (!answer) {
      workshop_.health.failed(primary, answer.error(), Now::of(workshop_.clock));
      co_return answer.error();
    }
    note_answer(sources_[index], answer->serial, answer->round_trip);
    const Result<Outcome> verdict = judge(answer->serial);
    if (!verdict) co_return verdict.error().within(name);
    if (*verdict != Outcome::behind) co_return verdict;
    newer = dns::Serial(answer->serial).is_newer_than(dns::Serial(standing_.source_serial));
  }
  const SteadyTime began = workshop_.clock.steady();
  if (newer && may_ask_for_increment(sources_[index])) {
    auto trying = try_increment(index, began, *trust);
    const std::optional<Result<Outcome>> outcome = co_await std::move(trying);
    if (outcome) co_return *outcome;
  }
  transferring_ = true;
  auto moving = transfer_whole({primary, settings_.transfer_source, rules(), {}, *trust}, new_build(),
                               workshop_.pool, workshop_.gate);
  Result<Transferred> came = co_await std::move(moving);
  transferring_ = false;
  if (!came) {
    workshop_.health.failed(primary, came.error(), Now::of(workshop_.clock));
    note_refusal(sources_[index].status.source, came.error());
    co_return came.error();
  }
  whole_at_ = workshop_.clock.steady();
  note_answer(sources_[index], came->built->source_serial, {});
  auto taking = take_over(came->built, came->counts, sources_[index].status.source, began, whole);
  Result<Outcome> taken = co_await std::move(taking);
  if (!taken) note_refusal(sources_[index].status.source, taken.error());
  co_return taken;
}

asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::try_file(std::size_t index, bool whole) {
  const std::string path = std::get<FileSource>(sources_[index].spec).path;
  const std::string source = sources_[index].status.source;
  const bool read_before = !file_state_.paths.empty() && file_state_.paths.front() == path;
  if (!whole && read_before && !has_changed(file_state_)) {
    if (file_failure_) co_return *file_failure_;
    if (held_) co_return Outcome::held;
    if (has_data()) co_return Outcome::current;
  }
  const SteadyTime began = workshop_.clock.steady();
  const std::shared_ptr<ZoneBuild> build = new_build();
  auto later = Later<std::shared_ptr<FileRead>>::make(workshop_.executor);
  workshop_.pool.post([later, build, path, rules = rules()] {
    later->set(std::make_shared<FileRead>(read_file(path, rules, *build)));
  });
  transferring_ = true;
  auto reading = later->get();
  const std::shared_ptr<FileRead> read = co_await std::move(reading);
  Result<Outcome> taken = Outcome::current;
  if (!read->counts) {
    taken = read->counts.error();
  } else {
    auto finishing = finish_build(build, workshop_.pool, workshop_.gate);
    const Result<std::shared_ptr<BuiltZone>> built = co_await std::move(finishing);
    if (!built) {
      taken = built.error();
    } else {
      note_serial((*built)->source_serial);
      TransferCounts counts = *read->counts;
      counts.kind = TransferKind::file;
      auto taking = take_over(*built, std::move(counts), source, began, true);
      taken = co_await std::move(taking);
    }
  }
  transferring_ = false;
  file_state_ = std::move(read->state);
  file_failure_.reset();
  if (!taken) {
    file_failure_ = taken.error();
    note_refusal(source, taken.error());
  }
  co_return taken;
}

TransferRules ZoneAgent::rules() const {
  return {settings_.apex, 0, settings_.transfer_octets, settings_.transfer_records,
          settings_.refuse_out_of_zone};
}

backend::BuildOptions ZoneAgent::build_options() const {
  return {settings_.apex, workshop_.spool_directory, settings_.records_per_name,
          settings_.drop_cname_conflicts};
}

std::shared_ptr<ZoneBuild> ZoneAgent::new_build() const {
  return std::make_shared<ZoneBuild>(build_options(), row_, workshop_.mirror, workshop_.store,
                                     settings_.raise_serial);
}

const FileState* ZoneAgent::file_to_watch() const {
  return file_state_.paths.empty() || timer_.checking() ? nullptr : &file_state_;
}

}  // namespace understudy::sync
