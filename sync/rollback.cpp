#include "sync/rollback.h"

#include "backend/version_walk.h"
#include "sync/reasons.h"

namespace understudy::sync {
namespace {

using backend::WalkedNode;
using backend::WalkedRecord;
using dns::RRType;

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

}  // namespace

Result<> read_back(const OlderVersion& older, backend::Mirror& mirror, RecordTarget& target) {
  const auto reader = mirror.reader();
  if (!reader) return reader.error();
  if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
  if (older.version > older.live.version) {
    return Error{"version-unknown", "version " + std::to_string(older.version) +
                                        " was never served; `understudy history` lists those that were"};
  }
  const auto walk = backend::walk_version(**reader, older.live, older.version);
  if (!walk) return walk.error();
  WalkedNode node;
  for (;;) {
    const Result<bool> more = (*walk)->next(node);
    if (!more) return more.error();
    if (!*more) return {};
    if (!older.allow_ended && node.owner.equals(older.apex)) {
      for (const RRType type : {RRType::SOA, RRType::DNSKEY}) {
        if (!has_ended(node, type, older.now)) continue;
        return Error{
            reason::signature_ended,
            "the signature of its " + dns::to_string(type) +
                " has ended, so that validating resolvers would refuse it; --force serves it all the same"};
      }
    }
    for (const WalkedRecord& record : node.records) {
      if (auto taken = target.record({node.owner, record.type, record.ttl, record.rdata}); !taken)
        return taken;
    }
  }
}

}  // namespace understudy::sync
