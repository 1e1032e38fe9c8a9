#include "app/config.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unordered_set>

#include "app/catalog_rows.h"
#include "app/reload.h"
#include "sync/zone_key.h"

namespace understudy::app {
namespace {

constexpr OptionTable tables[] = {
    {"server", false, "What this server is and where it answers."},
    {"tls", false,
     "What this server shows to clients that come over TLS and to primaries that ask, and whom it believes."},
    {"edns", false, "What EDNS options say."},
    {"key", true, "A secret that is shared with another server, to sign messages with (TSIG, RFC 8945)."},
    {"http", false, "The door for Prometheus, load balancers and people."},
    {"metrics", false, "Which zones have series of their own in `/metrics`."},
    {"gate", false,
     "What is looked at before a version is served. One that does not pass is held: stored, told of by "
     "`status`, "
     "`history` and metrics, and not served until `understudy accept`."},
    {"zone", true, "A zone, or several that are alike. At least one is needed to serve anything."},
    {"template", true,
     "Options for the members of catalogs, which need no table of their own. A catalog calls it by its "
     "name."},
    {"catalog", true,
     "A catalog zone (RFC 9432): a list of zones that comes and goes by transfer. With `source` the zones "
     "that it "
     "lists are served here; with `publish` it is made here, for secondaries of ours. A zone that is "
     "configured, or "
     "was added by `understudy add`, goes before the same zone in a catalog."},
    {"rrl", false, "Response rate limiting over UDP, against floods with forged sources."},
    {"compare", false, "The comparison of our answers with the primary's."},
    {"compare.expect", true,
     "A difference that is known and wanted, such as a name that a provider flattens: counted apart, never "
     "an "
     "alarm."},
    {"log", false, "The log."},
};

// Tables of zones, which a reload takes up at once.
bool is_zone_like(std::string_view table) {
  return table == "zone" || table == "template" || table == "catalog";
}

// Collects values into a Config; checks what no single row can see.
class Collector final : public OptionSink {
 public:
  void begin_table(const OptionTable& table) override {
    table_ = table.name;
    draft_.key = {};
    draft_.zone = {};
    draft_.zone.gate = draft_.config.gate;  // read before: the tables come in the order above
    draft_.zone_has_command = false;
    draft_.zone_names.clear();
    draft_.template_name.clear();
    draft_.catalog = {};
    draft_.expectation = {};
    name_given_ = source_given_ = failed_ = false;
  }
  Result<> set(std::size_t option, const OptionValue& value) override {
    const ConfigRow& row = config_rows()[option];
    // Given, though perhaps wrong: then it is not reported as missing as well.
    if (row.option.key == "source") source_given_ = true;
    if (row.option.key.starts_with("name")) name_given_ = draft_.key.name_given = true;
    if (!is_zone_like(row.option.table)) {
      std::string key(row.option.table);
      draft_.config.given[key.append(".").append(row.option.key)].push_back(value);
    }
    const Result<> stored = row.store(draft_, value);
    failed_ = failed_ || !stored;
    return stored;
  }
  std::vector<std::string> end_table() override {
    std::vector<std::string> problems;
    if (table_ == "zone") finish_zone(problems);
    if (table_ == "template") finish_like(finish_template(draft_), "a template", problems);
    if (table_ == "catalog") finish_like(finish_catalog(draft_), "this catalog", problems);
    if (table_ == "key") {
      if (const auto added = add_key(draft_.key, draft_.config.keys); !added)
        problems.push_back(added.error().message);
      take_placeholder();
    }
    if (table_ == "compare.expect") finish_expectation(problems);
    if (table_ == "server" && draft_.config.control.empty()) {
      draft_.config.control = draft_.config.data + "/control.sock";
    }
    return problems;
  }
  Config take() { return std::move(draft_.config); }

 private:
  // A key with something wrong is one problem: who uses it is not to blame.
  void take_placeholder() {
    if (!draft_.key.name) return;
    constexpr std::uint8_t any = 0;
    if (auto key = dns::TsigKey::make(*draft_.key.name, draft_.key.algorithm, {&any, 1}))
      draft_.config.keys.add(std::move(*key));
  }

  void finish_expectation(std::vector<std::string>& problems) {
    audit::Expectation& expectation = draft_.expectation;
    if (expectation.pattern.empty())
      problems.emplace_back("an expected difference needs an owner that is a name");
    if (expectation.reason.empty())
      problems.emplace_back("an expected difference needs a reason, for whoever reads it later");
    draft_.config.expectations.push_back(std::move(expectation));
  }

