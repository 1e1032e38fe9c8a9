// Queries made and responses taken apart, for tests, without any code of the product.
//
// decode() is strict: whatever RFC 1035 does not allow on the wire (a pointer that does not lead backwards,
// octets after the last record, a compressed name in a type that may not have one) throws std::runtime_error.
#pragma once

#include <optional>

#include "support/plain_dns.h"

namespace understudy::test {

struct Query {
  Labels name;
  std::uint16_t type = test::type::A;
  std::uint16_t qclass = 1;
  std::uint16_t id = 0x4d2;
  std::uint16_t flags = 0;  // the header's second 16 bits
  bool edns = false;
  std::uint16_t udp_size = 1232;
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  Bytes options = {};  // of EDNS, encoded
};
Bytes encode(const Query& query);
// The header only: for messages that are made by hand.
Bytes header(std::uint16_t id, std::uint16_t flags, std::uint16_t questions, std::uint16_t answers,
             std::uint16_t authorities, std::uint16_t additionals);

struct Question {
  Labels name;
  std::uint16_t type = 0, qclass = 0;
};
struct Opt {
  std::uint16_t udp_size = 0;
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  std::uint16_t zero_bits = 0;  // the Z field of RFC 6891 6.1.3
  Bytes options;
};

// RFC 8945 4.2.
struct Tsig {
  Labels key, algorithm;
  std::uint64_t time = 0;
  std::uint16_t fudge = 0;
  Bytes mac;
  std::uint16_t original_id = 0, error = 0;
  Bytes other;
  std::size_t at = 0;  // where the record begins
};

struct Message {
  std::uint16_t id = 0, flags = 0;
  unsigned rcode = 0;  // with the upper bits of EDNS
  std::vector<Question> questions;
  std::vector<Rr> answer, authority, additional;  // OPT and TSIG apart
  std::optional<Opt> opt;
  std::optional<Tsig> tsig;
  unsigned opt_count = 0;
  std::size_t size = 0;

  bool qr() const { return (flags & 0x8000) != 0; }
  unsigned opcode() const { return (flags >> 11) & 15u; }
  bool aa() const { return (flags & 0x0400) != 0; }
  bool tc() const { return (flags & 0x0200) != 0; }
  bool rd() const { return (flags & 0x0100) != 0; }
  bool ra() const { return (flags & 0x0080) != 0; }
};
// EDNS options: one encoded, and the data of the first one with that code.
Bytes option(std::uint16_t code, const Bytes& data = {});
std::optional<Bytes> option_of(const Message& message, std::uint16_t code);
Message decode(const Bytes& message);
std::string to_string(const Message& message);

}  // namespace understudy::test
