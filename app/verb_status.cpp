// status [ZONE]: what is served, how fresh it is, and why not.
#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "app/find_server.h"
#include "app/verbs.h"
#include "control/control_client.h"

namespace understudy::app {
namespace {

namespace json = boost::json;

struct Options {
  Whereabouts where;
  std::string zone;
  bool json = false;
};

Colour state_colour(std::string_view state) {
  if (state == "fresh") return Colour::good;
  return state == "retrying" || state == "stale" ? Colour::warning : Colour::bad;
}

// What a state means to somebody who reads it for the first time.
std::string_view state_meaning(std::string_view state) {
  if (state == "fresh") return "the last check of a primary succeeded";
  if (state == "retrying") return "no primary answered the last check; the last good version is served";
  if (state == "stale") return "past its expire time, still served by policy";
  if (state == "expired") return "no primary answered for too long; clients get SERVFAIL";
  return "nothing received yet; clients get SERVFAIL";
}

std::string comparison_text(const json::object& zone) {
  if (!has(zone, "comparison")) return "-";
  const json::object& comparison = object_at(zone, "comparison");
  if (number_at(comparison, "addresses") == 0) return "no address to ask";
  const std::uint64_t mismatches = number_at(comparison, "mismatches");
  if (mismatches > 0) return number_text(mismatches) + (mismatches == 1 ? " differs" : " differ");
  if (flag_at(comparison, "complete")) return "equal";
  const json::value* const coverage = comparison.if_contains("coverage");
  const double share = coverage != nullptr && coverage->is_number() ? coverage->to_number<double>() : 0;
  // Everything was asked; what differed is asked again before it counts.
  if (share >= 1) return "to be confirmed";
  return std::to_string(static_cast<int>(share * 100)) + "% compared";
}

Colour comparison_colour(const json::object& zone) {
  const json::object& comparison = object_at(zone, "comparison");
  if (number_at(comparison, "mismatches") > 0) return Colour::bad;
  return flag_at(comparison, "complete") ? Colour::good : Colour::faint;
}

std::string failure_text(const json::object& failure) {
  return text_at(failure, "reason") + ": " + text_at(failure, "message");
}

std::string serial_text(const json::object& object, std::string_view key) {
  return has(object, key) ? std::to_string(number_at(object, key)) : std::string("-");
}

// State and what stands in the way of newer versions, for the table.
Table::Cell state_cell(const json::object& zone) {
  const std::string state = text_at(zone, "state");
  if (has(zone, "held")) return {state + ", held", Colour::bad};
  if (flag_at(zone, "rolled_back")) return {state + ", rolled back", Colour::warning};
  if (flag_at(zone, "on_hold")) return {state + ", on hold", Colour::warning};
  return {state, state_colour(state)};
}

// What the gate, or an operator, decided.
void print_decisions(const json::object& zone, UnixTime now, const Console& console) {
  const std::string name = text_at(zone, "zone");
  const auto line = [&](std::string_view head, const std::string& text) {
    console.out << "  " << head << std::string(12 - head.size(), ' ') << text << "\n";
  };
  if (has(zone, "held")) {
    const json::object& held = object_at(zone, "held");
    const std::string version = number_text(number_at(held, "version"));
    line("held", console.paint(Colour::bad, "version " + version) + " with serial " +
                     serial_text(held, "serial") + ", " + age_text(time_at(held, "since"), now) + ": " +
                     failure_text(held));
    std::string accepted = "; `understudy accept " + name + " --version " + version + "` serves it";
    if (has(held, "accepted_at")) accepted += ", or time does " + age_text(time_at(held, "accepted_at"), now);
    if (text_at(held, "reason") == "catalog-broken") accepted = "; its primary has to mend it";
    line("", "see `understudy diff mirror: mirror:@" + version + " --zone " + name + "`" + accepted);
  }
  if (flag_at(zone, "on_hold"))
    line("on hold", "by an operator: what comes is not served; `understudy resume " + name + "` ends it");
  if (flag_at(zone, "rolled_back"))
    line("rolled back", "by an operator: what comes is not served; `understudy resume " + name + "` ends it");
  if (flag_at(zone, "serial_unmoved")) {
    line("serial", console.paint(Colour::warning, "not newer than that of the version before") +
                       ": secondaries of this server take the zone by AXFR only");
  }
  for (const json::value& warning : list_at(zone, "warnings"))
    line("warning", console.paint(Colour::warning, failure_text(warning.get_object())));
  if (has(zone, "parent_ds")) {
    const json::object& parent = object_at(zone, "parent_ds");
    if (!text_at(parent, "message").empty()) line("parent", console.paint(Colour::bad, failure_text(parent)));
  }
  if (has(zone, "signatures_end"))
    line("signatures", "the first ends " + age_text(time_at(zone, "signatures_end"), now));
}

// How the primaries are, in a few words for the table.
Table::Cell primaries_cell(const json::object& zone, UnixTime now) {
  std::size_t up = 0, all = 0;
  std::string failing;
  for (const json::value& value : list_at(zone, "primaries")) {
    const json::object& primary = value.get_object();
    ++all;
    if (flag_at(primary, "up")) ++up;
    if (failing.empty() && has(primary, "failing_since")) {
      failing = text_at(object_at(primary, "failure"), "reason") + " for " +
                span_text(time_at(primary, "failing_since"), now);
    }
  }
  if (failing.empty()) return {up > 0 ? "up" : "not asked yet", up > 0 ? Colour::good : Colour::faint};
  if (all == 1) return {failing, Colour::warning};
  return {std::to_string(up) + " of " + std::to_string(all) + " up (" + failing + ")", Colour::warning};
}

// Zones whose data would come back with them.
void print_unserved(const json::object& report, UnixTime now, const Console& console) {
  for (const json::value& value : list_at(report, "unserved")) {
    const json::object& zone = value.get_object();
    const std::string what = has(zone, "serial")
                                 ? "its data (serial " + serial_text(zone, "serial") + ") are kept"
                                 : "there are no data of it";
    console.out << console.paint(Colour::faint, text_at(zone, "zone") + " is served no more since " +
                                                    text_at(zone, "since") + "; " + what + ", forgotten " +
                                                    age_text(time_at(zone, "kept_until"), now) +
                                                    "; `understudy add` brings it back")
                << "\n";
  }
}

void print_all(const json::object& report, UnixTime now, const Console& console) {
  const json::array& zones = list_at(report, "zones");
  if (zones.empty()) {
    console.out << "no zones are served; `understudy add` adds one\n";
    return print_unserved(report, now, console);
  }
  Table table({"ZONE", "STATE", "VERSION", "SERIAL", "RECORDS", "CHECKED", "PRIMARY", "COMPARISON"});
  for (const json::value& value : zones) {
    const json::object& zone = value.get_object();
    const bool has_data = number_at(zone, "version") != 0;
    table.row({{text_at(zone, "zone")},
               state_cell(zone),
               {has_data ? number_text(number_at(zone, "version")) : "-"},
               {serial_text(zone, "serial")},
               {number_text(number_at(zone, "records"))},
               {age_text(time_at(zone, "last_check"), now)},
               primaries_cell(zone, now),
               {comparison_text(zone), comparison_colour(zone)}});
  }
  table.print(console);
  print_unserved(report, now, console);
}

void print_primary(const json::object& primary, UnixTime now, const Console& console) {
  const bool up = flag_at(primary, "up"), failing = has(primary, "failing_since");
  console.out << "    " << text_at(primary, "source") << "  ";
  if (failing) {
    console.out << console.paint(up ? Colour::warning : Colour::bad, "failing") << " for "
                << span_text(time_at(primary, "failing_since"), now) << ", since "
                << text_at(primary, "failing_since")
                << (up ? "; it answers, but its version is not taken" : "");
  } else {
    console.out << (up ? console.paint(Colour::good, "up") : console.paint(Colour::faint, "not asked yet"));
  }
  console.out << "\n";
  const auto line = [&](const std::string& text) { console.out << "      " << text << "\n"; };
  if (has(primary, "failure") && failing) line(failure_text(object_at(primary, "failure")));
  if (has(primary, "last_answer")) {
    std::string text = "last answer " + age_text(time_at(primary, "last_answer"), now);
    if (has(primary, "serial")) text += ": serial " + serial_text(primary, "serial");
    const json::value* const rtt = primary.if_contains("soa_rtt_seconds");
    if (rtt != nullptr && rtt->is_number()) {
      std::array<char, 32> milliseconds{};
      std::snprintf(milliseconds.data(), milliseconds.size(), ", in %.1f ms",
                    rtt->to_number<double>() * 1000);
      text += milliseconds.data();
    }
    line(text);
  }
  std::string traits;
  if (flag_at(primary, "pinned")) traits = "what is served came from it";
  for (const json::value& word : list_at(primary, "learnt")) {
    traits += traits.empty() ? "" : "; ";
    traits += word.get_string() == "no-edns" ? "asked without EDNS, which it does not understand"
              : word.get_string() == "no-ixfr"
                  ? "asked for whole zones, as it knows no IXFR"
                  : "each transfer has a connection of its own, as it closes them";
  }
  if (!traits.empty()) line(traits);
  if (has(primary, "failure") && !failing) {
    const json::object& failure = object_at(primary, "failure");
    line("last failure " + age_text(time_at(failure, "when"), now) + ": " + failure_text(failure));
  }
}

void print_secondary(const json::object& secondary, UnixTime now, const Console& console) {
  const std::string when = age_text(time_at(secondary, "when"), now), result = text_at(secondary, "result");
  console.out << "    " << text_at(secondary, "address") << "  ";
  if (flag_at(secondary, "pending")) {
    console.out << console.paint(Colour::warning, "not heard yet") << ", told since " << when;
  } else {
    console.out << (result == "ok" ? console.paint(Colour::good, "knows")
                                   : console.paint(Colour::bad, "not told: " + result))
                << " " << when;
  }
  console.out << ": serial " << serial_text(secondary, "serial") << "\n";
}

std::string sync_text(const json::object& zone, UnixTime now) {
  if (has(zone, "out_of_sync_since"))
    return "out of sync for " + span_text(time_at(zone, "out_of_sync_since"), now);
  return "in sync";
}

// Which catalog a zone comes from, and what a catalog brings.
void print_catalog(const json::object& zone, UnixTime now, const Console& console) {
  const auto line = [&](std::string_view name, const std::string& text) {
    console.out << "  " << name << std::string(12 - name.size(), ' ') << text << "\n";
  };
  if (has(zone, "member_of")) {
    const json::object& member = object_at(zone, "member_of");
    line("origin", "the catalog " + text_at(member, "catalog") + ", label " + text_at(member, "label") +
                       (has(member, "group") ? ", group " + text_at(member, "group") : ""));
  }
  if (!has(zone, "catalog")) return;
  const json::object& catalog = object_at(zone, "catalog");
  const std::string members = counted(number_at(catalog, "members"), "member", "members");
  if (text_at(catalog, "role") == "producer") return line("catalog", "made here, of " + members);
  line("catalog", members);
  if (has(catalog, "failure")) {
    const json::object& failure = object_at(catalog, "failure");
    line("", console.paint(Colour::bad, "it cannot be obeyed") + " since " +
                 age_text(time_at(failure, "when"), now) + ": " + failure_text(failure) +
                 "; its members stay as they were");
  }
  for (const json::value& value : list_at(catalog, "refused")) {
    const json::object& refused = value.get_object();
    line("", console.paint(Colour::warning, text_at(refused, "zone") + " is not taken") + ": " +
                 failure_text(refused));
  }
  const std::uint64_t shown = list_at(catalog, "refused").size(), all = number_at(catalog, "members_refused");
  if (all > shown) line("", "and " + std::to_string(all - shown) + " more that are not taken");
}

void print_one(const json::object& zone, UnixTime now, const Console& console) {
  const std::string state = text_at(zone, "state");
  console.out << console.paint(Colour::bold, text_at(zone, "zone")) << "  "
              << console.paint(state_colour(state), state) << ": " << state_meaning(state) << "\n";
  const auto line = [&](std::string_view name, const std::string& text) {
    console.out << "  " << name << std::string(12 - name.size(), ' ') << text << "\n";
  };
  if (text_at(zone, "origin") == "added")
    line("origin", "added at run time; `understudy remove` takes it out");
  if (number_at(zone, "version") != 0) {
    line("version", number_text(number_at(zone, "version")) + ", published " +
                        age_text(time_at(zone, "published"), now) +
                        (has(zone, "last_transfer") ? ", by " + text_at(zone, "last_transfer") : ""));
    line("serial", serial_text(zone, "serial") + "; primary " + serial_text(zone, "primary_serial") + ", " +
                       sync_text(zone, now));
    line("contents", counted(number_at(zone, "records"), "record", "records") + " at " +
                         counted(number_at(zone, "nodes"), "name", "names"));
  }
  print_catalog(zone, now, console);
  print_decisions(zone, now, console);
  const UnixTime next = time_at(zone, "next_check");
  line("checked",
       (has(zone, "last_check") ? age_text(time_at(zone, "last_check"), now) : "no source has answered yet") +
           (next == 0 ? "" : ", next check " + (next > now ? age_text(next, now) : "now")));
  if (has(zone, "expires"))
    line(state == "expired" ? "expired" : "expires", age_text(time_at(zone, "expires"), now));
  if (flag_at(zone, "transferring")) line("transfer", "under way");
  if (const std::uint64_t dropped = number_at(zone, "out_of_zone_dropped"); dropped > 0) {
    line("dropped", counted(dropped, "record that does", "records that do") + " not belong to the zone");
  }
  line("comparison", console.paint(comparison_colour(zone), comparison_text(zone)));
  if (has(zone, "last_refusal")) {
    const json::object& refusal = object_at(zone, "last_refusal");
    line("refused", age_text(time_at(refusal, "when"), now) + ": " + failure_text(refusal));
  }
  console.out << "  primaries, in order of preference\n";
  for (const json::value& primary : list_at(zone, "primaries"))
    print_primary(primary.get_object(), now, console);
  if (list_at(zone, "secondaries").empty()) return;
  console.out << "  secondaries that are notified\n";
  for (const json::value& secondary : list_at(zone, "secondaries"))
    print_secondary(secondary.get_object(), now, console);
}

int run(const Options& options, const Console& console) {
  const auto socket = options.where.socket();
  if (!socket) return console.fail("status", socket.error());
  json::object request{{"verb", "status"}};
  if (!options.zone.empty()) request["zone"] = options.zone;
  const auto answer = control::ask_server(*socket, request);
  if (!answer) return console.fail("status", answer.error());
  const UnixTime now = SystemClock().wall();
  if (options.json) {
    console.out << json::serialize(*answer) << "\n";
  } else if (options.zone.empty()) {
    print_all(*answer, now, console);
  } else {
    print_one(*answer, now, console);
  }
  return exit_code::fine;
}

}  // namespace

void add_status(CLI::App& root, const Console& console, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb = root.add_subcommand("status", "Tell what is served, how fresh it is, and why not");
  verb->add_option("ZONE", options->zone, "one zone, in full")->type_name("");
  verb->add_flag("--json", options->json, "for scripts");
  options->where.add_socket_options(*verb);
  verb->callback([=, &console, &action] { action = [=, &console] { return run(*options, console); }; });
}

}  // namespace understudy::app
