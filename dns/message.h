// Messages: the header, the question, EDNS, and the walk over records.
//
// A query is parsed by parse_query (strict, no heap, the order of checks that the server wants); any other
// message is walked with RecordWalker. All views point into the message.
#pragma once

#include "dns/types.h"
#include "dns/wire_reader.h"

namespace understudy::dns {

inline constexpr std::size_t header_octets = 12;

// The header's second 16 bits.
namespace flag {
inline constexpr std::uint16_t qr = 0x8000, aa = 0x0400, tc = 0x0200, rd = 0x0100, ra = 0x0080, ad = 0x0020,
                               cd = 0x0010;
}

struct Header {
  std::uint16_t id = 0, flags = 0, questions = 0, answers = 0, authorities = 0, additionals = 0;

  bool is_response() const { return (flags & flag::qr) != 0; }
  Opcode opcode() const { return Opcode{static_cast<std::uint8_t>((flags >> 11) & 15)}; }
  // Without the upper bits that EDNS carries.
  Rcode rcode() const { return Rcode{static_cast<std::uint16_t>(flags & 15)}; }
};

// The caller has checked that there are 12 octets.
Header load_header(const std::uint8_t* message);
void store_header(std::uint8_t* message, const Header& header);

struct Edns {
  std::uint16_t udp_size = 0;
  std::uint8_t extended_rcode = 0;
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  Octets options;  // undecoded
};

struct Question {
  Name name;
  RRType type{};
  RRClass qclass{};
};

// What stands in front of a record's data.
struct RecordHead {
  Name owner;
  RRType type{};
  RRClass rclass{};
  std::uint32_t ttl = 0;
  std::uint16_t rdlength = 0;
  std::size_t rdata_at = 0;  // in the message
};

// Reads one record's head and leaves the reader at its data; false where the message ends too early.
bool read_record_head(WireReader& reader, RecordHead& head);

struct Query {
  Header header;
  Question question;
  std::size_t question_end = 0;  // offset of the octet after the question
  std::optional<Edns> edns;
  std::size_t tsig_at = 0;  // offset of the TSIG record, 0 where there is none
  // For IXFR: the serial in the SOA of the authority section (RFC 1995 3). For NOTIFY: the SOA of the answer
  // section.
  std::optional<std::uint32_t> serial;
};

enum class QueryFault {
  none,
  ignore,       // no header, or a response: nothing to answer (RFC 8906 3; answering a response could loop)
  formerr,      // answered with FORMERR; `header` and, where it was readable, `question` are set
  no_question,  // nothing wrong but that there is no question: good for a DNS cookie only (RFC 7873 5.4)
  bad_edns,     // FORMERR because of EDNS: two OPT records, or an OPT that is malformed (RFC 6891 6.1.1)
};

// Everything that can be said of a query before any zone is asked.
QueryFault parse_query(Octets message, Query& query);

}  // namespace understudy::dns
