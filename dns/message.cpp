#include "dns/message.h"

namespace understudy::dns {

Header load_header(const std::uint8_t* m) {
  return {load16(m), load16(m + 2), load16(m + 4), load16(m + 6), load16(m + 8), load16(m + 10)};
}

void store_header(std::uint8_t* m, const Header& header) {
  store16(m, header.id);
  store16(m + 2, header.flags);
  store16(m + 4, header.questions);
  store16(m + 6, header.answers);
  store16(m + 8, header.authorities);
  store16(m + 10, header.additionals);
}

bool read_record_head(WireReader& reader, RecordHead& head) {
  if (!reader.name(head.owner)) return false;
  head.type = RRType{reader.u16()};
  head.rclass = RRClass{reader.u16()};
  head.ttl = reader.u32();
  head.rdlength = reader.u16();
  head.rdata_at = reader.position();
  return reader.ok() && head.rdlength <= reader.remaining();
}

namespace {

bool options_are_sound(Octets options) {
  while (!options.empty()) {
    if (options.size() < 4) return false;
    const std::size_t length = load16(options.data() + 2);
    if (options.size() < 4 + length) return false;
    options = options.subspan(4 + length);
  }
  return true;
}

// The serial of an SOA record at the reader, which is moved past the record.
std::optional<std::uint32_t> read_serial(WireReader& reader, const RecordHead& head) {
  std::optional<std::uint32_t> serial;
  if (head.type == RRType::SOA) {
    WireReader soa(reader.message().first(head.rdata_at + head.rdlength), head.rdata_at);
    soa.skip_name();
    soa.skip_name();
    const std::uint32_t value = soa.u32();
    if (soa.ok()) serial = value;
  }
  reader.skip(head.rdlength);
  return serial;
}

bool read_question(WireReader& reader, Query& query) {
  if (reader.remaining() == 0) return false;
  Question& question = query.question;
  // RFC 1035 4.1.4 lets only later names be compressed: there is nothing before the question to point to, and
  // a pointer into the header fails here because WireReader takes the header's octets as labels only if they
  // form a name.
  const std::size_t start = reader.position();
  if (!reader.name(question.name) || reader.position() - start != question.name.size()) return false;
  question.type = RRType{reader.u16()};
  question.qclass = RRClass{reader.u16()};
  if (!reader.ok()) return false;
  query.question_end = reader.position();
  return true;
}

QueryFault read_additional(WireReader& reader, bool last, Query& query) {
  const std::size_t start = reader.position();
  RecordHead head;
  if (!read_record_head(reader, head)) return QueryFault::formerr;
  if (head.type == RRType::OPT) {
    const Octets options = reader.octets(head.rdlength);
    // RFC 6891 6.1.1: one OPT only; 6.1.2: its owner is the root.
    if (query.edns || !head.owner.view().is_root() || !options_are_sound(options))
      return QueryFault::bad_edns;
    query.edns = Edns{static_cast<std::uint16_t>(head.rclass), static_cast<std::uint8_t>(head.ttl >> 24),
                      static_cast<std::uint8_t>(head.ttl >> 16), (head.ttl & 0x8000) != 0, options};
    return QueryFault::none;
  }
  if (head.type == RRType::TSIG) {
    // RFC 8945 5.2: the last record of the message, or FORMERR.
    if (!last) return QueryFault::formerr;
    query.tsig_at = start;
  }
  reader.skip(head.rdlength);
  return QueryFault::none;
}

}  // namespace

QueryFault parse_query(Octets message, Query& query) {
  if (message.size() < header_octets) return QueryFault::ignore;
  query.header = load_header(message.data());
  query.question_end = header_octets;
  query.edns.reset();
  query.tsig_at = 0;
  query.serial.reset();
  const Header& header = query.header;
  if (header.is_response()) return QueryFault::ignore;
  // RFC 9619: exactly one question in a query. NOTIFY (RFC 1996 3.7) has one as well. Of other opcodes
  // nothing but the header is understood; the pipeline answers NOTIMP.
  if (header.opcode() != Opcode::query && header.opcode() != Opcode::notify) return QueryFault::none;
  const bool asks = header.questions != 0;
  if (header.questions > 1 || (!asks && header.opcode() != Opcode::query)) return QueryFault::formerr;
  WireReader reader(message, header_octets);
  if (asks && !read_question(reader, query)) return QueryFault::formerr;
  for (unsigned i = 0; i < unsigned{header.answers} + header.authorities; ++i) {
    RecordHead head;
    if (!read_record_head(reader, head)) return QueryFault::formerr;
    // RFC 8945 5.2: nowhere but in the additional section.
    if (head.type == RRType::TSIG) return QueryFault::formerr;
    const auto serial = read_serial(reader, head);
    if (serial && !query.serial) query.serial = serial;
  }
  for (unsigned i = 0; i < header.additionals; ++i) {
    const QueryFault fault = read_additional(reader, i + 1 == header.additionals, query);
    if (fault != QueryFault::none) return fault;
  }
  if (reader.remaining() != 0) return QueryFault::formerr;
  return asks ? QueryFault::none : QueryFault::no_question;
}

}  // namespace understudy::dns
