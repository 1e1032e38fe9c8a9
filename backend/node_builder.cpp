#include <algorithm>

#include "backend/content_digest.h"
#include "backend/node_block.h"
#include "backend/node_format.h"
#include "backend/reasons.h"
#include "dns/message.h"
#include "dns/rdata.h"

namespace understudy::backend {

using namespace node_format;

namespace {

void append16(std::vector<std::uint8_t>& out, std::size_t value) {
  out.resize(out.size() + 2);
  dns::store16(out.data() + out.size() - 2, static_cast<std::uint16_t>(value));
}

void append32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  out.resize(out.size() + 4);
  dns::store32(out.data() + out.size() - 4, value);
}

// The octets that `name` ends with and shares, case included, with `owner`: whole labels, root included.
std::size_t shared_suffix(NameView name, NameView owner) {
  // Steps the longer remainder until both are the same octets; the root ends every name, so it ends this
  // loop.
  for (;;) {
    if (name.size() == owner.size()) {
      if (std::memcmp(name.data(), owner.data(), name.size()) == 0) return name.size();
      name = name.parent();
      owner = owner.parent();
    } else if (name.size() > owner.size()) {
      name = name.parent();
    } else {
      owner = owner.parent();
    }
  }
}

}  // namespace

void NodeBuilder::begin(NameView owner) {
  owner_ = Name(owner);
  entries_.clear();
  arena_.clear();
}

void NodeBuilder::add(RRType type, std::uint32_t ttl, Octets rdata) {
  const bool signature = type == RRType::RRSIG;
  const RRType filed_under = signature ? RRType{dns::load16(rdata.data())} : type;
  entries_.push_back({filed_under, signature, ttl, static_cast<std::uint32_t>(arena_.size()),
                      static_cast<std::uint32_t>(rdata.size())});
  arena_.insert(arena_.end(), rdata.begin(), rdata.end());
}

bool NodeBuilder::has_type(RRType type) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& e) { return e.type == type && !e.signature; });
}

std::size_t NodeBuilder::drop_type(RRType type) {
  return std::erase_if(entries_, [&](const Entry& e) { return e.type == type; });
}

bool NodeBuilder::has_other_than_cname() const {
  return has_type(RRType::CNAME) && std::any_of(entries_.begin(), entries_.end(), [](const Entry& e) {
           return !e.signature && e.type != RRType::CNAME && e.type != RRType::NSEC;
         });
}

void NodeBuilder::sort_and_deduplicate() {
  std::vector<std::uint8_t>& scratch = scratch_;
  const auto rdata_type = [](const Entry& e) { return e.signature ? RRType::RRSIG : e.type; };
  const auto order = [&](const Entry& a, const Entry& b) {
    if (a.type != b.type) return a.type < b.type;
    if (a.signature != b.signature) return b.signature;
    return dns::canonical_rdata_order(rdata_type(a), rdata(a), rdata(b), scratch) < 0;
  };
  // Mostly they came in order, and sorting takes memory.
  if (!std::is_sorted(entries_.begin(), entries_.end(), order))
    std::stable_sort(entries_.begin(), entries_.end(), order);
  // Equal in canonical form is the same record twice, whatever its TTL: the first stays, the lowest TTL wins
  // below.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (kept > 0 && !order(entries_[kept - 1], entries_[i])) {
      entries_[kept - 1].ttl = std::min(entries_[kept - 1].ttl, entries_[i].ttl);
    } else {
      entries_[kept++] = entries_[i];
    }
  }
  entries_.resize(kept);
}

