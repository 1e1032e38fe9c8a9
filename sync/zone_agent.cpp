#include "sync/zone_agent.h"

#include "base/log.h"
#include "dns/serial.h"

namespace understudy::sync {
namespace asio = boost::asio;

ZoneAgent::ZoneAgent(Workshop& workshop, const ZoneSettings& zone,
                     std::shared_ptr<const SharedSettings> shared, std::shared_ptr<backend::ZoneEntry> entry)
    : workshop_(workshop),
      settings_(std::move(shared)),
      entry_(std::move(entry)),
      added_(zone.added),
      member_(zone.member ? std::make_unique<const backend::MemberZone>(*zone.member) : nullptr),
      timer_(*settings_, entry_->id()),
      turn_(workshop.executor) {
  sources_.reserve(settings_->sources.size());
  for (const SourceSpec& spec : settings_->sources) sources_.push_back({spec});
}

bool ZoneAgent::has_settings(const ZoneSettings& zone) const {
  const bool same_catalog = member_ && zone.member ? *member_ == *zone.member : !member_ && !zone.member;
  return apex() == zone.apex && added_ == zone.added && same_catalog && *settings_ == zone;
}

const net::Endpoint& ZoneAgent::primary_of(const Source& source) {
  return std::get<AxfrSource>(source.spec).primary;
}

void ZoneAgent::start(const backend::ZoneRow& row, Remembered remembered) {
  row_ = row;
  standing_ = remembered.standing;
  // Of a zone that was mirrored before anything of this was remembered.
  if (standing_.last == 0) standing_.source_serial = row.serial;
  if (remembered.held) held_ = std::make_unique<const backend::HeldVersion>(std::move(*remembered.held));
  const Now now = Now::of(workshop_.clock);
  if (sources_.empty())
    last_refusal_ = std::make_unique<Failure>(no_source().reason, no_source().message, now.wall);
  whole_at_ = now.steady;
  accept_later();
  pin(remembered.source);
  if (!has_data() || !remembered.soa) {
    timer_.start_empty(now);
    return;
  }
  soa_ = *remembered.soa;
  timer_.start(now, soa_, remembered.timers);
  // A file may have changed while we were away; looking costs nothing.
  if (is_local(*settings_)) timer_.wanted(now);
  show_service();
  if (remembered.is_signed) begin_counting();
}

Error ZoneAgent::no_source() const {
  return {reason::no_source,
          settings_->unusable.empty() ? std::string("the zone has no source") : settings_->unusable};
}

void ZoneAgent::want_check(Done done) {
  if (done) errands().next.push_back(std::move(done));
  timer_.wanted(Now::of(workshop_.clock));
}

void ZoneAgent::want_transfer(Done done) {
  whole_wanted_ = true;
  want_check(std::move(done));
}

void ZoneAgent::notified(const asio::ip::address& from, std::optional<std::uint32_t> serial) {
  workshop_.health.heard_from(from);
  ++workshop_.tallies.notify_received["ok"];
  log::info("notify-received", {{"zone", dns::to_string(apex())},
                                {"from", from.to_string()},
                                {"serial", serial ? std::to_string(*serial) : "none"}});
  const auto* const first = sources_.empty() ? nullptr : std::get_if<AxfrSource>(&sources_.front().spec);
  errands().hint = Hint{serial, first != nullptr && first->primary.address == from};
  timer_.wanted(Now::of(workshop_.clock));
}

void ZoneAgent::retire(std::function<void()> ended) {
  retired_ = true;
  Errands& last = errands();
  last.now.insert(last.now.end(), std::make_move_iterator(last.next.begin()),
                  std::make_move_iterator(last.next.end()));
  last.next.clear();
  answer(
      Error{reason::zone_removed, dns::to_string(apex()) + " was removed or given other settings meanwhile"});
  if (!publishing_) return ended();
  last.ended = std::move(ended);
}

ZoneAgent::Errands& ZoneAgent::errands() {
  if (!errands_) errands_ = std::make_unique<Errands>();
  return *errands_;
}

void ZoneAgent::rest() {
  if (!errands_) return;
  errands_->heard.reset();
  errands_->told.reset();
  if (errands_->next.empty() && !errands_->hint) errands_.reset();
}

void ZoneAgent::answer(const Result<std::string>& outcome) {
  if (!errands_) return;
  for (const Done& done : std::exchange(errands_->now, {})) done(outcome);
}

void ZoneAgent::begin_cycle() {
  tick();
  timer_.begin_check();
}

asio::awaitable<void> ZoneAgent::cycle() {
  const bool whole = std::exchange(whole_wanted_, false);
  Errands& these = errands();
  these.heard = std::exchange(these.hint, std::nullopt);
  these.now = std::exchange(these.next, {});
  these.told.reset();
  answered_ = false;
  Result<Outcome> result = no_source();
  bool current = false, held_before = false;
  std::vector<std::size_t> ahead;
  for (std::size_t i = 0; i < sources_.size() && !retired_; ++i) {
    auto attempt = try_source(i, whole);
    result = co_await std::move(attempt);
    if (retired_) break;
    if (!result) {
      note_failure(sources_[i], result.error());
      continue;
    }
    if (*result == Outcome::ahead) {
      ahead.push_back(i);
      continue;
    }
    note_up(sources_[i]);
    // That one primary's version waits for an operator must not hide what comes after what is live: it comes
    // from the one that gave that.
    if (*result == Outcome::held && !whole && pinned_ && !gave_what_is_live(i)) {
      held_before = current = true;
      result = Outcome::current;
      continue;
    }
    if (*result != Outcome::current) break;
    current = true;
    // The newest serial wins: any of the others may have it. But where a NOTIFY came (RFC 1996 3.11) and told
    // nothing that we have not, or the zone is a file here, one answer is enough.
    const bool heard_of_nothing = these.heard && these.heard->nothing_after(standing_.source_serial);
    if (heard_of_nothing || !std::holds_alternative<AxfrSource>(sources_[i].spec)) break;
  }
  const bool delivered = result && *result != Outcome::current && *result != Outcome::ahead;
  if (!delivered && !ahead.empty() && !retired_) {
    if (!ahead_since_) ahead_since_ = workshop_.clock.steady();
    if (may_move()) {
      auto moving = move_on(std::move(ahead));
      result = co_await std::move(moving);
      if (result && *result != Outcome::current) ahead_since_.reset();
    } else {
      for (const std::size_t one : ahead) note_up(sources_[one]);
      current = true;
    }
  } else {
    ahead_since_.reset();
  }
  if (current && (!result || *result == Outcome::ahead)) result = Outcome::current;
  if (held_before && held_ && result && *result == Outcome::current) result = Outcome::held;
  if (!retired_) end_cycle(result);
}

void ZoneAgent::end_cycle(const Result<Outcome>& result) {
  const Now now = Now::of(workshop_.clock);
  tried_ = true;
  if (result && has_data()) {
    const ZoneState before = timer_.state();
    timer_.succeeded(now, soa_, told());
    if (timer_.state() != ZoneState::stale || before != ZoneState::stale) show_signatures();
    show_service();
    look_at_parent();
    if (timer_.state() == ZoneState::fresh && (before == ZoneState::expired || before == ZoneState::stale))
      log::info("zone-serving-again", {{"zone", dns::to_string(apex())}});
  } else {
    timer_.failed(now, answered_);
  }
  std::string good = "up to date";
  if (ahead_since_) {
    const auto left = settings_->pin_tolerance - std::chrono::floor<Seconds>(now.steady - *ahead_since_);
    if (left > Seconds(0)) timer_.wanted_within(now, left);
    good += " with " + (pinned_ ? to_string(sources_[*pinned_].spec) : std::string("its source")) +
            "; another primary is ahead, and taken unless that one follows";
  }
  workshop_.save_timers(row_.id, timer_.row());
  if (result && *result == Outcome::published) good = "transferred version " + std::to_string(row_.version);
  if (result && *result == Outcome::held && held_)
    good = "version " + std::to_string(held_->row.version) + " is held: " + held_->message;
  // In place: a string alone could also be meant as an Error's reason.
  answer(result ? Result<std::string>(boost::system::in_place_value, good)
                : Result<std::string>(result.error()));
  rest();
}

asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::try_source(std::size_t index, bool whole) {
  if (std::holds_alternative<FileSource>(sources_[index].spec)) return try_file(index, whole);
  if (std::holds_alternative<PublishedCatalog>(sources_[index].spec)) return try_catalog(index);
  return try_primary(index, whole);
}

asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::try_file(std::size_t index, bool whole) {
  const std::string path = std::get<FileSource>(sources_[index].spec).path;
  const bool read_before = file_ && !file_->state.paths.empty() && file_->state.paths.front() == path;
  if (!whole && read_before && !has_changed(file_->state)) {
    if (file_->failure) co_return *file_->failure;
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
      auto taking = take_over({*built, std::move(counts), index, began, true});
      taken = co_await std::move(taking);
    }
  }
  transferring_ = false;
  file_ = std::make_unique<FileNote>(FileNote{std::move(read->state), std::nullopt});
  if (!taken) {
    file_->failure = taken.error();
    note_refusal(sources_[index], taken.error());
  }
  co_return taken;
}

TransferRules ZoneAgent::rules() const {
  return {apex(), 0, settings_->transfer_octets, settings_->transfer_records, settings_->refuse_out_of_zone};
}

backend::BuildOptions ZoneAgent::build_options() const {
  return {apex(), workshop_.spool_directory, settings_->records_per_name, settings_->drop_cname_conflicts};
}

std::shared_ptr<ZoneBuild> ZoneAgent::new_build() const {
  return std::make_shared<ZoneBuild>(build_options(), row_, workshop_.mirror, workshop_.store,
                                     settings_->raise_serial);
}

const FileState* ZoneAgent::file_to_watch() const {
  return !file_ || file_->state.paths.empty() || timer_.checking() ? nullptr : &file_->state;
}

}  // namespace understudy::sync
