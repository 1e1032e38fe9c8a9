// diff A B: what differs between two versions of a zone, wherever they are. Reads the mirror itself, so that
// it works with the server running or stopped.
#include <CLI/CLI.hpp>
#include <filesystem>

#include "app/diff_report.h"
#include "app/mirror_access.h"
#include "app/verbs.h"
#include "audit/diff_side.h"
#include "audit/name_by_name.h"
#include "control/report.h"

namespace understudy::app {
namespace {

using audit::DiffSide;
using audit::GatheredZone;
using audit::MirrorSide;
using audit::NameServerSide;

struct Options {
  Whereabouts where;
  std::string a, b, zone;
  std::optional<double> rate;
  bool json = false;
};

// A side on its way to be walked.
struct Side {
  DiffSide spec;
  std::string about = {};
  std::unique_ptr<backend::Reader> reader = {};  // of a mirror's side
  std::unique_ptr<backend::NodeWalk> walk = {};  // likewise
  std::unique_ptr<GatheredZone> gathered = {};   // of all but a name server's

  bool is_mirror() const { return std::holds_alternative<MirrorSide>(spec); }
  bool is_name_server() const { return std::holds_alternative<NameServerSide>(spec); }
  backend::NodeWalk& version() const { return walk ? *walk : gathered->walk(); }
};

class Comparison {
 public:
  Comparison(const Options& options, const Console& console) : options_(options), console_(console) {}

  Result<int> run() {
    if (auto parsed = parse(); !parsed) return parsed.error();
    if (a_.is_mirror() || b_.is_mirror()) {
      auto mirror = MirrorAccess::open(options_.where);
      if (!mirror) return mirror.error();
      mirror_.emplace(std::move(*mirror));
    }
    auto zone = find_zone();
    if (!zone) return zone.error();
    zone_ = *zone;
    // What comes from elsewhere first: a read transaction on the mirror should be short.
    for (Side* side : {&a_, &b_}) {
      if (auto gathered = gather(*side); !gathered) return gathered.error();
    }
    for (Side* side : {&a_, &b_}) {
      if (auto opened = open(*side); !opened) return opened.error();
    }
    return compare();
  }

 private:
  Result<> parse() {
    for (const auto& [text, side] : {std::pair(&options_.a, &a_), {&options_.b, &b_}}) {
      auto spec = audit::parse_side(*text);
      if (!spec) return spec.error();
      side->spec = std::move(*spec);
    }
    if (a_.is_name_server() && b_.is_name_server()) {
      return Error{"usage",
                   "both sides are asked name by name, so neither says which names there are: one of "
                   "them must be mirror:, file:PATH or axfr://ADDR"};
    }
    if (options_.rate && !a_.is_name_server() && !b_.is_name_server()) {
      return Error{"usage", "--rate is for a side dns://ADDR"};
    }
    return {};
  }

  Result<dns::Name> find_zone() const {
    if (!options_.zone.empty()) return dns::Name::from_text(options_.zone);
    std::optional<Error> unnamed;
    if (mirror_) {
      const auto reader = mirror_->reader();
      if (!reader) return reader.error();
      auto only = mirror_->only_zone(**reader);
      if (only) return only;
      unnamed = only.error();
    }
    for (const Side* side : {&a_, &b_}) {
      const auto* const source = std::get_if<sync::SourceSpec>(&side->spec);
      if (source == nullptr) continue;
      if (const auto* const file = std::get_if<sync::FileSource>(source))
        return audit::zone_of_file(file->path);
    }
    if (unnamed) return *unnamed;
    return Error{"usage", "which zone? Name it with --zone"};
  }

  Result<> gather(Side& side) {
    const auto* const source = std::get_if<sync::SourceSpec>(&side.spec);
    if (source == nullptr) return {};
    const auto* const primary = std::get_if<sync::AxfrSource>(source);
    const auto trust =
        primary != nullptr ? options_.where.trust_of(*primary) : Result<net::Trust>(net::Trust());
    if (!trust) return trust.error().within(audit::to_string(side.spec));
    auto gathered = GatheredZone::from(*source, zone_, spool_directory_, *trust);
    if (!gathered) return gathered.error();
    side.gathered = std::move(*gathered);
    if (side.gathered->out_of_zone() > 0) {
      console_.err << "understudy diff: " << audit::to_string(side.spec) << ": "
                   << counted(side.gathered->out_of_zone(), "record", "records") << " outside "
                   << dns::to_string(zone_) << " left out of the comparison, the first of them "
                   << side.gathered->first_out_of_zone() << "\n";
    }
    return {};
  }

