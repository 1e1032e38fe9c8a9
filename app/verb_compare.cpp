// compare ZONE: where the mirror and other name servers disagree, and what each side says. Without --with it
// is the running server's comparer that knows; with it the verb reads the mirror itself.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "app/mirror_access.h"
#include "app/verbs.h"
#include "audit/single_comparison.h"
#include "control/control_client.h"
#include "control/report.h"

namespace understudy::app {
namespace {

namespace json = boost::json;

struct Options {
  Whereabouts where;
  std::string zone;
  std::vector<std::string> with;
  double rate = 50;
  bool json = false;
};

std::string answer_text(const json::object& side) {
  const std::string flags = text_at(side, "flags");
  return text_at(side, "rcode") + (flags.empty() ? "" : " " + flags);
}

std::string ttl_text(const json::object& side) {
  return list_at(side, "rdata").empty() ? std::string() : std::to_string(number_at(side, "ttl"));
}

// Two sides below one another: who, "NOERROR aa", TTL, data; further data below the first.
class Sides {
 public:
  void add(std::string who, const json::object& side, Colour colour) {
    who_width_ = std::max(who_width_, who.size());
    answer_width_ = std::max(answer_width_, answer_text(side).size());
    ttl_width_ = std::max(ttl_width_, ttl_text(side).size());
    rows_.push_back({std::move(who), &side, colour});
  }
  void print(const Console& console) const {
    for (const Row& row : rows_) {
      const std::string answer = answer_text(*row.side), ttl = ttl_text(*row.side);
      std::string head = "    " + row.who + std::string(who_width_ - row.who.size() + 2, ' ') + answer +
                         std::string(answer_width_ - answer.size() + 2, ' ') +
                         std::string(ttl_width_ - ttl.size(), ' ') + ttl + (ttl_width_ > 0 ? "  " : "");
      const json::array& rdata = list_at(*row.side, "rdata");
      if (rdata.empty()) console.out << head << console.paint(row.colour, "no data") << "\n";
      for (const json::value& data : rdata) {
        const std::string_view text =
            data.is_string() ? std::string_view(data.get_string()) : std::string_view();
        console.out << head << console.paint(row.colour, text) << "\n";
        head.assign(head.size(), ' ');
      }
    }
  }

