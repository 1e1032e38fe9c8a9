#include "app/gate_rows.h"

namespace understudy::app {
namespace {

using sync::Act;
using sync::GatePolicy;
using sync::SerialPolicy;
using Type = OptionType;

constexpr double day = 86400, year = 365 * day;
constexpr std::string_view acts = "off|warn|hold", policies = "ignore|hold|accept";

Act act(const OptionValue& value) {
  const std::string& word = std::get<std::string>(value);
  return word == "hold" ? Act::hold : word == "warn" ? Act::warn : Act::off;
}
SerialPolicy policy(const OptionValue& value) {
  const std::string& word = std::get<std::string>(value);
  return word == "hold" ? SerialPolicy::hold : word == "accept" ? SerialPolicy::accept : SerialPolicy::ignore;
}
Seconds seconds(const OptionValue& value) { return Seconds(std::get<std::int64_t>(value)); }

// The row of [gate], with its default, and the zone's own, without: it takes the other's.
template <auto store>
void both(std::vector<ConfigRow>& rows, const Option& option, std::string_view zone_key) {
  rows.push_back({option, [](ConfigDraft& draft, const OptionValue& value) -> Result<> {
                    store(draft.config.gate, value);
                    return {};
                  }});
  Option own = option;
  own.table = "zone";
  own.key = zone_key;
  own.fallback = {};
  rows.push_back({own, [](ConfigDraft& draft, const OptionValue& value) -> Result<> {
                    store(draft.zone.gate, value);
                    return {};
                  }});
}

constexpr std::uint16_t dns_port = 53;

void add_parent_rows(std::vector<ConfigRow>& rows) {
  both<[](GatePolicy& g, const OptionValue& v) { g.parent_ds = act(v); }>(
      rows,
      {"gate", "ds-at-parent", Type::choice, "hold", 0, 0, "", acts,
       "A version without DNSKEY whose parent publishes a DS record, so that validating resolvers would "
       "refuse "
       "it. The first version of a zone, and one that comes after a signed one, is held; later ones, and "
       "those "
       "whose parent could not be asked, are served with an alarm. Asked is our own copy of the parent where "
       "we "
       "serve it, and else `parent-resolver`."},
      "gate.ds-at-parent");
  rows.push_back(
      {{"gate", "parent-resolver", Type::list, "", 0, 0, "", "",
        "Who is asked for the DS records of zones that come without signatures, in order: addresses of "
        "resolvers, or of name servers of the parents; port 53 unless given. Without it nobody is asked, so "
        "that a server without a way out need not have one: a zone that loses its signatures under a DS "
        "record is then not found out by `ds-at-parent`, unless its parent is served here too."},
       [](ConfigDraft& draft, const OptionValue& value) -> Result<> {
         const auto address = net::parse_endpoint(std::get<std::string>(value), dns_port);
         if (!address) return address.error();
         draft.config.gate.parent_resolvers.push_back(*address);
         return {};
       }});
}

Result<> add_word(std::vector<std::string>& command, const std::string& word) {
  if (command.empty() && !word.starts_with('/')) {
    return Error{"configuration",
                 "the command's program has to be given with its whole path, such as "
                 "/usr/local/bin/check-zone"};
  }
  command.push_back(word);
  return {};
}

void add_command_rows(std::vector<ConfigRow>& rows) {
  Option option{
      "gate",
      "command",
      Type::list,
      "",
      0,
      0,
      "",
      "",
      "A program, by its whole path, and its arguments, that is given each new version as a zone file on "
      "its standard input. With exit code 0 the version passes; with any other it is held, and the last "
      "line that the program wrote says why. Taken from the configuration file only."};
  rows.push_back({option, [](ConfigDraft& draft, const OptionValue& value) {
                    return add_word(draft.config.gate.command, std::get<std::string>(value));
                  }});
  option.table = "zone";
  option.key = "gate.command";
  rows.push_back({option, [](ConfigDraft& draft, const OptionValue& value) {
                    // A zone's own goes in the place of that of [gate].
                    if (!draft.zone_has_command) draft.zone.gate.command.clear();
                    draft.zone_has_command = true;
                    return add_word(draft.zone.gate.command, std::get<std::string>(value));
                  }});
}

void add_size_rows(std::vector<ConfigRow>& rows) {
  both<[](GatePolicy& g, const OptionValue& v) { g.shrink = std::get<double>(v); }>(
      rows,
      {"gate", "shrink", Type::ratio, "0.3", 0, 1, "", "",
       "A version that has fewer records than the one that is served, by more than this share, is held; 1: "
       "never."},
      "gate.shrink");
  both<[](GatePolicy& g, const OptionValue& v) { g.churn = std::get<double>(v); }>(
      rows,
      {"gate", "churn", Type::ratio, "0.9", 0, 1, "", "",
       "A version in which more than this share of the records that are served are gone or replaced is held; "
       "what "
       "signers make anew (RRSIG, NSEC, NSEC3) does not count. 1: never."},
      "gate.churn");
  both<[](GatePolicy& g, const OptionValue& v) {
    g.ignore_below = static_cast<std::uint64_t>(std::get<std::int64_t>(v));
  }>(rows,
     {"gate", "ignore-below", Type::integer, "10", 0, 1e15, "records", "",
      "A version is not held for `shrink` or `churn` where it is about fewer records than this."},
     "gate.ignore-below");
  both<[](GatePolicy& g, const OptionValue& v) { g.ns_loss = std::get<double>(v); }>(
      rows,
      {"gate", "ns-loss", Type::ratio, "0.5", 0, 1, "", "",
       "A version that lacks more than this share of the NS records at the apex is held; 1: never."},
      "gate.ns-loss");
  both<[](GatePolicy& g, const OptionValue& v) { g.losses = act(v); }>(
      rows,
      {"gate", "losses", Type::choice, "hold", 0, 0, "", acts,
       "A version that lacks the MX or the DNSKEY of the apex, or a wildcard, where there was one: nothing, "
       "serve it with a warning, or hold it."},
      "gate.losses");
}

void add_content_rows(std::vector<ConfigRow>& rows) {
  both<[](GatePolicy& g, const OptionValue& v) { g.zonemd = act(v); }>(
      rows,
      {"gate", "zonemd", Type::choice, "hold", 0, 0, "", acts,
       "A version that has a ZONEMD record (RFC 8976; scheme SIMPLE, SHA-384 or SHA-512) which its content "
       "does not "
       "fit. To look costs a walk over the zone; zones without one cost nothing."},
      "gate.zonemd");
  both<[](GatePolicy& g, const OptionValue& v) { g.dnssec = act(v); }>(
      rows,
      {"gate", "dnssec", Type::choice, "off", 0, 0, "", acts,
       "A version of a signed zone in which an authoritative RRset, the DNSKEY among them, has no signature "
       "that a key of the apex verifies and that holds now, or whose chain of NSEC or NSEC3 has a gap. To "
       "look "
       "costs a walk over the zone with a verification each RRset, for every version. The parent's DS is "
       "another matter: see `ds-at-parent`."},
      "gate.dnssec");
  add_parent_rows(rows);
  add_command_rows(rows);
  both<[](GatePolicy& g, const OptionValue& v) { g.command_timeout = seconds(v); }>(
      rows,
      {"gate", "command-timeout", Type::duration, "1m", 1, day, "", "",
       "The command is killed after this long, and the version held."},
      "gate.command-timeout");
}

void add_serial_rows(std::vector<ConfigRow>& rows) {
  both<[](GatePolicy& g, const OptionValue& v) { g.backwards = policy(v); }>(
      rows,
      {"gate", "serial-backwards", Type::choice, "ignore", 0, 0, "", policies,
       "A primary tells a serial that is older than the one that is served (RFC 1982): ignore it, with an "
       "alarm; "
       "hold its version; or take it. A zone that is expired or served stale takes it, and `retransfer` "
       "always does."},
      "gate.serial-backwards");
  both<[](GatePolicy& g, const OptionValue& v) { g.unmoved = policy(v); }>(
      rows,
      {"gate", "serial-unmoved", Type::choice, "accept", 0, 0, "", policies,
       "A transfer brings other content under the serial that is served already (see `full-check`): ignore "
       "it, with "
       "an alarm; hold it; or take it. `retransfer` always takes it, and so does a zone file that changed."},
      "gate.serial-unmoved");
  both<[](GatePolicy& g, const OptionValue& v) { g.full_check = seconds(v); }>(
      rows,
      {"gate", "full-check", Type::duration, "0s", 0, year, "", "",
       "Transfer the zone whole at the first check after this long, though its serial has not moved: for "
       "providers "
       "that do not move it. 0: never, and then a zone whose content changes under the same serial is served "
       "as it was; only the comparison may tell, by answers that differ."},
      "gate.full-check");
  both<[](GatePolicy& g, const OptionValue& v) { g.accept_after = seconds(v); }>(
      rows,
      {"gate", "accept-after", Type::duration, "0s", 0, year, "", "",
       "A version that the gate held is served by itself after this long; 0: only `understudy accept` does "
       "that."},
      "gate.accept-after");
}

}  // namespace

std::vector<ConfigRow> gate_rows() {
  std::vector<ConfigRow> rows;
  add_size_rows(rows);
  add_content_rows(rows);
  add_serial_rows(rows);
  return rows;
}

}  // namespace understudy::app