  Result<> open(Side& side) {
    auto* const kept = std::get_if<MirrorSide>(&side.spec);
    if (kept == nullptr) return {};
    auto reader = mirror_->reader();
    if (!reader) return reader.error();
    side.reader = std::move(*reader);
    const auto live = mirror_->zone(*side.reader, zone_);
    if (!live) return live.error();
    auto opened = open_version(*side.reader, zone_, *live, kept->version);
    if (!opened) return opened.error();
    kept->version = opened->row.version;
    side.about = "serial " + std::to_string(opened->row.serial) +
                 (opened->row.version > live->version ? ", held since " : ", published ") +
                 control::time_text(opened->row.published);
    side.walk = std::move(opened->walk);
    if (!a_.is_name_server() && !b_.is_name_server()) return {};
    // A name server is asked for as long as it takes.
    auto copied = GatheredZone::from(*side.walk, spool_directory_);
    if (!copied) return copied.error();
    side.gathered = std::move(*copied);
    side.walk.reset();
    side.reader->reset();
    return {};
  }

  Result<int> compare() {
    const auto report = options_.json ? json_diff() : readable_diff(console_);
    audit::ZoneDiff diff([&](const audit::Difference& difference) { report->difference(difference); });
    const bool complete = !a_.is_name_server() && !b_.is_name_server();
    std::uint64_t unknown = 0;
    Result<> compared;
    if (complete) {
      compared = diff.walk(a_.version(), b_.version());
    } else {
      audit::NameByNameEvents events;
      events.unknown = [&](dns::NameView owner, dns::RRType type, const std::string& why) {
        ++unknown;
        report->unknown(owner, type, why);
      };
      if (console_.progress) events.progress = [this](std::uint64_t asked) { show_progress(asked); };
      compared = ask(diff, events);
    }
    if (!compared) return compared.error();
    for (Side* side : {&a_, &b_}) {
      if (side->reader) side->reader->reset();  // whoever reads our output may take long
    }
    const DiffHead head{zone_,   audit::to_string(a_.spec), audit::to_string(b_.spec), a_.about, b_.about,
                        complete};
    if (auto printed = report->print(head, diff.counts(), console_); !printed) return printed.error();
    if (diff.counts().differences() > 0) return exit_code::difference;
    return unknown > 0 ? exit_code::unknown : exit_code::fine;
  }

  Result<> ask(audit::ZoneDiff& diff, const audit::NameByNameEvents& events) {
    const bool a_is_asked = a_.is_name_server();
    audit::NameByNameOptions options;
    options.server = std::get<NameServerSide>((a_is_asked ? a_ : b_).spec).server;
    options.apex = zone_;
    if (options_.rate) options.queries_per_second = *options_.rate;
    const auto asked = a_is_asked ? audit::AskedSide::a : audit::AskedSide::b;
    auto compared =
        audit::compare_name_by_name(options, (a_is_asked ? b_ : a_).version(), asked, diff, events);
    if (console_.progress) console_.err << "\r\033[K" << std::flush;
    return compared;
  }

  void show_progress(std::uint64_t asked) const {
    console_.err << "\r" << number_text(asked) << " asked" << std::flush;
  }

  const Options& options_;
  const Console& console_;
  const std::string spool_directory_ = std::filesystem::temp_directory_path().string();
  std::optional<MirrorAccess> mirror_;
  dns::Name zone_;
  Side a_, b_;
};

int run(const Options& options, const Console& console) {
  const auto code = Comparison(options, console).run();
  return code ? *code : console.fail("diff", code.error());
}

}  // namespace

void add_diff(CLI::App& root, const Console& console, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb = root.add_subcommand(
      "diff", "Tell what differs between two versions of a zone; works without a server too");
  verb->add_option("A", options->a, "one side")->required()->type_name("");
  verb->add_option("B", options->b, "the other side")->required()->type_name("");
  verb->add_option("--zone", options->zone,
                   "the zone; not needed where the mirror holds one only, or a file names it")
      ->type_name("ZONE");
  verb->add_option("--rate", options->rate, "queries a second to a side dns://, 50 unless given")
      ->check(CLI::Range(0.01, 1e6).description(""))
      ->type_name("N");
  verb->add_flag("--json", options->json, "for scripts");
  options->where.add_mirror_options(*verb);
  verb->footer(
      "A and B are each one of\n"
      "  mirror:              the live version in the mirror (--data DIR or --config FILE)\n"
      "  mirror:@VERSION      an earlier one, as `understudy history` lists them\n"
      "  file:PATH            a zone file\n"
      "  axfr://ADDR[:PORT]   a name server that gives transfers; with ?key=NAME signed with a key of the\n"
      "                       configuration\n"
      "  xot://ADDR[:PORT]?name=HOST   the same over TLS\n"
      "  dns://ADDR[:PORT]    a name server that is asked for every record of the other side\n\n"
      "Exit codes: 0 equal, 1 differences, 2 an error, 3 no difference, but not everything could be\n"
      "established.");
  verb->callback([=, &console, &action] { action = [=, &console] { return run(*options, console); }; });
}

}  // namespace understudy::app
