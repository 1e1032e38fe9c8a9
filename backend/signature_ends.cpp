#include "backend/signature_ends.h"

#include "backend/change_cursor.h"

namespace understudy::backend {
namespace {

constexpr std::uint32_t day_seconds = 86400;
constexpr std::size_t end_at = 8;  // RFC 4034 3.1: type covered, algorithm, labels and original TTL before it

UnixTime nearest(std::uint32_t end, UnixTime now) {
  return now + static_cast<std::int32_t>(end - static_cast<std::uint32_t>(now));
}

}  // namespace

void SignatureEnds::add(std::uint32_t end) {
  Day& day = days_[end / day_seconds];
  if (day.count++ == 0 || end < day.first) day.first = end;
}

void SignatureEnds::remove(std::uint32_t end) {
  const auto day = days_.find(end / day_seconds);
  if (day != days_.end() && --day->second.count == 0) days_.erase(day);
}

void SignatureEnds::apply(const SignatureChange& change) {
  // First what came: a day that is resigned within itself keeps its place.
  for (const std::uint32_t end : change.came) add(end);
  for (const std::uint32_t end : change.went) remove(end);
}

UnixTime SignatureEnds::first(UnixTime now) const {
  UnixTime first = 0;
  for (const auto& [number, day] : days_) {
    const UnixTime end = nearest(day.first, now);
    if (first == 0 || end < first) first = end;
  }
  return first;
}

SignatureEnds count_signatures(Reader& reader, Generation generation) {
  SignatureEnds ends;
  FoundNode found;
  for (bool more = reader.seek(generation, {}, found); more; more = reader.next(found)) {
    for (unsigned i = 0; i < found.node.rrset_count(); ++i) {
      Octets rest = found.node.rrset(i).signatures();
      while (rest.size() > 2) {
        const Octets rdata = rest.subspan(2, dns::load16(rest.data()));
        ends.add(dns::load32(rdata.data() + end_at));
        rest = rest.subspan(2 + rdata.size());
      }
    }
  }
  return ends;
}

Result<SignatureChange> signatures_in(const Change& change) {
  SignatureChange found;
  ChangeCursor cursor([&change](std::uint32_t chunk) { return Octets(change.chunks[chunk - 1]); },
                      static_cast<std::uint32_t>(change.chunks.size()));
  ChunkExpander expander;
  for (;;) {
    const Result<bool> more = cursor.advance(expander);
    if (!more) return more.error();
    if (!*more) return found;
    const ChangedRecord& changed = cursor.current();
    if (changed.record.type != RRType::RRSIG) continue;
    (changed.added ? found.came : found.went).push_back(dns::load32(changed.record.rdata.data() + end_at));
  }
}

}  // namespace understudy::backend
