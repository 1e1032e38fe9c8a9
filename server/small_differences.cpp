#include "server/small_differences.h"

#include "backend/node_format.h"
#include "dns/serial.h"

namespace understudy::server {

using backend::ChunkReader;
using backend::Version;
namespace format = backend::node_format;

bool SmallDifferences::read(Octets chunk) {
  const auto size = expander_.expand_into(chunk, std::span(plain_).subspan(plain_used_));
  if (!size) return false;
  steps_[step_count_++] = {plain_used_, *size};
  plain_used_ += *size;
  return true;
}

SmallDifferences::Soas SmallDifferences::soas_of(Octets plain) {
  Soas soas;
  ChunkReader reader(plain);
  while (const auto change = reader.next()) {
    if (change->record.type != RRType::SOA) continue;
    (change->added ? soas.after : soas.before) = change->record;
    if (soas.before && soas.after) break;
  }
  return soas;
}

// As a node block has it (node_format.h), with names whole.
bool SmallDifferences::put(const dns::RecordView& record, Answer& answer) {
  const std::size_t rrs_size = 2 + record.rdata.size(), size = format::rrset_head_octets + rrs_size;
  if (blocks_.size() - blocks_used_ < size) return false;
  std::uint8_t* const block = blocks_.data() + blocks_used_;
  blocks_used_ += size;
  std::memset(block, 0, format::rrset_head_octets);
  dns::store32(block, record.ttl);
  dns::store16(block + format::rr_count_at, 1);
  dns::store16(block + format::rrs_octets_at, static_cast<std::uint16_t>(rrs_size));
  dns::store16(block + format::rrset_head_octets, static_cast<std::uint16_t>(record.rdata.size()));
  if (!record.rdata.empty())
    std::memcpy(block + format::rrset_head_octets + 2, record.rdata.data(), record.rdata.size());
  AnswerEntry* const entry = answer.add(Section::answer);
  if (entry == nullptr) return false;
  entry->owner_kind = AnswerEntry::Owner::literal;
  entry->owner = entry->context = record.owner;
  entry->rrset = RRsetView(record.type, {block, size});
  return true;
}

bool SmallDifferences::put_all(Octets plain, bool added, Answer& answer) {
  ChunkReader reader(plain);
  while (const auto change = reader.next()) {
    if (change->added != added || change->record.type == RRType::SOA) continue;
    if (!put(change->record, answer)) return false;
  }
  return !reader.failed();
}

bool SmallDifferences::add(backend::Reader& reader, backend::ZoneId zone, Version live, std::uint32_t since,
                           Answer& answer) {
  step_count_ = plain_used_ = blocks_used_ = 0;
  const AnswerEntry soa = answer[0];
  std::uint32_t serial = dns::Soa::of(soa.rrset.first_rdata()).serial;
  for (Version version = live; serial != since; --version) {
    if (version == 0 || step_count_ == most_versions) return false;
    // Without a chunk the version is kept whole, or is the first; with two it is too large.
    const Octets chunk = reader.change_chunk(zone, version, 1);
    if (chunk.empty() || !reader.change_chunk(zone, version, 2).empty() || !read(chunk)) return false;
    const Soas soas = soas_of(plain(steps_[step_count_ - 1]));
    if (!soas.before || !soas.after || dns::Soa::of(soas.after->rdata).serial != serial) return false;
    const dns::Serial before(dns::Soa::of(soas.before->rdata).serial);
    if (!dns::Serial(serial).is_newer_than(before)) return false;
    serial = before.value();
  }
  bool whole = true;
  for (std::size_t i = step_count_; whole && i-- > 0;) {
    const Octets step = plain(steps_[i]);
    const Soas soas = soas_of(step);
    whole = put(*soas.before, answer) && put_all(step, false, answer) && put(*soas.after, answer) &&
            put_all(step, true, answer);
  }
  AnswerEntry* const last = whole ? answer.add(Section::answer) : nullptr;
  if (last != nullptr) {
    *last = soa;
    return true;
  }
  answer.only(soa);
  return false;
}

}  // namespace understudy::server
