#include "sync/rollback.h"

#include <algorithm>

#include "backend/differences.h"
#include "backend/key_order.h"
#include "backend/version_walk.h"
#include "dns/serial.h"
#include "sync/increment.h"
#include "sync/reasons.h"

namespace understudy::sync {
namespace {

using backend::WalkedNode;
using backend::WalkedRecord;
using dns::RRType;

// So much of a history is read to be taken back, however small the zone.
constexpr std::uint64_t fewest_read = 10'000;

// RFC 4034 3.1.5: 32 bits of seconds that wrap, the instant that is nearest to now.
UnixTime end_of(const WalkedRecord& signature, UnixTime now) {
  const std::uint32_t end = dns::load32(signature.rdata.data() + 8);
  return now + static_cast<std::int32_t>(end - static_cast<std::uint32_t>(now));
}

// A type at the apex that is signed, and no signature of it holds any more.
bool has_ended(const WalkedNode& apex, RRType type, UnixTime now) {
  bool is_signed = false;
  for (const WalkedRecord& record : apex.records) {
    if (record.type != RRType::RRSIG || RRType{dns::load16(record.rdata.data())} != type) continue;
    is_signed = true;
    if (end_of(record, now) >= now) return false;
  }
  return is_signed;
}

// Whether validating resolvers would still take it; `apex` is its first node.
Result<> check_signatures(const OlderVersion& older, const WalkedNode& apex) {
  for (const RRType type : {RRType::SOA, RRType::DNSKEY}) {
    if (older.allow_ended || !has_ended(apex, type, older.now)) continue;
    return Error{
        reason::signature_ended,
        "the signature of its " + dns::to_string(type) +
            " has ended, so that validating resolvers would refuse it; --force serves it all the same"};
  }
  return {};
}

// Its records into `whole`, or (null) no more than the checks of it. What is asked of the apex comes first.
Result<> read_back(const OlderVersion& older, backend::Reader& reader, RecordTarget* whole) {
  const auto walk = backend::walk_version(reader, older.live, older.version);
  if (!walk) return walk.error();
  WalkedNode node;
  for (bool first = true;; first = false) {
    const Result<bool> more = (*walk)->next(node);
    if (!more) return more.error();
    if (!*more) return {};
    if (first) {
      if (auto checked = check_signatures(older, node); !checked) return checked;
    }
    if (whole == nullptr) return {};
    for (const WalkedRecord& record : node.records) {
      if (auto taken = whole->record({node.owner, record.type, record.ttl, record.rdata}); !taken)
        return taken;
    }
  }
}

// What came since goes, and then what went comes: an RR whose TTL changed is the same RR to an editor. The
// SOA takes the place of the one that is there, with `serial`.
Result<> take_back(const backend::Difference& since, std::uint32_t serial, backend::ZoneEditor& editor) {
  backend::ChunkExpander expander;
  std::vector<std::uint8_t> soa;
  for (const bool adding : {false, true}) {
    backend::ChangeCursor changes = since.read();
    for (;;) {
      const Result<bool> more = changes.advance(expander);
      if (!more) return more.error();
      if (!*more) break;
      const backend::ChangedRecord& change = changes.current();
      if (change.added == adding || (!adding && change.record.type == RRType::SOA)) continue;
      dns::RecordView record = change.record;
      if (record.type == RRType::SOA) {
        soa.assign(record.rdata.begin(), record.rdata.end());
        dns::store32(soa.data() + soa.size() - 20, serial);
        record.rdata = soa;
      }
      if (auto taken = editor.edit(adding, record); !taken) return taken;
    }
  }
  return {};
}

// Whether something of the version that these nodes make says what its SOA was.
bool signs_soa(const backend::EditedZone& edited, const dns::Name& apex) {
  const dns::NameKey key(apex);
  const auto node = std::ranges::find_if(
      edited.nodes, [&](const backend::StoredNode& n) { return backend::order(n.key, key.octets()) == 0; });
  if (node == edited.nodes.end()) return true;  // a serial that was raised is in there
  const backend::NodeView view(node->block);
  const auto soa = view.find(RRType::SOA);
  return !soa || soa->signature_count() != 0 || view.find(RRType::ZONEMD);
}

// Nothing where the older version is not to be had in this way; then reading it back tells more.
std::optional<BuiltZone> edit_back(const OlderVersion& older, backend::Reader& reader) {
  const auto row = reader.version(older.live.id, older.version);
  const auto since =
      backend::difference_since(reader, older.live, older.version, std::max(older.live.records, fewest_read));
  if (!row || !since || !*since) return std::nullopt;
  const bool raised =
      older.raise_serial && !dns::Serial(row->serial).is_newer_than(dns::Serial(older.live.serial));
  const std::uint32_t serial = raised ? older.live.serial + 1 : row->serial;
  backend::ZoneEditor editor(older.options, older.live);
  if (!take_back(**since, serial, editor)) return std::nullopt;
  auto edited = editor.finish(reader);
  if (!edited || !*edited) return std::nullopt;
  const backend::BuildSummary& summary = (*edited)->summary;
  const bool the_same = summary.digest == row->digest && summary.serial == serial &&
                        summary.records == row->records && summary.nodes == row->nodes;
  if (!the_same || (raised && signs_soa(**edited, older.options.apex))) return std::nullopt;
  BuiltZone built = patch_of(std::move(**edited), older.live);
  built.source_serial = row->serial;
  return built;
}

}  // namespace

Result<std::optional<BuiltZone>> restore(const OlderVersion& older, backend::Mirror& mirror,
                                         ZoneBuild& whole) {
  const auto reader = mirror.reader();
  if (!reader) return reader.error();
  if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
  if (older.version > older.live.version) {
    return Error{reason::version_unknown,
                 "version " + std::to_string(older.version) +
                     " was never served; `understudy history` lists those that were"};
  }
  if (!older.anew) {
    if (auto checked = read_back(older, **reader, nullptr); !checked) return checked.error();
    if (auto patch = edit_back(older, **reader)) return patch;
    if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
  }
  if (auto read = read_back(older, **reader, &whole); !read) return read.error();
  return std::optional<BuiltZone>();
}

}  // namespace understudy::sync
