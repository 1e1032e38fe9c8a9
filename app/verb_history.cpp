// history ZONE: the versions of a zone that the mirror keeps, and how each came about.
#include <CLI/CLI.hpp>

#include "app/mirror_access.h"
#include "app/verbs.h"
#include "control/report.h"

namespace understudy::app {
namespace {

namespace json = boost::json;

struct Options {
  Whereabouts where;
  std::string zone;
  bool json = false;
};

// The newest first.
void print(const std::vector<backend::VersionRow>& rows, const std::optional<backend::HeldVersion>& held,
           UnixTime now, const Console& console) {
  constexpr std::size_t digest_digits = 16;  // enough to tell versions apart by eye
  Table table({"VERSION", "SERIAL", "WHEN", "SOURCE", "HOW", "ADDED", "REMOVED", "DIGEST"});
  const auto add = [&](const backend::VersionRow& row, std::string_view mark, Colour colour) {
    table.row({{std::to_string(row.version) + std::string(mark), colour},
               {std::to_string(row.serial)},
               {control::time_text(row.published) + ", " + age_text(row.published, now)},
               {row.source.empty() ? "-" : row.source},
               {std::string(control::how_text(row.how))},
               {number_text(row.added)},
               {number_text(row.removed)},
               {control::digest_text(row.digest).substr(0, digest_digits), Colour::faint}});
  };
  if (held) add(held->row, " held", Colour::bad);
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    const bool live = row == rows.rbegin();
    add(*row, live ? " live" : "", live ? Colour::good : Colour::none);
  }
  table.print(console);
  if (held) {
    console.out << "version " << held->row.version
                << " is held, and not served: " << console.paint(Colour::bad, held->reason) << ": "
                << held->message << "\n";
  }
}

int run(const Options& options, const Console& console) {
  const auto zone = open_zone(options.where, options.zone);
  if (!zone) return console.fail("history", zone.error());
  const std::vector<backend::VersionRow> rows = zone->reader->versions(zone->live.id);
  const std::optional<backend::HeldVersion> held = zone->reader->held(zone->live.id);
  zone->reader->reset();
  if (options.json) {
    json::array list;
    if (held) list.push_back(control::version_report(*held));
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
      list.push_back(control::version_report(*row, row->version == zone->live.version));
    }
    console.out << json::serialize(list) << "\n";
  } else {
    print(rows, held, SystemClock().wall(), console);
  }
  return exit_code::fine;
}

}  // namespace

void add_history(CLI::App& root, const Console& console, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb = root.add_subcommand(
      "history", "List the versions of a zone that the mirror keeps; works without a server too");
  verb->add_option("ZONE", options->zone, "the zone")->required()->type_name("");
  verb->add_flag("--json", options->json, "for scripts");
  options->where.add_mirror_options(*verb);
  verb->footer(
      "The newest version comes first. `understudy show ZONE --version N` prints one,\n"
      "`understudy diff mirror:@M mirror:@N` tells what changed between two.");
  verb->callback([=, &console, &action] { action = [=, &console] { return run(*options, console); }; });
}

}  // namespace understudy::app
