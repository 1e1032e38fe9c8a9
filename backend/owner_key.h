// Under which key a record is stored: its owner's name key, but the NSEC3s of a zone (and their RRSIGs) stand
// in order of their hashes right behind the apex. So they are no names of the zone (RFC 5155 7.2.8), a hash
// is found with one seek, and a walk over the zone comes by them all the same.
#pragma once

#include "dns/name_key.h"
#include "dns/record.h"

namespace understudy::backend {

inline void assign_owner_key(dns::NameKey& key, const dns::RecordView& record) {
  const dns::RRType type =
      record.type == dns::RRType::RRSIG ? dns::RRType{dns::load16(record.rdata.data())} : record.type;
  if (type == dns::RRType::NSEC3 && !record.owner.is_root()) {
    if (const auto hash = dns::nsec3_hash_of_label(record.owner.first_label())) {
      key.assign(record.owner.parent());
      key.append_nsec3(*hash);
      return;
    }
  }
  key.assign(record.owner);
}

}  // namespace understudy::backend
