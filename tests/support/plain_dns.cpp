#include "support/plain_dns.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

namespace understudy::test {

namespace {

struct TypeRow {
  std::uint16_t number;
  const char* mnemonic;
  NamePlaces names;
};

const std::array<TypeRow, 25> type_rows{{
    {type::A, "A", {}},
    {type::NS, "NS", {0, 1, true}},
    {type::CNAME, "CNAME", {0, 1, true}},
    {type::SOA, "SOA", {0, 2, true}},
    {type::PTR, "PTR", {0, 1, true}},
    {type::HINFO, "HINFO", {}},
    {type::MX, "MX", {2, 1, true}},
    {type::TXT, "TXT", {}},
    {type::AAAA, "AAAA", {}},
    {type::SRV, "SRV", {6, 1, false}},
    {type::DNAME, "DNAME", {0, 1, false}},
    {type::DS, "DS", {}},
    {type::RRSIG, "RRSIG", {18, 1, false}},
    {type::NSEC, "NSEC", {0, 1, false}},
    {type::DNSKEY, "DNSKEY", {}},
    {type::NSEC3, "NSEC3", {}},
    {type::NSEC3PARAM, "NSEC3PARAM", {}},
    {type::SVCB, "SVCB", {2, 1, false}},
    {type::HTTPS, "HTTPS", {2, 1, false}},
    {type::IXFR, "IXFR", {}},
    {type::AXFR, "AXFR", {}},
    {type::MAILB, "MAILB", {}},
    {type::MAILA, "MAILA", {}},
    {type::ANY, "ANY", {}},
    {type::OPT, "OPT", {}},
}};

char lower_letter(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_label(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower_letter(a[i]) != lower_letter(b[i])) return false;
  }
  return true;
}

unsigned number(std::string_view text, unsigned base = 10) {
  return static_cast<unsigned>(std::stoul(std::string(text), nullptr, static_cast<int>(base)));
}

// Splits at blanks; "quoted strings" stay whole, without their quotes.
std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> out;
  std::size_t i = 0;
  while (i < line.size()) {
    if (line[i] == ' ' || line[i] == '\t') {
      ++i;
      continue;
    }
    const bool quoted = line[i] == '"';
    if (quoted) ++i;
    std::string field;
    while (i < line.size() && (quoted ? line[i] != '"' : line[i] != ' ' && line[i] != '\t'))
      field += line[i++];
    if (quoted) ++i;
    out.push_back(field);
  }
  return out;
}

Bytes ipv4(const std::string& text) {
  Bytes out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, '.');) out.push_back(static_cast<std::uint8_t>(number(part)));
  if (out.size() != 4) throw std::runtime_error("no IPv4 address: " + text);
  return out;
}

std::vector<std::string> groups_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string group; std::getline(in, group, ':');) {
    if (!group.empty()) out.push_back(group);
  }
  return out;
}

Bytes ipv6(const std::string& text) {
  const std::size_t gap = text.find("::");
  const auto head = groups_of(gap == std::string::npos ? text : text.substr(0, gap));
  const auto tail = groups_of(gap == std::string::npos ? "" : text.substr(gap + 2));
  Bytes out;
  for (const auto& group : head) append16(out, static_cast<std::uint16_t>(number(group, 16)));
  out.resize(16 - 2 * tail.size(), 0);
  for (const auto& group : tail) append16(out, static_cast<std::uint16_t>(number(group, 16)));
  return out;
}

