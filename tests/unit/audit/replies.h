// Responses made by hand from text, for the tests of this room.
#pragma once

#include "audit/normal_answer.h"
#include "support/message.h"

namespace understudy::test {

struct Reply {
  unsigned rcode = 0;
  std::string answer = {}, authority = {}, additional = {};  // records, one a line
  bool aa = true;
  bool tc = false;
};

inline void append_records(Bytes& out, const std::vector<Rr>& records) {
  for (const Rr& record : records) {
    append_name(out, record.owner);
    append16(out, record.type);
    append16(out, 1);
    append32(out, record.ttl);
    append16(out, static_cast<std::uint16_t>(record.rdata.size()));
    out.insert(out.end(), record.rdata.begin(), record.rdata.end());
  }
}

inline Bytes response(std::string_view qname, std::string_view qtype, const Reply& reply) {
  const std::vector<Rr> answer = rrs(reply.answer), authority = rrs(reply.authority),
                        additional = rrs(reply.additional);
  const auto flags = static_cast<std::uint16_t>(0x8000u | (reply.aa ? 0x0400u : 0u) |
                                                (reply.tc ? 0x0200u : 0u) | reply.rcode);
  Bytes out =
      header(7, flags, 1, static_cast<std::uint16_t>(answer.size()),
             static_cast<std::uint16_t>(authority.size()), static_cast<std::uint16_t>(additional.size()));
  append_name(out, name(qname));
  append16(out, type_of(qtype));
  append16(out, 1);
  append_records(out, answer);
  append_records(out, authority);
  append_records(out, additional);
  return out;
}

inline dns::Name product_name(std::string_view text) {
  Bytes wire;
  append_name(wire, name(text));
  return dns::Name(dns::NameView::parse(wire).value());
}

inline audit::Question question(std::string_view qname, std::string_view qtype, bool random_label = false) {
  return {product_name(qname), dns::RRType{type_of(qtype)}, random_label, false, product_name(qname)};
}

inline audit::NormalAnswer normal(std::string_view qname, std::string_view qtype, const Reply& reply) {
  return audit::normalise(product_name("example."), question(qname, qtype), response(qname, qtype, reply));
}

}  // namespace understudy::test
