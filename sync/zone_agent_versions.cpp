// What an agent makes of a version that arrived: the gate, and then served or held.
#include <set>

#include "base/log.h"
#include "dns/serial.h"
#include "sync/built_walk.h"
#include "sync/gate_command.h"
#include "sync/zone_agent.h"

namespace understudy::sync {
namespace asio = boost::asio;

namespace {

double seconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

Error ZoneAgent::removed() const {
  return {reason::zone_removed, dns::to_string(apex()) + " was removed meanwhile"};
}

bool ZoneAgent::is_live(const BuiltZone& built) const {
  return has_data() && built.source_serial == standing_.source_serial && built.summary.digest == row_.digest;
}

bool ZoneAgent::full_check_due() const {
  const Seconds period = settings_->gate.full_check;
  return period > Seconds(0) && workshop_.clock.steady() - whole_at_ >= period;
}

// Of a version that nobody asked for by name: whether its serial, or that it does not move, lets it in.
std::optional<Error> ZoneAgent::judge_serial(const BuiltZone& built, Findings& findings) const {
  const dns::Serial theirs(built.source_serial), ours(standing_.source_serial);
  if (!has_data() || theirs.is_newer_than(ours)) return std::nullopt;
  const bool unmoved = theirs == ours;
  const bool past_expire = timer_.state() == ZoneState::expired || timer_.state() == ZoneState::stale;
  if (!unmoved && past_expire) return std::nullopt;
  const std::string_view word = unmoved ? reason::serial_unmoved : reason::serial_backwards;
  const std::string told =
      unmoved ? "its content changed under the serial " + std::to_string(theirs.value()) + " that is served"
              : "it has serial " + std::to_string(theirs.value()) + ", but " + std::to_string(ours.value()) +
                    " is served";
  switch (unmoved ? settings_->gate.unmoved : settings_->gate.backwards) {
    case SerialPolicy::ignore:
      return Error{word, told + ": retransfer to take it"};
    case SerialPolicy::hold:
      findings.push_back({word, told});
      return std::nullopt;
    case SerialPolicy::accept:
      return std::nullopt;
  }
  return std::nullopt;
}

asio::awaitable<Result<ZoneAgent::Findings>> ZoneAgent::pass_gate(std::shared_ptr<BuiltZone> built) {
  struct Examined {
    Result<Findings> findings;
    Result<Keys> keys;
  };
  const Candidate candidate{apex(), settings_->gate, row_, built, workshop_.clock.wall()};
  const auto look = [candidate, &mirror = workshop_.mirror] {
    return std::make_shared<Examined>(Examined{examine(candidate, mirror), keys_of(candidate, mirror)});
  };
  std::shared_ptr<Examined> examined;
  if (is_light(candidate)) {
    examined = look();
  } else {
    auto later = Later<std::shared_ptr<Examined>>::make(workshop_.executor);
    workshop_.pool.post([later, look] { later->set(look()); });
    auto waiting = later->get();
    examined = co_await std::move(waiting);
  }
  if (!examined->findings) co_return examined->findings.error();
  if (!examined->keys) co_return examined->keys.error();
  Findings findings = std::move(*examined->findings);
  if (!settings_->gate.command.empty()) {
    auto asking = ask_command(built);
    std::optional<Finding> finding = co_await std::move(asking);
    if (finding) findings.push_back(std::move(*finding));
  }
  asked_parent_.reset();
  if (settings_->gate.parent_ds != Act::off && !examined->keys->built) {
    auto judging = judge_parent(!has_data() || examined->keys->live);
    std::optional<Finding> finding = co_await std::move(judging);
    if (finding) findings.push_back(std::move(*finding));
  }
  co_return findings;
}

asio::awaitable<std::optional<Finding>> ZoneAgent::ask_command(std::shared_ptr<BuiltZone> built) {
  using Text = std::shared_ptr<Result<UnnamedFile>>;
  auto later = Later<Text>::make(workshop_.executor);
  workshop_.pool.post(
      [later, built, row = row_, &mirror = workshop_.mirror, directory = workshop_.spool_directory] {
        auto walk = walk_built(mirror, row, built);
        later->set(std::make_shared<Result<UnnamedFile>>(walk ? write_text(**walk, directory)
                                                              : Result<UnnamedFile>(walk.error())));
      });
  auto waiting = later->get();
  const Text text = co_await std::move(waiting);
  // What cannot be looked at is not let through.
  if (!*text) co_return Finding{reason::command, text->error().message};
  auto running = run_command({settings_->gate.command, settings_->gate.command_timeout,
                              dns::to_string(apex()), built->summary.serial},
                             std::make_shared<UnnamedFile>(std::move(**text)));
  std::optional<std::string> refusal = co_await std::move(running);
  if (!refusal) co_return std::nullopt;
  co_return Finding{reason::command, settings_->gate.command.front() + " says: " + *refusal};
}

asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::take_over(Arrival arrival) {
  const std::shared_ptr<BuiltZone> built = arrival.built;
  const auto refuse = [&](Error error) {
    workshop_.publisher.discard(built->generation);
    return error;
  };
  if (retired_) co_return refuse(removed());
  const std::optional<ToldExpire> told_before =
      std::exchange(errands().told, ToldExpire{arrival.counts.expire, true});
  if (is_live(*built)) {
    workshop_.publisher.discard(built->generation);
    soa_ = built->summary.soa;
    soa_.serial = row_.serial;
    co_return Outcome::unchanged;
  }
  const auto judged = [&](Result<Outcome> outcome) {
    // What is served goes on: it is not what came.
    if (outcome && *outcome == Outcome::held) errands().told->new_version = false;
    if (!outcome) errands().told = told_before;
    return outcome;
  };
  if (built->breaks_signatures) {
    co_return judged(
        refuse({reason::serial_raise, "its serial " + std::to_string(built->source_serial) +
                                          " is not newer than " + std::to_string(row_.serial) +
                                          ", which is served, and cannot be raised: the zone has RRSIG or "
                                          "ZONEMD records. Set serial = \"keep\" for it"}));
  }
  Findings findings;
  if (!arrival.any_serial) {
    if (auto error = judge_serial(*built, findings)) co_return judged(refuse(std::move(*error)));
  }
  auto passing = pass_gate(built);
  Result<Findings> passed = co_await std::move(passing);
  if (!passed) co_return judged(refuse(passed.error()));
  findings.insert(findings.end(), passed->begin(), passed->end());
  auto entering = turn_.enter();
  co_await std::move(entering);
  auto settling = settle(std::move(arrival), std::move(findings));
  Result<Outcome> settled = co_await std::move(settling);
  turn_.leave();
  co_return judged(std::move(settled));
}

asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::settle(Arrival arrival, Findings findings) {
  const std::string zone = dns::to_string(apex());
  if (retired_ || arrival.built->base != row_.version) {
    workshop_.publisher.discard(arrival.built->generation);
    if (retired_) co_return removed();
    // Whatever its serial only where this one was wanted so.
    whole_wanted_ |= arrival.any_serial;
    timer_.wanted(Now::of(workshop_.clock));
    co_return Error{reason::superseded,
                    "version " + std::to_string(row_.version) +
                        " was published while another was on its way: it is fetched again"};
  }
  std::optional<Finding> why;
  for (Finding& finding : findings) {
    if (!finding.holds) {
      log::warning("gate-warning",
                   {{"zone", zone}, {"reason", finding.reason}, {"message", finding.message}});
      arrival.warnings.push_back({finding.reason, std::move(finding.message)});
    } else if (!why) {
      why = std::move(finding);
    } else {
      why->message += "; " + finding.message;
    }
  }
  if (!why && standing_.hold) why = Finding{reason::on_hold, "an operator holds the zone"};
  if (!why && standing_.rolled_back) why = Finding{reason::rolled_back, "the zone was rolled back"};
  if (why) {
    auto holding = hold(std::move(arrival), std::move(*why));
    co_return co_await std::move(holding);
  }
  auto publishing = publish(std::move(arrival));
  co_return co_await std::move(publishing);
}

Publisher::Order ZoneAgent::order_of(std::string source, const backend::TimerRow& timers) const {
  return {entry_, row_, timers, workshop_.clock.wall(), std::move(source), settings_->keep, standing_};
}

// The version is live.
void ZoneAgent::adopt(const backend::ZoneRow& row, std::uint32_t source_serial, std::string_view source,
                      std::vector<Warning> warnings) {
  row_ = row;
  pin(source);
  standing_.last = std::max(standing_.last, row.version);
  standing_.source_serial = source_serial;
  parent_asked_.reset();
  if (asked_parent_) parent_asked_ = workshop_.clock.steady();
  parent_ds_ = std::move(asked_parent_);
  held_.reset();
  note_warnings(std::move(warnings));
  accept_later();
}

// Of what is live now. What the parent says changes without a version, and is told by parent_ds_.
void ZoneAgent::note_warnings(std::vector<Warning> warnings) {
  std::set<std::string_view> words;
  for (const Warning& warning : warnings) words.insert(warning.reason);
  for (const std::string_view word : words) ++workshop_.tallies.versions_warned[word];
  std::erase_if(warnings, [](const Warning& warning) { return warning.reason == reason::ds_at_parent; });
  warnings_.reset();
  if (!warnings.empty()) warnings_ = std::make_unique<Warnings>(Warnings{std::move(warnings), {}});
}

asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::publish(Arrival arrival) {
  const BuiltZone& built = *arrival.built;
  const std::string source = to_string(sources_[arrival.source].spec);
  const dns::Soa soa = built.summary.soa;
  const std::uint32_t source_serial = built.source_serial, before = row_.serial;
  const bool moved = dns::Serial(soa.serial).is_newer_than(dns::Serial(before));
  RefreshTimer after = timer_;  // as it will be once this version is live
  after.succeeded(Now::of(workshop_.clock), soa, told());
  Publisher::Order order = order_of(source, after.row());
  order.standing.serial_unmoved = has_data() && !moved;
  publishing_ = true;
  auto publishing = workshop_.publisher.publish(order, arrival.built);
  const Result<backend::ZoneRow> published = co_await std::move(publishing);
  publishing_ = false;
  if (retired_) {
    errands_->ended();
    co_return removed();
  }
  if (!published) co_return published.error();
  if (order.standing.serial_unmoved) {
    log::warning(
        "serial-not-newer",
        {{"zone", dns::to_string(apex())}, {"source", source}, {"serial", soa.serial}, {"before", before}});
  }
  standing_.serial_unmoved = order.standing.serial_unmoved;
  soa_ = soa;
  adopt(*published, source_serial, source, std::move(arrival.warnings));
  follow_signatures(built);
  note_serial(source_serial);
  announce(arrival);
  co_return Outcome::published;
}

asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::hold(Arrival arrival, Finding why) {
  const BuiltZone& built = *arrival.built;
  const Source& source = sources_[arrival.source];
  if (held_ && held_->base == row_.version && held_->source_serial == built.source_serial &&
      held_->row.digest == built.summary.digest) {
    workshop_.publisher.discard(built.generation);  // it is the one that is held
    co_return Outcome::held;
  }
  backend::HeldVersion held;
  held.reason = why.reason;
  held.message = why.message;
  publishing_ = true;
  auto holding =
      workshop_.publisher.hold(order_of(to_string(source.spec), timer_.row()), arrival.built, held);
  const Result<backend::HeldVersion> stored = co_await std::move(holding);
  publishing_ = false;
  if (retired_) {
    errands_->ended();
    co_return removed();
  }
  if (!stored) co_return stored.error();
  held_ = std::make_unique<const backend::HeldVersion>(*stored);
  if (!warnings_ && !arrival.warnings.empty()) warnings_ = std::make_unique<Warnings>();
  if (warnings_) warnings_->held = std::move(arrival.warnings);
  standing_.last = held_->row.version;
  accept_later();
  count_transfer(arrival.counts.kind, source, "ok");
  ++workshop_.tallies.versions_held[why.reason];
  log::error("version-held", {{"zone", dns::to_string(apex())},
                              {"version", held_->row.version},
                              {"serial", held_->row.serial},
                              {"primary", to_string(source.spec)},
                              {"reason", why.reason},
                              {"message", why.message}});
  co_return Outcome::held;
}

// Readers can see the version: now the others are told.
void ZoneAgent::announce(const Arrival& arrival) {
  const BuiltZone& built = *arrival.built;
  const TransferCounts& counts = arrival.counts;
  const Source& source = sources_[arrival.source];
  const double seconds = seconds_between(arrival.began, workshop_.clock.steady());
  const std::string zone = dns::to_string(apex());
  log::info("transfer-done", {{"zone", zone},
                              {"serial", row_.serial},
                              {"version", row_.version},
                              {"type", to_string(counts.kind)},
                              {"transport", transport_of(source.spec)},
                              {"primary", to_string(source.spec)},
                              {"records", row_.records},
                              {"octets", counts.octets},
                              {"seconds", seconds}});
  last_transfer_ = counts.kind;
  count_transfer(counts.kind, source, "ok");
  ++workshop_.tallies.transfers_timed;
  workshop_.tallies.transfer_seconds += seconds;
  out_of_zone_dropped_ = counts.out_of_zone;
  if (counts.out_of_zone != 0) {
    log::warning("out-of-zone-dropped",
                 {{"zone", zone}, {"records", counts.out_of_zone}, {"first", counts.first_out_of_zone}});
  }
  if (built.summary.dropped_cnames != 0) {
    log::warning("cname-dropped", {{"zone", zone}, {"records", built.summary.dropped_cnames}});
  }
  if (built.summary.chain_gaps != 0) {
    log::warning("denial-chain-broken", {{"zone", zone},
                                         {"version", row_.version},
                                         {"gaps", built.summary.chain_gaps},
                                         {"first", built.summary.first_chain_gap}});
  }
  tell_others(built.soa_ttl, built.soa_rdata);
}

void ZoneAgent::tell_others(std::uint32_t soa_ttl, dns::Octets soa_rdata) {
  for (backend::PublicationListener* listener : workshop_.listeners) listener->published(*entry_, row_);
  if (settings_->notify.empty()) return;
  workshop_.notify.notify({apex(), dns::RRType::SOA, soa_ttl, soa_rdata}, secondaries(),
                          settings_->transfer_source);
}

// Those whose key is not there any more are not told: without a signature they would not believe it. Over TLS
// no "dot" is asked for: a NOTIFY is no transfer, and RFC 7858 knows nothing of it.
std::vector<Secondary> ZoneAgent::secondaries() const {
  std::vector<Secondary> all;
  for (const net::KeyedEndpoint& secondary : settings_->notify) {
    net::Trust trust;
    if (secondary.key) trust.key = workshop_.credentials.keys->find(*secondary.key);
    if (secondary.tls && workshop_.credentials.tls) {
      trust.tls = net::TlsTrust{workshop_.credentials.tls, *secondary.tls};
      trust.tls->identity.needs_dot = false;
    }
    if ((!secondary.key || trust.key) && (!secondary.tls || trust.tls)) {
      all.emplace_back(secondary.address, std::move(trust), secondary.tcp);
    } else {
      log::error("notify-key-unknown", {{"zone", dns::to_string(apex())},
                                        {"secondary", net::to_string(secondary.address)},
                                        {"key", secondary.key ? dns::to_string(*secondary.key) : "none"}});
    }
  }
  return all;
}

}  // namespace understudy::sync
