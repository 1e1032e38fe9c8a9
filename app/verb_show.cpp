// show ZONE: the mirror's version as a zone file that any server loads. The emergency export: it reads the
// mirror itself, so that it works with the server running, stopped or broken.
#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <memory>

#include "app/find_server.h"
#include "app/verbs.h"
#include "backend/mirror.h"
#include "control/report.h"
#include "dns/presentation.h"

namespace understudy::app {
namespace {

struct Options {
  Whereabouts where;
  std::string zone;
};

// The text stands in an unlinked file until it is whole: so the read transaction does not last as long as
// whoever reads our output (an old reader keeps the mirror from reusing space), and a failure prints nothing
// that looks like a zone.
class Spool {
 public:
  Spool() : file_(std::tmpfile(), &std::fclose) {}
  bool usable() const { return file_ != nullptr; }
  void append(std::string_view text) {
    failed_ |= std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size();
  }
  // False where it could not be kept or read back.
  bool copy_to(std::ostream& out) {
    if (failed_ || std::fflush(file_.get()) != 0) return false;
    std::rewind(file_.get());
    std::array<char, 65536> buffer;
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), file_.get())) {
      out.write(buffer.data(), static_cast<std::streamsize>(size));
    }
    return std::ferror(file_.get()) == 0;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  bool failed_ = false;
};

class ZonePrinter {
 public:
  explicit ZonePrinter(Spool& spool) : spool_(spool) {}

  void node(const dns::Name& owner, const backend::NodeView& node) {
    const dns::NameView as_transferred = node.owner_case().value_or(owner.view());
    const std::string name = dns::to_string(as_transferred);
    // The SOA stands first: some servers insist.
    for (const bool soa : {true, false}) {
      for (unsigned i = 0; i < node.rrset_count(); ++i) {
        if ((node.type_at(i) == dns::RRType::SOA) == soa) rrset(name, as_transferred, node.rrset(i));
      }
    }
  }
  std::uint64_t records() const { return records_; }

 private:
  void rrset(const std::string& name, dns::NameView owner, const backend::RRsetView& rrset) {
    for (const auto& rdata : rrset.expand(owner)) record(name, rrset.ttl(), rrset.type(), rdata);
    const dns::Octets signatures = rrset.signatures();
    for (std::size_t at = 0; at < signatures.size();) {
      const std::size_t size = dns::load16(signatures.data() + at);
      record(name, rrset.signature_ttl(), dns::RRType::RRSIG, signatures.subspan(at + 2, size));
      at += 2 + size;
    }
  }

  void record(const std::string& name, std::uint32_t ttl, dns::RRType type, dns::Octets rdata) {
    line_ = name;
    line_ += '\t';
    line_ += std::to_string(ttl);
    line_ += "\tIN\t";
    line_ += dns::to_string(type);
    line_ += '\t';
    line_ += dns::rdata_text(type, rdata);
    line_ += '\n';
    spool_.append(line_);
    ++records_;
  }

  Spool& spool_;
  std::string line_;
  std::uint64_t records_ = 0;
};

Result<> print_zone(backend::Reader& reader, const backend::ZoneRow& row, Spool& spool) {
  ZonePrinter printer(spool);
  backend::FoundNode found;
  for (bool more = reader.seek(row.generation, {}, found); more; more = reader.next(found)) {
    const auto owner = dns::name_of_key(found.key);
    if (!owner)
      return Error{"mirror-damaged", "the mirror holds a node whose key is no name; take it from elsewhere"};
    printer.node(*owner, found.node);
  }
  // A walk that ends early must not pass for a zone.
  if (printer.records() != row.records) {
    return Error{"mirror-damaged", "the mirror tells of " + number_text(row.records) + " records and holds " +
                                       number_text(printer.records()) + "; take the zone from elsewhere"};
  }
  return {};
}

Error no_such_zone(const dns::Name& apex, const std::string& directory, backend::Reader& reader) {
  constexpr std::size_t named = 5;
  std::string held;
  std::size_t count = 0;
  for (const auto& [name, row] : reader.zones()) {
    if (row.version == 0) continue;
    if (++count <= named) held += (held.empty() ? "" : ", ") + dns::to_string(name);
  }
  if (count > named) held += " and " + counted(count - named, "other", "others");
  return {"unknown-zone", "the mirror in " + directory + " holds no version of " + dns::to_string(apex) +
                              (held.empty() ? std::string("; it is empty") : "; it holds " + held)};
}

int run(const Options& options, const Console& console) {
  const auto fail = [&](const Error& error) { return console.fail("show", error); };
  const auto apex = dns::Name::from_text(options.zone);
  if (!apex) return fail(apex.error());
  const auto directory = options.where.data_directory();
  if (!directory) return fail(directory.error());
  backend::MirrorOptions mirror_options;
  mirror_options.directory = *directory;
  mirror_options.read_only = true;
  const auto mirror = backend::open_mirror(mirror_options);
  if (!mirror) return fail(mirror.error());
  const auto reader = (*mirror)->reader();
  if (!reader) return fail(reader.error());
  if (const auto renewed = (*reader)->renew(); !renewed) return fail(renewed.error());
  const auto row = (*reader)->zone(*apex);
  if (!row || row->version == 0) {
    return fail(no_such_zone(*apex, *directory, **reader));
  }
  Spool spool;
  if (!spool.usable()) return fail({"spool", "no temporary file can be made"});
  spool.append("; " + dns::to_string(*apex) + " serial " + std::to_string(row->serial) + ", version " +
               std::to_string(row->version) + " of the mirror, published " +
               control::time_text(row->published) + "\n");
  if (const auto printed = print_zone(**reader, *row, spool); !printed) return fail(printed.error());
  (*reader)->reset();
  if (!spool.copy_to(console.out))
    return fail({"spool", "the temporary file could not be written: is the disk full?"});
  return exit_code::fine;
}

}  // namespace

void add_show(CLI::App& root, const Console& console, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* const verb =
      root.add_subcommand("show", "Print a zone of the mirror as a zone file; works without a server too");
  verb->add_option("ZONE", options->zone, "the zone")->required()->type_name("");
  options->where.add_mirror_options(*verb);
  verb->callback([=, &console, &action] { action = [=, &console] { return run(*options, console); }; });
}

}  // namespace understudy::app
