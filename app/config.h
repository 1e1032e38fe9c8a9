// The configuration: what `understudy serve` and check-config read, as values for the rooms.
//
// Read by main(), before any thread runs, and at each reload. Every problem is reported at once, each with
// file and line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/expectation.h"
#include "base/log.h"
#include "base/options.h"
#include "dns/tsig_key.h"
#include "net/address.h"
#include "server/pipeline_options.h"
#include "sync/catalog_settings.h"

namespace understudy::app {

inline constexpr std::string_view default_config_file = "/etc/understudy/understudy.toml";

// What streams may take, and how they are spoken to.
struct StreamConfig {
  unsigned connections = 0, connections_per_address = 0;
  Seconds idle{}, lifetime{};
  net::TlsServerOptions tls;
  std::string ca;  // whose certificates primaries must have
  unsigned padding = 0;

  net::TlsClientOptions as_client() const { return {ca, tls.certificate, tls.key}; }
};

struct Config {
  std::vector<net::Endpoint> listen, listen_tls;
  StreamConfig streams;
  std::string data;
  std::string control;  // always set
  unsigned workers = 0;
  std::optional<net::Endpoint> http;         // none: off
  std::optional<net::Endpoint> http_public;  // none: off
  double ready_min_served_ratio = 0;
  std::vector<std::string> metrics_zones;  // patterns; none: the first thousand zones
  dns::TsigKeyRing keys;
  std::vector<sync::ZoneSettings> zones;        // catalogs among them; moved to sync where it serves
  std::vector<sync::CatalogSettings> catalogs;  // those that are obeyed
  sync::GatePolicy gate;                        // of zones that do not say otherwise
  double compare_rate = 0;
  Seconds compare_period{};
  double compare_live_share = 0;
  audit::Expectations expectations;
  log::Level log_level{};
  server::PipelineOptions pipeline;
  // What the file (or a default) says of each key outside [[zone]] and its like: "server.workers". For
  // reloads.
  std::map<std::string, std::vector<OptionValue>> given;
};

struct LoadedConfig {
  Config config;
  std::vector<std::string>
      problems;  // "FILE:LINE: what is wrong"; config is to be used only where there are none
};

// `file` is the name for messages.
LoadedConfig parse_config(std::string_view toml, const std::string& file);
LoadedConfig load_config(const std::string& file);
// What holds without a file.
Config default_config();

// `ZONE=SOURCE`, as --zone takes it.
Result<sync::ZoneSettings> parse_zone_argument(std::string_view text);
// "off", or ADDR:PORT.
Result<std::optional<net::Endpoint>> parse_http(std::string_view text);
// An address to listen on; the port must be given.
Result<net::Endpoint> parse_listen(std::string_view text);

// An entry of the zone's access lists that nobody can ever pass: no client is asked for a certificate, or the
// key is nowhere named. Nothing where there is none.
std::optional<Error> unprovable(const sync::ZoneSettings& zone, const net::TlsServerOptions& tls);

// What is wrong with the bounds of a zone's timers.
std::vector<std::string> timer_problems(const std::string& zone, const sync::TimerBounds& timers);

// Every table and key that the contract names, and those of them that come with later versions.
const OptionSchema& config_schema();
// docs/configuration.md.
std::string config_reference();

}  // namespace understudy::app