 private:
  struct Row {
    std::string who;
    const json::object* side;
    Colour colour;
  };
  std::vector<Row> rows_;
  std::size_t who_width_ = 0, answer_width_ = 0, ttl_width_ = 0;
};

// Which version each answer came from, as far as it was told, and who gave theirs.
std::string witness_text(const json::object& evidence) {
  std::string text = "here version " + number_text(number_at(evidence, "version")) + ", serial " +
                     std::to_string(number_at(evidence, "serial"));
  if (has(evidence, "address_serial"))
    text += "; there serial " + std::to_string(number_at(evidence, "address_serial"));
  if (has(evidence, "zone_version"))
    text += "; answered from serial " + std::to_string(number_at(evidence, "zone_version"));
  if (has(evidence, "nsid")) text += "; answered by " + text_at(evidence, "nsid");
  return text;
}

void print_mismatch(const json::object& mismatch, UnixTime now, const Console& console) {
  console.out << "\n  "
              << console.paint(Colour::bold, text_at(mismatch, "owner") + " " + text_at(mismatch, "type"))
              << "  " << console.paint(Colour::bad, text_at(mismatch, "class"));
  if (has(mismatch, "since")) console.out << ", first seen " << age_text(time_at(mismatch, "since"), now);
  const json::object& evidence = object_at(mismatch, "evidence");
  if (has(evidence, "last_seen")) console.out << ", last " << age_text(time_at(evidence, "last_seen"), now);
  if (flag_at(evidence, "made_up")) console.out << ", a name made up for the question";
  console.out << "\n";
  Sides sides;
  sides.add("mirror", object_at(mismatch, "ours"), Colour::good);
  sides.add(text_at(mismatch, "address"), object_at(mismatch, "theirs"), Colour::bad);
  sides.print(console);
  console.out << "    " << console.paint(Colour::faint, witness_text(evidence)) << "\n";
}

// What they explain, and those that have no purpose any more.
void print_expectations(const json::array& expectations, const Console& console) {
  for (const json::value& value : expectations) {
    const json::object& expectation = value.get_object();
    const bool over = flag_at(expectation, "over");
    if (const std::uint64_t explains = number_at(expectation, "explains"); explains > 0 && !over) {
      console.out << counted(explains, "difference is", "differences are") << " expected at "
                  << text_at(expectation, "owner") << " (" << text_at(expectation, "reason") << ")\n";
    }
    if (!over && !flag_at(expectation, "unused")) continue;
    console.out << console.paint(Colour::warning,
                                 "expected at " + text_at(expectation, "owner") + " (" +
                                     text_at(expectation, "reason") +
                                     "): " + (over ? "its time is over" : "nothing differs there any more"))
                << "\n";
  }
}

void print(const json::object& report, UnixTime now, const Console& console) {
  const json::array& against = list_at(report, "against");
  console.out << console.paint(Colour::bold, text_at(report, "zone")) << " version "
              << number_text(number_at(report, "version")) << "\n";
  if (against.empty()) {
    console.out << "there is no address to compare with: name some with --with, or as compare-with in the "
                   "configuration\n";
    return;
  }
  Table table({"ADDRESS", "ASKED", "EQUAL", "DIFFERENT", "DYNAMIC", "EXPECTED", "UNKNOWN"});
  for (const json::value& value : against) {
    const json::object& tally = value.get_object();
    const std::uint64_t different = number_at(tally, "mismatch"), unknown = number_at(tally, "unknown");
    table.row({{text_at(tally, "address")},
               {number_text(number_at(tally, "asked"))},
               {number_text(number_at(tally, "match"))},
               {number_text(different), different > 0 ? Colour::bad : Colour::none},
               {number_text(number_at(tally, "dynamic"))},
               {number_text(number_at(tally, "expected"))},
               {number_text(unknown), unknown > 0 ? Colour::warning : Colour::none}});
  }
  table.print(console);
  const bool expected = std::any_of(against.begin(), against.end(), [](const json::value& tally) {
    return number_at(tally.get_object(), "expected") > 0;
  });
  const json::array& mismatches = list_at(report, "mismatches");
  for (const json::value& mismatch : mismatches) print_mismatch(mismatch.get_object(), now, console);
  console.out << "\n";
  print_expectations(list_at(report, "expectations"), console);
  if (!mismatches.empty()) {
    console.out << console.paint(Colour::bad, counted(mismatches.size(), "answer differs", "answers differ"))
                << "\n";
  } else if (flag_at(report, "complete")) {
    console.out << console.paint(Colour::good,
                                 expected ? "every other answer is equal" : "every answer is equal")
                << "\n";
  }
  if (!flag_at(report, "complete")) {
    console.out << console.paint(Colour::warning,
                                 "not everything could be compared yet; nothing is said of the rest")
                << "\n";
  }
}

void show_progress(std::uint64_t asked, std::uint64_t total, const Console& console) {
  total = std::max<std::uint64_t>(1, total);
  constexpr std::size_t width = 30;
  const std::size_t filled = std::min<std::size_t>(width, static_cast<std::size_t>(asked * width / total));
  console.err << "\r[" << std::string(filled, '#') << std::string(width - filled, '.') << "] "
              << number_text(asked) << " of " << number_text(total) << " asked" << std::flush;
}

int exit_of(const json::object& report) {
  if (!list_at(report, "mismatches").empty()) return exit_code::difference;
  return flag_at(report, "complete") ? exit_code::fine : exit_code::unknown;
}

// What the running comparer knows.
Result<json::object> running_report(const Options& options) {
  const auto socket = options.where.socket();
  if (!socket) return socket.error();
  return control::ask_server(*socket, {{"verb", "compare"}, {"zone", options.zone}}, {});
}

// The mirror is read here, beside the server that writes it or without one; a server that is known by its
// socket alone says where that is.
Result<MirrorAccess> open_mirror(const Whereabouts& where) {
  if (where.control.empty() || !where.data.empty() || !where.config.empty()) return MirrorAccess::open(where);
  const auto told = control::ask_server(where.control, {{"verb", "where"}}, {});
  if (!told) return told.error();
  return MirrorAccess::open(text_at(*told, "data"));
}

Result<json::object> report_with(const Options& options, const Console& console) {
  std::vector<net::Endpoint> addresses;
  for (const std::string& text : options.with) {
    const auto address = net::parse_endpoint(text, 53);
    if (!address) return address.error();
    addresses.push_back(*address);
  }
  const auto zone = dns::Name::from_text(options.zone);
  if (!zone) return zone.error();
  auto expectations = options.where.expectations();
  if (!expectations) return expectations.error();
  const auto mirror = open_mirror(options.where);
  if (!mirror) return mirror.error();
  audit::SingleOptions single;
  single.queries_per_second = options.rate;
  single.expectations = std::make_shared<const audit::Expectations>(std::move(*expectations));
  if (console.progress) {
    single.progress = [&](std::uint64_t asked, std::uint64_t total) { show_progress(asked, total, console); };
  }
  const auto compared = audit::compare_once(mirror->mirror(), *zone, std::move(addresses), single);
  if (console.progress) console.err << "\r\033[K" << std::flush;
  if (!compared) return compared.error();
  return control::comparison_report(*compared);
}

int run(const Options& options, const Console& console) {
  const auto report = options.with.empty() ? running_report(options) : report_with(options, console);
  if (!report) return console.fail("compare", report.error());
  if (options.json) {
    console.out << json::serialize(*report) << "\n";
  } else {
    print(*report, SystemClock().wall(), console);
  }
  return exit_of(*report);
}

}  // namespace

void add_compare(CLI::App& root, const Console& console, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb = root.add_subcommand(
      "compare", "Tell where the mirror and the primary (or --with: any name servers) answer differently");
  verb->add_option("ZONE", options->zone, "the zone")->required()->type_name("");
  auto* const with =
      verb->add_option("--with", options->with, "compare once with these name servers")->type_name("ADDR");
  verb->add_option("--rate", options->rate, "queries a second to each of them, 50 unless given")
      ->check(CLI::Range(0.01, 1e6).description(""))
      ->type_name("N")
      ->needs(with);
  verb->add_flag("--json", options->json, "for scripts");
  options->where.add_socket_options(*verb);
  verb->footer("Exit codes: 0 all equal, 1 differences, 2 an error, 3 not everything could be compared.");
  verb->callback([=, &console, &action] { action = [=, &console] { return run(*options, console); }; });
}

}  // namespace understudy::app
