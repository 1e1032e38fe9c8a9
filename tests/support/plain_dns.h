// DNS in its plainest form, for tests: names as lists of labels, records as lists of octets, text as people
// write it.
//
// Written apart from dns/ on purpose, so that a mistake there cannot hide itself in the expectations here.
// Plain values; misuse (text that is no name, a type without a row) throws std::runtime_error, which fails
// the test.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::test {

using Bytes = std::vector<std::uint8_t>;
using Labels = std::vector<std::string>;  // raw octets, from the left; the root has none

namespace type {
inline constexpr std::uint16_t A = 1, NS = 2, CNAME = 5, SOA = 6, PTR = 12, HINFO = 13, MX = 15, TXT = 16,
                               AAAA = 28, SRV = 33, DNAME = 39, OPT = 41, DS = 43, RRSIG = 46, NSEC = 47,
                               DNSKEY = 48, NSEC3 = 50, NSEC3PARAM = 51, SVCB = 64, HTTPS = 65, TKEY = 249,
                               TSIG = 250, IXFR = 251, AXFR = 252, MAILB = 253, MAILA = 254, ANY = 255;
}

// The numbers of RFC 1035 4.1.1, RFC 2136 2.2 and RFC 6891 9.
namespace rcode {
inline constexpr unsigned noerror = 0, formerr = 1, servfail = 2, nxdomain = 3, notimp = 4, refused = 5,
                          yxdomain = 6, notauth = 9, badvers = 16, badcookie = 23;
}

// Absolute, final dot or not; \DDD and \X are understood.
Labels name(std::string_view text);
std::string text_of(const Labels& name);
// Case apart (RFC 4343: only A to Z).
bool same(const Labels& a, const Labels& b);
bool at_or_below(const Labels& name, const Labels& ancestor);
Labels lowered(const Labels& name);
Labels parent(const Labels& name);
Labels join(const std::string& label, const Labels& parent);
std::size_t wire_size(const Labels& name);
void append_name(Bytes& out, const Labels& name);
void append16(Bytes& out, std::uint16_t value);
void append32(Bytes& out, std::uint32_t value);

std::uint16_t type_of(std::string_view mnemonic);  // also TYPE123
std::string type_text(std::uint16_t type);

struct Rr {
  Labels owner;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  Bytes rdata;  // names whole
  friend auto operator<=>(const Rr&, const Rr&) = default;
};

// "OWNER TTL TYPE RDATA..." with absolute names; RDATA also as \# LENGTH HEX.
Rr rr(std::string_view line);
// One a line; blank lines and those that begin with ; are passed over.
std::vector<Rr> rrs(std::string_view lines);
std::string to_string(const Rr& record);
std::string to_string(const std::vector<Rr>& records);
// Sets of records as text that is equal where they are: for EXPECT_EQ, which then shows the difference by
// lines.
std::string shown(const std::vector<Rr>& records);
std::string shown(std::string_view lines);

// Where names stand in RDATA: after `skip` octets come `count` of them.
struct NamePlaces {
  std::size_t skip = 0;
  unsigned count = 0;
  bool may_be_compressed = false;  // RFC 3597 4: only the types of RFC 1035
};
NamePlaces names_of_type(std::uint16_t type);
// Whole names in `rdata`, from the left.
std::vector<Labels> names_in(const Rr& record);
Bytes from_hex(std::string_view digits);

// The form in which two records are the same data: owner and names inside in lower case.
Rr normal(Rr record);
std::vector<Rr> normal_set(std::vector<Rr> records);  // sorted as well

}  // namespace understudy::test
