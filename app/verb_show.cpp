// show ZONE: a version of the mirror as a zone file that any server loads. The emergency export: it reads the
// mirror itself, so that it works with the server running, stopped or broken.
#include <CLI/CLI.hpp>

#include "app/mirror_access.h"
#include "app/spool.h"
#include "app/verbs.h"
#include "control/report.h"
#include "dns/presentation.h"

namespace understudy::app {
namespace {

struct Options {
  Whereabouts where;
  std::string zone;
  std::optional<backend::Version> version;
};

Result<> print_zone(backend::NodeWalk& walk, Spool& spool) {
  backend::WalkedNode node;
  for (;;) {
    const auto more = walk.next(node);
    if (!more) return more.error();
    if (!*more) return {};
    // The SOA stands first: some servers insist.
    for (const bool soa : {true, false}) {
      for (const backend::WalkedRecord& record : node.records) {
        if ((record.type == dns::RRType::SOA) != soa) continue;
        spool.append(dns::record_text({node.owner, record.type, record.ttl, record.rdata}) + "\n");
      }
    }
  }
}

int run(const Options& options, const Console& console) {
  const auto fail = [&](const Error& error) { return console.fail("show", error); };
  const auto zone = open_zone(options.where, options.zone);
  if (!zone) return fail(zone.error());
  const auto opened = open_version(*zone->reader, zone->apex, zone->live, options.version);
  if (!opened) return fail(opened.error());
  Spool spool;
  const bool held = opened->row.version > zone->live.version;
  spool.append("; " + dns::to_string(zone->apex) + " serial " + std::to_string(opened->row.serial) +
               ", version " + std::to_string(opened->row.version) + " of the mirror, " +
               (held ? "held and not served since " : "published ") +
               control::time_text(opened->row.published) + "\n");
  if (const auto printed = print_zone(*opened->walk, spool); !printed) return fail(printed.error());
  zone->reader->reset();
  if (const auto copied = spool.copy_to(console.out); !copied) return fail(copied.error());
  return exit_code::fine;
}

}  // namespace

void add_show(CLI::App& root, const Console& console, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb =
      root.add_subcommand("show", "Print a zone of the mirror as a zone file; works without a server too");
  verb->add_option("ZONE", options->zone, "the zone")->required()->type_name("");
  verb->add_option("--version", options->version,
                   "an earlier version, as `history` lists them; default: the live one")
      ->type_name("N");
  options->where.add_mirror_options(*verb);
  verb->callback([=, &console, &action] { action = [=, &console] { return run(*options, console); }; });
}

}  // namespace understudy::app
