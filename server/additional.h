// What goes into the additional section: addresses of the names that an RRset speaks of, as far as this zone
// has them. Belongs to one answer; no heap.
#pragma once

#include "server/answerer.h"

namespace understudy::server {

class Additional {
 public:
  Additional(const AnswererInput& input, Answer& answer) : in_(input), answer_(answer) {}

  // For a referral: the servers' addresses. RFC 9471 3.1: those below the cut are required. `servers` is
  // entry number `entry`, which has its `context`.
  void add_glue(const RRsetView& servers, std::size_t entry, NameView cut);
  // For the answer that is entry number `entry`, of `owner`: RFC 1035 3.3.9 and 3.3.11 (MX, NS), RFC 2782
  // (SRV), unless answers are to be minimal; RFC 9460 4.1 (SVCB, HTTPS). Nothing of this is required.
  void add_targets(const RRsetView& rrset, std::size_t entry, NameView owner);

 private:
  // How the entries of one target are written.
  AnswerEntry written_as(std::size_t entry, std::size_t place, std::uint8_t name_at) const;
  static AnswerEntry written_as(NameView owner);
  void add_names(const RRsetView& rrset, std::size_t entry, std::uint8_t name_at, const NameView* cut);
  void add_service(Octets rdata, RRType type, NameView owner);
  void add_types(NameView target, std::initializer_list<RRType> types, const AnswerEntry& as,
                 const NameView* cut);
  bool is_there(const RRsetView& rrset) const;

  const AnswererInput& in_;
  Answer& answer_;
  dns::NameKey key_;
};

}  // namespace understudy::server
