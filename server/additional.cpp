#include "server/additional.h"

namespace understudy::server {

void Additional::add_glue(const RRsetView& servers, std::size_t entry, NameView cut) {
  add_names(servers, entry, 0, &cut);
}

void Additional::add_targets(const RRsetView& rrset, std::size_t entry, NameView owner) {
  switch (rrset.type()) {
    case RRType::NS:
      if (!in_.minimal) add_names(rrset, entry, 0, nullptr);
      break;
    case RRType::MX:
      if (!in_.minimal) add_names(rrset, entry, 2, nullptr);
      break;
    case RRType::SRV:
      if (in_.minimal) break;
      [[fallthrough]];
    case RRType::SVCB:
    case RRType::HTTPS:
      for (Octets rrs = rrset.rrs(); !rrs.empty();) {
        const std::size_t size = dns::load16(rrs.data());
        add_service(rrs.subspan(2, size), rrset.type(), owner);
        rrs = rrs.subspan(2 + size);
      }
      break;
    default:
      break;
  }
}

// `name_at`: where in each RDATA the name stands. `cut`: the RRset refers to there.
void Additional::add_names(const RRsetView& rrset, std::size_t entry, std::uint8_t name_at,
                           const NameView* cut) {
  std::array<std::uint8_t, 2 * limits::name_octets> rdata;
  std::size_t place = 0;
  for (unsigned i = 0; i < rrset.size(); ++i) {
    const std::size_t size = backend::expand_rr(rrset, place, answer_[entry].context, rdata.data());
    const NameView target = NameView::unchecked(rdata.data() + name_at, size - name_at);
    add_types(target, {RRType::A, RRType::AAAA}, written_as(entry, place, name_at), cut);
    place += 2 + std::size_t{dns::load16(rrset.rrs().data() + place)};
  }
}

// SRV, SVCB and HTTPS hold their target whole, so that it can be borrowed from the mirror.
void Additional::add_service(Octets rdata, RRType type, NameView owner) {
  const bool is_srv = type == RRType::SRV;
  NameView target = *NameView::parse(rdata.subspan(is_srv ? 6 : 2));
  const bool is_alias = !is_srv && dns::load16(rdata.data()) == 0;
  if (target.is_root()) {
    // RFC 2782: no service. RFC 9460 2.5: in AliasMode likewise, in ServiceMode the owner itself.
    if (is_srv || is_alias) return;
    target = owner;
  }
  const AnswerEntry as = written_as(target);
  if (is_alias) add_types(target, {type}, as, nullptr);
  add_types(target, {RRType::A, RRType::AAAA}, as, nullptr);
}

AnswerEntry Additional::written_as(std::size_t entry, std::size_t place, std::uint8_t name_at) const {
  AnswerEntry as;
  as.owner_kind = AnswerEntry::Owner::rdata_name;
  as.entry = static_cast<std::uint16_t>(entry);
  as.place = static_cast<std::uint16_t>(place);
  as.name_at = name_at;
  return as;
}

AnswerEntry Additional::written_as(NameView owner) {
  AnswerEntry as;
  as.owner_kind = AnswerEntry::Owner::literal;
  as.owner = as.context = owner;
  return as;
}

bool Additional::is_there(const RRsetView& rrset) const {
  for (std::size_t i = 0; i < answer_.size(); ++i) {
    if (answer_[i].rrset.rrs().data() == rrset.rrs().data()) return true;
  }
  return false;
}

void Additional::add_types(NameView target, std::initializer_list<RRType> types, const AnswerEntry& as,
                           const NameView* cut) {
  if (!target.is_at_or_below(in_.apex)) return;
  key_.assign(target);
  backend::FoundNode found;
  if (!in_.reader.find_exact(in_.generation, key_, key_.size(), found)) return;
  const bool required = cut != nullptr && target.is_at_or_below(*cut);
  for (const RRType type : types) {
    const auto rrset = found.node.find(type);
    if (!rrset || rrset->size() == 0) continue;
    // Servers of a referral are all different (the same record twice is stored once); targets need not be.
    if (cut == nullptr && is_there(*rrset)) continue;
    AnswerEntry* const entry = answer_.add(Section::additional);
    if (entry == nullptr) return;
    *entry = as;
    entry->section = Section::additional;
    entry->rrset = *rrset;
    entry->required = required;
    // Glue is not authoritative and so not signed; an authoritative address may be.
    entry->with_signatures = in_.dnssec_ok && rrset->signature_count() != 0;
  }
}

}  // namespace understudy::server