  void finish_zone(std::vector<std::string>& problems) {
    const std::string who =
        draft_.zone_names.empty() ? "this zone" : dns::to_string(draft_.zone_names.front());
    if (!name_given_) problems.emplace_back("a zone without a name: give name or names");
    if (!source_given_) problems.push_back(who + " has no source: give source, such as \"axfr://192.0.2.1\"");
    add_zones(who, problems);
  }

  // Of a table with something wrong in it, what is missing for that reason is no second problem, and what it
  // would have made is not looked at.
  void finish_like(std::vector<std::string> found, const std::string& who,
                   std::vector<std::string>& problems) {
    if (failed_) return;
    problems = std::move(found);
    if (problems.empty())
      add_zones(draft_.zone_names.empty() ? who : dns::to_string(draft_.zone_names.front()), problems);
  }

  void add_zones(const std::string& who, std::vector<std::string>& problems) {
    for (std::string& problem : timer_problems(who, draft_.zone.timers))
      problems.push_back(std::move(problem));
    // [[key]] tables are read before [[zone]] tables, wherever they stand.
    if (const auto unknown = sync::unknown_key(draft_.zone, draft_.config.keys))
      problems.push_back(who + ": " + unknown->message);
    if (const auto nobody = unprovable(draft_.zone, draft_.config.streams.tls))
      problems.push_back(who + ": " + nobody->message);
    auto& zones = draft_.config.zones;
    if (const std::size_t wanted = zones.size() + draft_.zone_names.size(); wanted > zones.capacity())
      zones.reserve(std::max(wanted, 2 * zones.capacity()));
    for (const dns::Name& name : draft_.zone_names) {
      if (!apexes_.insert(sync::key_of(name)).second) {
        problems.push_back(dns::to_string(name) + " is configured twice");
        continue;
      }
      draft_.zone.apex = name.lowered();
      zones.push_back(draft_.zone);
    }
  }

  ConfigDraft draft_;
  std::unordered_set<std::string> apexes_;  // name keys of all zones so far
  std::string_view table_;
  bool name_given_ = false, source_given_ = false;
  bool failed_ = false;  // a value of the table was wrong
};

// What no single table can see.
std::vector<std::string> problems_of(const Config& config) {
  const StreamConfig& streams = config.streams;
  if (streams.tls.certificate.empty() != streams.tls.key.empty())
    return {"[tls] certificate and key belong together: give both"};
  if (!config.listen_tls.empty() && streams.tls.certificate.empty())
    return {"[server] listen-tls needs [tls] certificate and key"};
  std::vector<std::string> problems;
  for (const auto& [key, file] : {std::pair{"ca", streams.ca}, {"client-ca", streams.tls.client_ca}}) {
    if (file.empty()) continue;
    if (const auto authorities = net::TlsClient::make({file, {}, {}}); !authorities)
      problems.push_back(std::string("[tls] ") + key + ": " + authorities.error().message);
  }
  return problems;
}

}  // namespace

const OptionSchema& config_schema() {
  static const std::vector<Option> options = [] {
    std::vector<Option> made;
    for (const ConfigRow& row : config_rows()) made.push_back(row.option);
    return made;
  }();
  static const OptionSchema schema{tables, options};
  return schema;
}

LoadedConfig parse_config(std::string_view toml, const std::string& file) {
  Collector collector;
  LoadedConfig loaded;
  for (const OptionProblem& problem : read_options(config_schema(), toml, collector)) {
    // Line 0: a table that the file does not have; its defaults are at fault, or something it must give.
    loaded.problems.push_back(file + ":" + std::to_string(std::max(problem.line, 1u)) + ": " +
                              problem.message);
  }
  loaded.config = collector.take();
  for (const std::string& problem : problems_of(loaded.config))
    loaded.problems.push_back(file + ":1: " + problem);
  return loaded;
}

LoadedConfig load_config(const std::string& file) {
  std::error_code unknown;
  if (std::filesystem::is_directory(file, unknown)) {
    return {{}, {file + ": is a directory; name the configuration file in it"}};
  }
  std::ifstream in(file, std::ios::binary);
  std::string text;
  if (in) text.assign(std::istreambuf_iterator<char>(in), {});
  if (!in || in.bad()) return {{}, {file + ": cannot be read: " + std::strerror(errno != 0 ? errno : EIO)}};
  return parse_config(text, file);
}

std::optional<Error> unprovable(const sync::ZoneSettings& zone, const net::TlsServerOptions& tls) {
  std::vector<const std::vector<net::AccessRule>*> lists{&zone.allow_notify, &zone.allow_transfer};
  if (zone.allow_query) lists.push_back(&*zone.allow_query);
  for (const auto* rules : lists) {
    for (const net::AccessRule& rule : *rules) {
      const auto& wanted = rule.tls();
      if (!wanted || (wanted->name.empty() && !wanted->pin)) continue;
      // A name is proved by an authority only, however well the key is known.
      if (!wanted->name.empty() && tls.client_ca.empty()) {
        return Error{"configuration",
                     "\"" + rule.text() +
                         "\": no certificate proves a name without an authority: give [tls] client-ca (the "
                         "authorities of clients), or name the key instead of the host (tls:pin:BASE64)"};
      }
      if (!tls.asks_clients()) {
        return Error{"configuration",
                     "\"" + rule.text() +
                         "\": no client is asked for a certificate: give [tls] pins (the keys of clients) or "
                         "client-ca (their authorities)"};
      }
      if (!wanted->pin || !tls.client_ca.empty()) continue;
      if (std::ranges::find(tls.client_pins, *wanted->pin) == tls.client_pins.end())
        return Error{"configuration", "\"" + rule.text() + "\": that key is not among [tls] pins"};
    }
  }
  return std::nullopt;
}

std::vector<std::string> timer_problems(const std::string& zone, const sync::TimerBounds& timers) {
  std::vector<std::string> problems;
  if (timers.refresh_min > timers.refresh_max)
    problems.push_back(zone + ": refresh-min is above refresh-max");
  if (timers.retry_min > timers.retry_max) problems.push_back(zone + ": retry-min is above retry-max");
  if (timers.expire_min > timers.expire_max) problems.push_back(zone + ": expire-min is above expire-max");
  return problems;
}

Config default_config() { return parse_config("", "defaults").config; }

Result<sync::ZoneSettings> parse_zone_argument(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Error{"usage",
                 '"' + std::string(text) + "\" is not ZONE=SOURCE, such as example.com=axfr://192.0.2.1"};
  }
  auto apex = dns::Name::from_text(text.substr(0, equals));
  if (!apex) return apex.error();
  auto source = sync::parse_source(text.substr(equals + 1));
  if (!source) return source.error();
  sync::ZoneSettings zone;
  zone.apex = apex->lowered();
  zone.sources.push_back(std::move(*source));
  return zone;
}