void append_string(Bytes& out, const std::string& text) {
  out.push_back(static_cast<std::uint8_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

Bytes rdata_of(std::uint16_t rr_type, const std::vector<std::string>& f) {
  Bytes out;
  if (f.size() >= 2 && f[0] == "\\#") {
    std::string hex;
    for (std::size_t i = 2; i < f.size(); ++i) hex += f[i];
    out = from_hex(hex);
    if (out.size() != number(f[1])) throw std::runtime_error("generic RDATA of another length than it says");
    return out;
  }
  switch (rr_type) {
    case type::A:
      return ipv4(f.at(0));
    case type::AAAA:
      return ipv6(f.at(0));
    case type::NS:
    case type::CNAME:
    case type::PTR:
    case type::DNAME:
      append_name(out, name(f.at(0)));
      return out;
    case type::MX:
      append16(out, static_cast<std::uint16_t>(number(f.at(0))));
      append_name(out, name(f.at(1)));
      return out;
    case type::SRV:
      for (std::size_t i = 0; i < 3; ++i) append16(out, static_cast<std::uint16_t>(number(f.at(i))));
      append_name(out, name(f.at(3)));
      return out;
    case type::TXT:
    case type::HINFO:
      for (const auto& text : f) append_string(out, text);
      return out;
    case type::SOA:
      append_name(out, name(f.at(0)));
      append_name(out, name(f.at(1)));
      for (std::size_t i = 2; i < 7; ++i) append32(out, number(f.at(i)));
      return out;
    case type::SVCB:
    case type::HTTPS:  // parameters are left out, or written as hex
      append16(out, static_cast<std::uint16_t>(number(f.at(0))));
      append_name(out, name(f.at(1)));
      for (std::size_t i = 2; i < f.size(); ++i) {
        const Bytes parameter = from_hex(f[i]);
        out.insert(out.end(), parameter.begin(), parameter.end());
      }
      return out;
    case type::DS: {
      append16(out, static_cast<std::uint16_t>(number(f.at(0))));
      out.push_back(static_cast<std::uint8_t>(number(f.at(1))));
      out.push_back(static_cast<std::uint8_t>(number(f.at(2))));
      const Bytes digest = from_hex(f.at(3));
      out.insert(out.end(), digest.begin(), digest.end());
      return out;
    }
    default:
      throw std::runtime_error("write the RDATA of " + type_text(rr_type) + " as \\# LENGTH HEX");
  }
}

std::string hex_text(const Bytes& octets) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t octet : octets) {
    out += digits[octet >> 4];
    out += digits[octet & 15];
  }
  return out;
}

}  // namespace

Bytes from_hex(std::string_view hex) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(number(hex.substr(i, 2), 16)));
  }
  return out;
}

Labels name(std::string_view text) {
  Labels out;
  std::string label;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9') {
      label += static_cast<char>(number(text.substr(i + 1, 3)));
      i += 3;
    } else if (text[i] == '\\' && i + 1 < text.size()) {
      label += text[++i];
    } else if (text[i] != '.') {
      label += text[i];
    } else if (!label.empty()) {
      out.push_back(std::move(label));
      label.clear();
    } else if (text != ".") {
      throw std::runtime_error("empty label in " + std::string(text));
    }
  }
  if (!label.empty()) out.push_back(label);
  return out;
}

std::string text_of(const Labels& labels) {
  if (labels.empty()) return ".";
  std::string out;
  for (const auto& label : labels) {
    for (const char c : label) {
      const auto octet = static_cast<unsigned char>(c);
      if (octet <= ' ' || octet > '~') {
        const std::string digits = std::to_string(octet);
        out += "\\" + std::string(3 - digits.size(), '0') + digits;
      } else {
        if (c == '.' || c == '\\') out += '\\';
        out += c;
      }
    }
    out += '.';
  }
  return out;
}

Labels lowered(const Labels& labels) {
  Labels out = labels;
  for (auto& label : out) std::transform(label.begin(), label.end(), label.begin(), lower_letter);
  return out;
}

bool same(const Labels& a, const Labels& b) { return a.size() == b.size() && at_or_below(a, b); }

bool at_or_below(const Labels& labels, const Labels& ancestor) {
  if (labels.size() < ancestor.size()) return false;
  const std::size_t above = labels.size() - ancestor.size();
  for (std::size_t i = 0; i < ancestor.size(); ++i) {
    if (!same_label(labels[above + i], ancestor[i])) return false;
  }
  return true;
}

Labels parent(const Labels& labels) {
  return labels.empty() ? labels : Labels(labels.begin() + 1, labels.end());
}

Labels join(const std::string& label, const Labels& above) {
  Labels out{label};
  out.insert(out.end(), above.begin(), above.end());
  return out;
}

std::size_t wire_size(const Labels& labels) {
  std::size_t size = 1;
  for (const auto& label : labels) size += 1 + label.size();
  return size;
}

