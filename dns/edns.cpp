#include "dns/edns.h"

#include <algorithm>

#include "dns/escape.h"

namespace understudy::dns {
namespace {

constexpr std::size_t option_head_octets = 4;
constexpr std::size_t most_text_octets = 200;  // of an EXTRA-TEXT
constexpr unsigned most_errors = 3;

// IANA, Extended DNS Error Codes, from 0.
constexpr std::string_view extended_error_names[] = {
    "Other",
    "Unsupported DNSKEY Algorithm",
    "Unsupported DS Digest Type",
    "Stale Answer",
    "Forged Answer",
    "DNSSEC Indeterminate",
    "DNSSEC Bogus",
    "Signature Expired",
    "Signature Not Yet Valid",
    "DNSKEY Missing",
    "RRSIGs Missing",
    "No Zone Key Bit Set",
    "NSEC Missing",
    "Cached Error",
    "Not Ready",
    "Blocked",
    "Censored",
    "Filtered",
    "Prohibited",
    "Stale NXDOMAIN Answer",
    "Not Authoritative",
    "Not Supported",
    "No Reachable Authority",
    "Network Error",
    "Invalid Data",
    "Signature Expired before Valid",
    "Too Early",
    "Unsupported NSEC3 Iterations Value",
    "Unable to conform to policy",
    "Synthesized",
    "Invalid Query Type",
};

// The first option there, its data; false at the end, or where it is cut off.
bool next_option(Octets& options, std::uint16_t& code, Octets& data) {
  if (options.size() < option_head_octets) return false;
  code = load16(options.data());
  const std::size_t size = load16(options.data() + 2);
  if (options.size() - option_head_octets < size) return false;
  data = options.subspan(option_head_octets, size);
  options = options.subspan(option_head_octets + size);
  return true;
}

// RFC 8914 2: UTF-8 that nobody promised to be fit for a log, and perhaps a NUL at its end.
void append_extra_text(std::string& out, Octets text) {
  if (!text.empty() && text.back() == 0) text = text.first(text.size() - 1);
  if (text.empty()) return;
  out += ": ";
  for (const std::uint8_t octet : text.first(std::min(text.size(), most_text_octets))) {
    if (octet >= 0x20 && octet < 0x7f) {
      out += static_cast<char>(octet);
    } else {
      append_decimal_escape(out, octet);
    }
  }
  if (text.size() > most_text_octets) out += "...";
}

}  // namespace

std::optional<Edns> find_edns(Octets message) {
  if (message.size() < header_octets) return std::nullopt;
  const Header header = load_header(message.data());
  WireReader reader(message, header_octets);
  for (unsigned i = 0; i < header.questions; ++i) {
    reader.skip_name();
    reader.skip(4);
  }
  const unsigned others = unsigned{header.answers} + header.authorities;
  for (unsigned i = 0; i < others + header.additionals; ++i) {
    RecordHead head;
    if (!read_record_head(reader, head)) return std::nullopt;
    if (i < others || head.type != RRType::OPT) {
      reader.skip(head.rdlength);
      continue;
    }
    const Octets options = reader.octets(head.rdlength);
    if (!reader.ok()) return std::nullopt;
    return Edns{static_cast<std::uint16_t>(head.rclass), static_cast<std::uint8_t>(head.ttl >> 24),
                static_cast<std::uint8_t>(head.ttl >> 16), (head.ttl & 0x8000) != 0, options};
  }
  return std::nullopt;
}

std::optional<std::uint32_t> expire_among(Octets options) {
  std::uint16_t code = 0;
  Octets data;
  while (next_option(options, code, data)) {
    if (code == expire_option) return data.size() == 4 ? std::optional(load32(data.data())) : std::nullopt;
  }
  return std::nullopt;
}

std::string extended_errors_of(Octets message) {
  std::string out;
  const std::optional<Edns> edns = find_edns(message);
  if (!edns) return out;
  Octets options = edns->options, data;
  std::uint16_t code = 0;
  for (unsigned told = 0; told < most_errors && next_option(options, code, data);) {
    if (code != extended_error_option || data.size() < 2) continue;
    ++told;
    const std::uint16_t error = load16(data.data());
    out += ", EDE " + std::to_string(error);
    if (error < std::size(extended_error_names)) out += " (" + std::string(extended_error_names[error]) + ")";
    append_extra_text(out, data.subspan(2));
  }
  return out;
}

}  // namespace understudy::dns
