#include "backend/node_block.h"

#include "backend/node_format.h"

namespace understudy::backend {

using namespace node_format;

RRsetView::RRsetView(RRType type, Octets octets)
    : type_(type),
      ttl_(dns::load32(octets.data())),
      count_(dns::load16(octets.data() + rr_count_at)),
      signature_count_(dns::load16(octets.data() + signature_count_at)),
      patch_count_(dns::load16(octets.data() + patch_count_at)),
      patches_(octets.data() + rrset_head_octets) {
  const std::size_t rrs_at = rrset_head_octets + patch_octets * patch_count_;
  const std::size_t rrs_size = dns::load16(octets.data() + rrs_octets_at);
  rrs_ = octets.subspan(rrs_at, rrs_size);
  if (signature_count_ != 0) {
    signature_ttl_ = dns::load32(octets.data() + rrs_at + rrs_size);
    signatures_ = octets.subspan(rrs_at + rrs_size + signature_ttl_octets);
  }
}

unsigned RRsetView::longest_suffix() const {
  unsigned longest = 0;
  for (unsigned i = 0; i < patch_count_; ++i) longest = std::max<unsigned>(longest, patch(i).suffix_size);
  return longest;
}

std::size_t expand_rr(const RRsetView& rrset, std::size_t place, NameView owner, std::uint8_t* out) {
  const std::uint8_t* const rrs = rrset.rrs().data();
  std::size_t at = place + 2;
  const std::size_t end = at + dns::load16(rrs + place);
  std::size_t size = 0;
  const auto copy = [&](const std::uint8_t* from, std::size_t count) {
    std::memcpy(out + size, from, count);
    size += count;
  };
  for (unsigned i = 0; i < rrset.patch_count(); ++i) {
    const RRsetView::Patch patch = rrset.patch(i);
    if (patch.place < at) continue;
    if (patch.place >= end) break;
    copy(rrs + at, patch.place - at);
    copy(owner.data() + owner.size() - patch.suffix_size, patch.suffix_size);
    at = patch.place + pointer_octets;
  }
  copy(rrs + at, end - at);
  return size;
}

std::vector<std::vector<std::uint8_t>> RRsetView::expand(NameView owner) const {
  std::vector<std::vector<std::uint8_t>> out;
  out.reserve(count_);
  std::size_t place = 0;
  for (unsigned i = 0; i < count_; ++i) {
    const std::size_t stored = dns::load16(rrs_.data() + place);
    std::vector<std::uint8_t> rdata(stored + 2 * limits::name_octets);
    rdata.resize(expand_rr(*this, place, owner, rdata.data()));
    out.push_back(std::move(rdata));
    place += 2 + stored;
  }
  return out;
}

std::optional<NameView> NodeView::owner_case() const {
  if (!has(node_flag::owner_case)) return std::nullopt;
  return NameView::parse(block_.subspan(head_octets));
}

const std::uint8_t* NodeView::directory() const {
  const std::uint8_t* at = block_.data() + head_octets;
  if (has(node_flag::owner_case)) [[unlikely]] {
    while (*at != 0) at += 1 + *at;
    ++at;
  }
  return at;
}

RRsetView NodeView::rrset(unsigned i) const {
  const std::uint8_t* entry = directory() + directory_entry_octets * i;
  const std::size_t begin = dns::load32(entry + 2);
  const std::size_t end =
      i + 1 < rrset_count() ? dns::load32(entry + directory_entry_octets + 2) : block_.size();
  return RRsetView(RRType{dns::load16(entry)}, block_.subspan(begin, end - begin));
}

std::optional<RRsetView> NodeView::find(RRType type) const {
  const unsigned count = rrset_count();
  const std::uint8_t* entry = directory();
  for (unsigned i = 0; i < count; ++i, entry += directory_entry_octets) {
    if (dns::load16(entry) == static_cast<std::uint16_t>(type)) return rrset(i);
  }
  return std::nullopt;
}

}  // namespace understudy::backend
