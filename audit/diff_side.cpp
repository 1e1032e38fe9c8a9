#include "audit/diff_side.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>

#include "backend/owner_key.h"
#include "sync/file_source.h"
#include "sync/reasons.h"
#include "sync/transfer_client.h"
#include "sync/zone_file.h"

namespace understudy::audit {

namespace asio = boost::asio;

namespace {

constexpr std::string_view mirror = "mirror:", name_server = "dns://";

Result<DiffSide> parse_mirror_side(std::string_view text) {
  const std::string_view version = text.substr(mirror.size());
  if (version.empty()) return DiffSide(MirrorSide{});
  backend::Version number = 0;
  const char* const end = version.data() + version.size();
  const auto [stop, fault] = std::from_chars(version.data() + 1, end, number);
  if (version.front() != '@' || fault != std::errc() || stop != end || number == 0) {
    return Error{"bad-side",
                 "\"" + std::string(text) +
                     "\" is no side: write mirror: for the live version, or mirror:@7 for version 7"};
  }
  return DiffSide(MirrorSide{number});
}

Result<sync::TransferCounts> transfer(const net::Endpoint& primary, const sync::TransferRules& rules,
                                      std::shared_ptr<sync::RecordTarget> target, const net::Trust& trust) {
  asio::io_context context;
  sync::Pool pool(1);
  Result<sync::TransferCounts> received = Error{net::reason::network, "the transfer did not end"};
  std::exception_ptr thrown;
  sync::TransferOrder order{primary, std::nullopt, rules, {}, trust};
  asio::co_spawn(context, sync::receive_zone(std::move(order), std::move(target), pool),
                 [&](std::exception_ptr fault, Result<sync::TransferCounts> result) {
                   thrown = std::move(fault);
                   if (!thrown) received = std::move(result);
                 });
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  return received;
}

}  // namespace

Result<DiffSide> parse_side(std::string_view text) {
  if (text.starts_with(mirror)) return parse_mirror_side(text);
  if (text.starts_with(name_server)) {
    const auto server = net::parse_endpoint(text.substr(name_server.size()), 53);
    if (!server) return server.error().within("side \"" + std::string(text) + "\"");
    return DiffSide(NameServerSide{*server});
  }
  if (text.find(':') == std::string_view::npos) {
    return Error{"bad-side", "\"" + std::string(text) +
                                 "\" is no side: write mirror:[@VERSION], file:PATH, axfr://ADDR[:PORT] or "
                                 "dns://ADDR[:PORT]"};
  }
  auto source = sync::parse_source(text);
  if (!source) {
    return Error{source.error().reason,
                 source.error().message + "; a side is also mirror:[@VERSION] or dns://ADDR[:PORT]"};
  }
  return DiffSide(std::move(*source));
}

std::string to_string(const DiffSide& side) {
  if (const auto* kept = std::get_if<MirrorSide>(&side)) {
    return std::string(mirror) + (kept->version ? "@" + std::to_string(*kept->version) : std::string());
  }
  if (const auto* asked = std::get_if<NameServerSide>(&side)) {
    return std::string(name_server) + net::to_string(asked->server);
  }
  return sync::to_string(std::get<sync::SourceSpec>(side));
}

class GatheredZone::Target final : public sync::RecordTarget {
 public:
  explicit Target(const std::string& spool_directory) : sorter(spool_directory) {}
  Result<> record(const dns::RecordView& record) override {
    has_soa = has_soa || record.type == dns::RRType::SOA;
    backend::assign_owner_key(key, record);
    return sorter.add(key, record);
  }

  backend::RecordSorter sorter;
  dns::NameKey key;
  bool has_soa = false;
};

GatheredZone::GatheredZone(const std::string& spool_directory)
    : target_(std::make_shared<Target>(spool_directory)) {}

Result<> GatheredZone::finish() {
  walk_ = backend::walk_sorted(target_->sorter);
  return target_->sorter.finish();
}

Result<std::unique_ptr<GatheredZone>> GatheredZone::from(const sync::SourceSpec& source,
                                                         const dns::Name& apex,
                                                         const std::string& spool_directory,
                                                         const net::Trust& trust) {
  std::unique_ptr<GatheredZone> zone(new GatheredZone(spool_directory));
  sync::TransferRules rules;
  rules.apex = apex;
  Result<sync::TransferCounts> counts =
      Error{sync::reason::bad_source, sync::to_string(source) + " cannot be compared with in this version"};
  if (const auto* file = std::get_if<sync::FileSource>(&source)) {
    counts = sync::read_file(file->path, rules, *zone->target_).counts;
  } else if (const auto* primary = std::get_if<sync::AxfrSource>(&source)) {
    counts = transfer(primary->primary, rules, zone->target_, trust);
  }
  if (!counts) return counts.error();
  if (!zone->target_->has_soa) {
    return Error{sync::reason::soa_missing,
                 sync::to_string(source) + " has no SOA record of " + dns::to_string(apex) +
                     (counts->out_of_zone > 0 ? " (it has " + counts->first_out_of_zone + ")" : "")};
  }
  zone->out_of_zone_ = counts->out_of_zone;
  zone->first_out_of_zone_ = counts->first_out_of_zone;
  if (auto finished = zone->finish(); !finished) return finished.error();
  return zone;
}

Result<std::unique_ptr<GatheredZone>> GatheredZone::from(backend::NodeWalk& walk,
                                                         const std::string& spool_directory) {
  std::unique_ptr<GatheredZone> zone(new GatheredZone(spool_directory));
  backend::WalkedNode node;
  for (;;) {
    const auto more = walk.next(node);
    if (!more) return more.error();
    if (!*more) break;
    for (const backend::WalkedRecord& record : node.records) {
      const auto added = zone->target_->record({node.owner, record.type, record.ttl, record.rdata});
      if (!added) return added.error();
    }
  }
  if (auto finished = zone->finish(); !finished) return finished.error();
  return zone;
}

Result<dns::Name> zone_of_file(const std::string& path) {
  std::optional<dns::Name> apex;
  const auto read =
      sync::read_zone_file(path, dns::Name(), [&apex](const dns::RecordView& record) -> Result<> {
        if (record.type != dns::RRType::SOA) return {};
        apex = dns::Name(record.owner);
        return Error{"found", "no more is wanted"};
      });
  if (apex) return *apex;
  if (!read) return read.error();
  return Error{sync::reason::soa_missing,
               path + " has no SOA record, so it names no zone; name it with --zone"};
}

}  // namespace understudy::audit