Result<net::Endpoint> parse_listen(std::string_view text) {
  auto endpoint = net::parse_endpoint(text, 0);
  if (!endpoint) return endpoint.error();
  // parse_endpoint fills in the default where no port was given; port 0 has to be said.
  const bool port_given = endpoint->port != 0 || text.ends_with(":0");
  const bool bare_v6 = endpoint->address.is_v6() && !text.starts_with('[');
  if (!port_given || bare_v6) {
    return Error{"configuration", '"' + std::string(text) + "\" lacks a port: write " +
                                      (endpoint->address.is_v6() ? "[" + endpoint->address.to_string() + "]"
                                                                 : endpoint->address.to_string()) +
                                      ":53"};
  }
  return *endpoint;
}

Result<std::optional<net::Endpoint>> parse_http(std::string_view text) {
  if (text == "off") return std::optional<net::Endpoint>{};
  auto endpoint = parse_listen(text);
  if (!endpoint) return endpoint.error();
  return std::optional<net::Endpoint>{*endpoint};
}

std::string config_reference() {
  return "# Configuration\n\n"
         "<!-- Made by `understudy check-config --reference` from the rows in app/config_rows.cpp; do not "
         "edit. -->\n\n"
         "TOML. `understudy check-config FILE` reports everything that is wrong with a file at once. "
         "Durations are a whole\n"
         "number and s, m, h, d or w (`\"90s\"`, `\"2w\"`); sizes are a whole number and KiB, MiB, GiB or "
         "TiB. `ADDR` is\n"
         "`192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`.\n\n"
         "```toml\n"
         "[server]\n"
         "listen = [\"192.0.2.53:53\", \"[2001:db8::53]:53\"]\n"
         "data   = \"/var/lib/understudy\"\n\n"
         "[[zone]]\n"
         "name   = \"example.com\"\n"
         "source = \"axfr://198.51.100.1\"\n"
         "```\n\n" +
         reload_reference() + options_reference(config_schema());
}

}  // namespace understudy::app
