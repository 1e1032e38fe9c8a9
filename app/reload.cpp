#include "app/reload.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "app/zone_options.h"
#include "base/log.h"

namespace understudy::app {
namespace {

// Keys that are in force at once.
constexpr std::string_view live_keys[] = {"server.listen", "server.listen-tls", "http.public",
                                          "compare.rate",  "compare.period",    "compare.live-share",
                                          "metrics.zones", "log.level"};
// Tables too; the gate is part of what each zone's agent is given.
constexpr std::string_view live_tables[] = {"gate.", "key.", "tls.", "compare.expect."};

// Keys outside [[zone]] that two configurations do not agree on and that only a restart applies.
std::vector<std::string> restart_keys(const Config& now, const Config& next) {
  std::set<std::string> keys;
  const auto compare = [&keys](const auto& one, const auto& other) {
    for (const auto& [key, values] : one) {
      const auto found = other.find(key);
      if (found == other.end() || found->second != values) keys.insert(key);
    }
  };
  compare(now.given, next.given);
  compare(next.given, now.given);
  for (const std::string_view live : live_keys) keys.erase(std::string(live));
  for (const std::string_view table : live_tables)
    std::erase_if(keys, [table](const std::string& key) { return key.starts_with(table); });
  return {keys.begin(), keys.end()};
}

Error all_in_one(const std::vector<std::string>& problems) {
  std::string text = problems.front();
  if (problems.size() > 1)
    text += " (and " + std::to_string(problems.size() - 1) + " more: see `understudy check-config`)";
  return {"configuration", text + "; nothing was changed"};
}

std::vector<std::string> texts(const std::vector<server::Doors::Door>& doors) {
  std::vector<std::string> all;
  for (const auto& door : doors) all.push_back((door.tls ? "tls " : "") + net::to_string(door.bound));
  return all;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text.empty() ? "none" : text;
}

void tell(const Result<control::Reloaded>& outcome) {
  if (!outcome) {
    log::error("reload-refused", {{"reason", outcome.error().reason}, {"message", outcome.error().message}});
    return;
  }
  log::info("reloaded", {{"added", outcome->zones.added.size()},
                         {"removed", outcome->zones.removed.size()},
                         {"changed", outcome->zones.changed.size()},
                         {"same", outcome->zones.same},
                         {"keys", outcome->zones.keys.size()},
                         {"tls", outcome->tls ? "new" : "same"},
                         {"listening", listed(outcome->listening)},
                         {"closed", listed(outcome->closed)}});
  if (outcome->restart.empty()) return;
  log::warning("restart-needed", {{"keys", listed(outcome->restart)},
                                  {"message", "these are in force from the next start on"}});
}

}  // namespace

Result<sync::Credentials> credentials_of(const Config& config) {
  auto tls = net::TlsClient::make(config.streams.as_client());
  if (!tls) return tls.error();
  return sync::Credentials{std::make_shared<dns::TsigKeyRing>(config.keys), std::move(*tls)};
}

unsigned queries_a_sample(const Config& config) {
  if (config.compare_live_share <= 0) return 0;
  return static_cast<unsigned>(std::min(1e9, std::ceil(1 / config.compare_live_share)));
}

std::string reload_reference() {
  std::string keys;
  for (const std::string_view key : live_keys) keys += (keys.empty() ? "`" : ", `") + std::string(key) + "`";
  return "`understudy reload` and SIGHUP put in force, without a query lost: `[[zone]]`, `[[template]]`, "
         "`[[catalog]]`,\n`[[key]]`, `[tls]`, `[gate]`, `[[compare.expect]]`,\n" +
         keys + ".\nWhatever else was changed is in force from the next start on, and the reload names it.\n";
}

void Reloader::reload(Done done) {
  waiting_.push_back(std::move(done));
  if (!std::exchange(under_way_, true)) sync_.in_turn([this] { begin(); });
}

void Reloader::ended() {
  under_way_ = !waiting_.empty();
  if (under_way_) sync_.in_turn([this] { begin(); });
}

void Reloader::begin() {
  auto tell_and_done = [this, asked = std::exchange(waiting_, {})](const Result<control::Reloaded>& outcome) {
    tell(outcome);
    for (const Done& done : asked) done(outcome);
    ended();
  };
  if (!load_) {
    return tell_and_done(Error{"configuration",
                               "the server was started without a configuration file, so there is "
                               "nothing to be read anew; `understudy add` and `remove` change zones"});
  }
  LoadedConfig loaded = load_();
  if (!loaded.problems.empty()) return tell_and_done(all_in_one(loaded.problems));
  if (const Result<> begun = change(std::move(loaded.config), tell_and_done); !begun)
    tell_and_done(begun.error().within("nothing was changed"));
}

Result<> Reloader::change(Config next, Done done) {
  auto added = added_zones(mirror_, next.zones, next.gate);
  if (!added) return added.error();
  const auto credentials = credentials_of(next);
  if (!credentials) return credentials.error();
  const auto doors = server_.prepare_listen({next.listen, next.listen_tls}, next.streams.tls);
  if (!doors) return doors.error();
  const auto public_door = public_door_.prepare(next.http_public);
  if (!public_door) return public_door.error();
  std::vector<sync::ZoneSettings> zones = std::exchange(next.zones, {});  // sync's from now on
  zones.insert(zones.end(), std::make_move_iterator(added->begin()), std::make_move_iterator(added->end()));
  auto shared = std::make_shared<Config>(std::move(next));
  sync_.reload(std::move(zones), shared->catalogs, *credentials,
               [this, shared, doors = *doors, public_door = *public_door, keys = credentials->keys,
                done](const Result<sync::ReloadOutcome>& outcome) {
                 if (!outcome) return done(outcome.error());
                 public_door_.commit(*public_door);
                 done(take_over(std::move(*shared), *outcome, *doors, keys));
               });
  return {};
}

void compare_anew(const sync::ReloadOutcome& outcome, const sync::Sync& sync, audit::Comparer& comparer) {
  for (const auto* zones : {&outcome.removed, &outcome.changed}) {
    for (const dns::Name& apex : *zones) comparer.remove(apex);
  }
  for (const auto* zones : {&outcome.added, &outcome.changed}) {
    for (const dns::Name& apex : *zones) {
      const sync::SharedSettings* const zone = sync.settings(apex);
      if (zone != nullptr && !sync::is_catalog(*zone)) comparer.add({apex, sync::compared_addresses(*zone)});
    }
  }
}

control::Reloaded Reloader::take_over(Config next, const sync::ReloadOutcome& outcome,
                                      server::Server::NewDoors& doors, const dns::TsigKeyRingPtr& keys) {
  control::Reloaded done;
  done.zones = outcome;
  compare_anew(outcome, sync_, comparer_);
  if (!outcome.keys.empty()) server_.believe(keys);
  const server::Server::Relistened listened = server_.listen(doors);
  done.listening = texts(listened.opened);
  done.closed = texts(listened.closed);
  done.tls = listened.new_tls;
  done.restart = restart_keys(config_, next);
  comparer_.change(next.compare_rate, next.compare_period,
                   std::make_shared<const audit::Expectations>(next.expectations));
  server_.sample_every(queries_a_sample(next));
  log::set_level(next.log_level);
  config_.catalogs = std::move(next.catalogs);
  config_.gate = std::move(next.gate);
  config_.listen = std::move(next.listen);
  config_.http_public = next.http_public;
  config_.listen_tls = std::move(next.listen_tls);
  config_.streams.tls = std::move(next.streams.tls);
  config_.streams.ca = std::move(next.streams.ca);
  config_.keys = std::move(next.keys);
  config_.compare_rate = next.compare_rate;
  config_.compare_period = next.compare_period;
  config_.compare_live_share = next.compare_live_share;
  config_.expectations = std::move(next.expectations);
  config_.metrics_zones = std::move(next.metrics_zones);
  config_.log_level = next.log_level;
  return done;
}

}  // namespace understudy::app