Result<> NodeBuilder::append_rrset(std::span<const Entry> rrset, ContentDigest* digest) {
  const RRType type = rrset.front().type;
  const NameView compress_against = owner_.view().is_wildcard() ? owner_.view().parent() : owner_.view();
  const auto too_large = [&] {
    return Error{reason::rrset_too_large, "the " + dns::to_string(type) + " RRset of " + to_string(owner_) +
                                              " does not fit into one message of 65535 octets"};
  };
  std::uint32_t ttl = UINT32_MAX, signature_ttl = UINT32_MAX;
  // With the longest question, its class and type, and the largest OPT.
  std::size_t count = 0, wire = dns::header_octets + limits::name_octets + 4 + limits::opt_octets;
  std::vector<std::uint8_t>& rrs = rrs_;
  std::vector<std::uint8_t>& patches = patches_;
  rrs.clear();
  patches.clear();
  std::size_t patch_count = 0;
  for (const Entry& e : rrset) {
    wire += 12 + e.rdata_size;
    if (e.signature) {
      signature_ttl = std::min(signature_ttl, e.ttl);
      continue;
    }
    ++count;
    ttl = std::min(ttl, e.ttl);
    const Octets data = rdata(e);
    const std::size_t length_at = rrs.size();
    append16(rrs, 0);
    std::size_t copied = 0;
    for (const dns::RdataName& found : dns::names_in(type, data)) {
      if (!found.compressible) continue;
      const std::size_t suffix = shared_suffix(found.name, compress_against);
      if (suffix <= pointer_octets) continue;
      const std::size_t literal_end = found.offset + found.name.size() - suffix;
      rrs.insert(rrs.end(), data.begin() + copied, data.begin() + literal_end);
      append16(patches, rrs.size());
      patches.push_back(static_cast<std::uint8_t>(suffix));
      ++patch_count;
      append16(rrs, 0);
      copied = found.offset + found.name.size();
    }
    rrs.insert(rrs.end(), data.begin() + copied, data.end());
    dns::store16(rrs.data() + length_at, static_cast<std::uint16_t>(rrs.size() - length_at - 2));
    if (rrs.size() > limits::message_octets) return too_large();
  }
  if (wire > limits::message_octets) return too_large();
  const std::size_t signatures = rrset.size() - count;
  if (digest != nullptr && type != RRType::SOA) {
    for (const Entry& e : rrset) {
      digest->add({owner_, e.signature ? RRType::RRSIG : type, e.signature ? signature_ttl : ttl, rdata(e)});
    }
  }
  append32(block_, count != 0 ? ttl : signature_ttl);
  append16(block_, count);
  append16(block_, signatures);
  append16(block_, patch_count);
  append16(block_, rrs.size());
  block_.insert(block_.end(), patches.begin(), patches.end());
  block_.insert(block_.end(), rrs.begin(), rrs.end());
  if (signatures == 0) return {};
  append32(block_, signature_ttl);
  for (const Entry& e : rrset) {
    if (!e.signature) continue;
    append16(block_, e.rdata_size);
    block_.insert(block_.end(), rdata(e).begin(), rdata(e).end());
  }
  return {};
}

Result<Octets> NodeBuilder::finish(std::uint8_t flags, unsigned cover_labels, ContentDigest* digest) {
  sort_and_deduplicate();
  if (has_other_than_cname()) {
    return Error{reason::cname_and_other_data,
                 to_string(owner_) + " has a CNAME beside other records; it must stand alone"};
  }
  if (std::count_if(entries_.begin(), entries_.end(),
                    [](const Entry& e) { return !e.signature && e.type == RRType::CNAME; }) > 1) {
    return Error{reason::cname_and_other_data, to_string(owner_) + " has more than one CNAME"};
  }
  block_.clear();
  const bool keep_case = owner_.view().has_upper_case();
  block_.push_back(static_cast<std::uint8_t>(flags | (keep_case ? node_flag::owner_case : 0)));
  block_.push_back(static_cast<std::uint8_t>(cover_labels));
  std::size_t count = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    count += i == 0 || entries_[i].type != entries_[i - 1].type;
  append16(block_, count);
  if (keep_case) block_.insert(block_.end(), owner_.data(), owner_.data() + owner_.size());
  std::size_t directory = block_.size();
  block_.resize(directory + count * directory_entry_octets);
  for (std::size_t i = 0; i < entries_.size();) {
    std::size_t end = i + 1;
    while (end < entries_.size() && entries_[end].type == entries_[i].type) ++end;
    dns::store16(block_.data() + directory, static_cast<std::uint16_t>(entries_[i].type));
    dns::store32(block_.data() + directory + 2, static_cast<std::uint32_t>(block_.size()));
    directory += directory_entry_octets;
    if (auto made = append_rrset(std::span(entries_).subspan(i, end - i), digest); !made) return made.error();
    i = end;
  }
  return Octets(block_);
}

}  // namespace understudy::backend