void append_name(Bytes& out, const Labels& labels) {
  for (const auto& label : labels) append_string(out, label);
  out.push_back(0);
}

void append16(Bytes& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value & 255));
}

void append32(Bytes& out, std::uint32_t value) {
  append16(out, static_cast<std::uint16_t>(value >> 16));
  append16(out, static_cast<std::uint16_t>(value & 65535));
}

std::uint16_t type_of(std::string_view mnemonic) {
  for (const TypeRow& row : type_rows) {
    if (mnemonic == row.mnemonic) return row.number;
  }
  if (mnemonic.starts_with("TYPE")) return static_cast<std::uint16_t>(number(mnemonic.substr(4)));
  throw std::runtime_error("unknown type " + std::string(mnemonic));
}

std::string type_text(std::uint16_t rr_type) {
  for (const TypeRow& row : type_rows) {
    if (row.number == rr_type) return row.mnemonic;
  }
  return "TYPE" + std::to_string(rr_type);
}

Rr rr(std::string_view line) {
  const auto fields = fields_of(line);
  if (fields.size() < 4) throw std::runtime_error("no record: " + std::string(line));
  Rr out;
  out.owner = name(fields[0]);
  out.ttl = number(fields[1]);
  out.type = type_of(fields[2]);
  out.rdata = rdata_of(out.type, {fields.begin() + 3, fields.end()});
  return out;
}

std::vector<Rr> rrs(std::string_view lines) {
  std::vector<Rr> out;
  std::istringstream in{std::string(lines)};
  for (std::string line; std::getline(in, line);) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start != std::string::npos && line[start] != ';') out.push_back(rr(line.substr(start)));
  }
  return out;
}

std::string to_string(const Rr& record) {
  std::string out =
      text_of(record.owner) + " " + std::to_string(record.ttl) + " " + type_text(record.type) + " ";
  if (names_of_type(record.type).count == 0) return out + hex_text(record.rdata);
  std::size_t named = 0;
  std::string names;
  for (const Labels& found : names_in(record)) {
    names += text_of(found) + " ";
    named += wire_size(found);
  }
  const std::size_t skip = names_of_type(record.type).skip;
  out += hex_text(Bytes(record.rdata.begin(), record.rdata.begin() + static_cast<std::ptrdiff_t>(skip)));
  return out + (skip != 0 ? " " : "") + names +
         hex_text(
             Bytes(record.rdata.begin() + static_cast<std::ptrdiff_t>(skip + named), record.rdata.end()));
}

std::string to_string(const std::vector<Rr>& records) {
  std::string out;
  for (const Rr& record : records) out += "  " + to_string(record) + "\n";
  return out.empty() ? "  (none)\n" : out;
}

std::string shown(const std::vector<Rr>& records) { return to_string(normal_set(records)); }

std::string shown(std::string_view lines) { return shown(rrs(lines)); }

NamePlaces names_of_type(std::uint16_t rr_type) {
  for (const TypeRow& row : type_rows) {
    if (row.number == rr_type) return row.names;
  }
  return {};
}

std::vector<Labels> names_in(const Rr& record) {
  std::vector<Labels> out;
  const NamePlaces places = names_of_type(record.type);
  std::size_t at = places.skip;
  for (unsigned i = 0; i < places.count; ++i) {
    Labels found;
    while (record.rdata.at(at) != 0) {
      const std::size_t length = record.rdata[at];
      std::string label;
      for (std::size_t k = 1; k <= length; ++k) label += static_cast<char>(record.rdata.at(at + k));
      found.push_back(label);
      at += 1 + length;
    }
    ++at;
    out.push_back(found);
  }
  return out;
}

Rr normal(Rr record) {
  record.owner = lowered(record.owner);
  std::size_t at = names_of_type(record.type).skip;
  for (const Labels& found : names_in(record)) {
    Bytes lower;
    append_name(lower, lowered(found));
    std::copy(lower.begin(), lower.end(), record.rdata.begin() + static_cast<std::ptrdiff_t>(at));
    at += lower.size();
  }
  return record;
}

std::vector<Rr> normal_set(std::vector<Rr> records) {
  for (Rr& record : records) record = normal(std::move(record));
  std::sort(records.begin(), records.end());
  return records;
}

}  // namespace understudy::test
