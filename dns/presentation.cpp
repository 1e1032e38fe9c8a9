#include "dns/presentation.h"

#include <ldns/ldns.h>

#include <algorithm>
#include <memory>

#include "dns/rdata.h"
#include "dns/text_fields.h"

namespace understudy::dns {
namespace {

// How a type is written. `fields` are kinds of text_fields.h. `widely_known` types are written so that Debian
// 12's BIND, NSD and Knot read them; all others are written in the generic form and only read in their own.
struct TextRow {
  std::uint16_t type;
  const char* fields;
  bool widely_known;
};

// Left to ldns, one record at a time: formats that are long to say, and rare.
constexpr const char* by_ldns = nullptr;

// Missing on purpose: WKS (ldns needs the machine's list of services for it, and is not thread-safe there),
// NULL, NXT and A6, which have no text but the generic form.
constexpr TextRow rows[] = {
    {1, "a", true},         {2, "N", true},          {3, "N", false},      {4, "N", false},
    {5, "N", true},         {6, "NN4dddd", true},    {7, "N", false},      {8, "N", false},
    {9, "N", false},        {12, "N", true},         {13, "ss", true},     {14, "NN", true},
    {15, "2N", true},       {16, "S", true},         {17, "NN", true},     {18, "2N", true},
    {19, "s", false},       {20, "S", false},        {21, "2N", false},    {22, by_ldns, false},
    {23, "N", false},       {24, "Tm1dzz2Nb", true}, {25, "21mb", true},   {26, "2NN", false},
    {27, "sss", false},     {28, "6", true},         {29, by_ldns, true},  {31, "x", false},
    {32, "x", false},       {33, "222N", true},      {34, by_ldns, false}, {35, "22sssN", true},
    {36, "2N", true},       {37, "c2mb", true},      {39, "N", true},      {42, by_ldns, true},
    {43, "2m1x", true},     {44, "11x", true},       {45, "1gb", true},    {46, "Tm1dzz2Nb", true},
    {47, "Nt", true},       {48, "21mb", true},      {49, "b", true},      {50, "112hHt", true},
    {51, "112h", true},     {52, "111x", true},      {53, "111x", true},   {55, by_ldns, false},
    {56, "S", false},       {57, "21mb", false},     {58, "NN", false},    {59, "2m1x", true},
    {60, "21mb", true},     {61, "b", true},         {62, "42t", true},    {63, "411x", true},
    {64, "2Nv", true},      {65, "2Nv", true},       {66, "T12N", false},  {99, "S", true},
    {104, by_ldns, true},   {105, "2a", true},       {106, by_ldns, true}, {107, "2N", true},
    {108, by_ldns, true},   {109, by_ldns, true},    {256, "22l", true},   {257, "1ql", true},
    {258, "S", false},      {260, "1r", false},      {261, "S", false},    {262, "S", false},
    {32768, "2m1x", false}, {32769, "2m1x", false}};

const TextRow* row_of(RRType type) {
  const auto value = static_cast<std::uint16_t>(type);
  const auto* row = std::lower_bound(std::begin(rows), std::end(rows), value,
                                     [](const TextRow& r, std::uint16_t wanted) { return r.type < wanted; });
  return row != std::end(rows) && row->type == value ? row : nullptr;
}

}  // namespace

std::string portable_type_text(RRType type) {
  const TextRow* row = row_of(type);
  if (row != nullptr && row->widely_known) return to_string(type);
  return "TYPE" + std::to_string(static_cast<std::uint16_t>(type));
}

namespace {

Error bad_rdata(RRType type, std::string_view why) {
  return {"bad-rdata", "the data of this " + to_string(type) + " record is wrong: " + std::string(why)};
}

// RFC 3597 5.
Result<> parse_generic(RRType type, std::span<const TextToken> tokens, std::vector<std::uint8_t>& out) {
  const auto length = tokens.size() < 2 ? std::nullopt : parse_number(tokens[1].text, 65535);
  if (!length) return bad_rdata(type, "after \\# comes the number of its octets, then as many in hex");
  std::string hex;
  for (const TextToken& token : tokens.subspan(2)) hex += token.text;
  if (!decode_hex(hex, out))
    return bad_rdata(type, "what follows \\# and the length is not pairs of hex digits");
  if (out.size() != *length) {
    return bad_rdata(
        type, "\\# says " + std::to_string(*length) + " octets, but there are " + std::to_string(out.size()));
  }
  return {};
}

Result<> parse_by_row(RRType type, const char* fields, FieldInput& in) {
  for (const char* kind = fields; *kind != 0; ++kind) {
    if (!parse_field(*kind, in)) return bad_rdata(type, in.fault);
  }
  if (!in.at_end()) {
    in.fail(in.tokens[in.next].text, "is more than it takes");
    return bad_rdata(type, in.fault);
  }
  return {};
}

struct FreeRr {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
using LdnsRr = std::unique_ptr<ldns_rr, FreeRr>;

// How many words ldns takes, where that is fixed: it drops what follows without a word.
std::size_t most_words(RRType type) {
  switch (static_cast<std::uint16_t>(type)) {
    case 22:
    case 34:
    case 108:
    case 109:
      return 1;
    case 104:
    case 106:
      return 2;
    default:
      return SIZE_MAX;
  }
}

Result<> parse_by_ldns(RRType type, FieldInput& in) {
  if (in.tokens.size() > most_words(type)) return bad_rdata(type, "there is too much of it");
  // Owner and TTL are given, and the owner is short: ldns has 255 characters for it, and 3600 for a missing
  // TTL.
  std::string line = ". 0 IN " + to_string(type);
  for (std::size_t i = 0; i < in.tokens.size(); ++i) {
    std::string word(in.tokens[i].text);
    // The rendezvous servers of HIP: ldns takes relative names as absolute in silence.
    if (static_cast<std::uint16_t>(type) == 55 && i >= 3) {
      const auto name = Name::from_text(word, &in.origin);
      if (!name) return bad_rdata(type, name.error().message);
      word = to_string(*name);
    }
    line += ' ' + word;
  }
  ldns_rr* parsed = nullptr;
  const ldns_status status = ldns_rr_new_frm_str(&parsed, line.c_str(), 0, nullptr, nullptr);
  const LdnsRr rr(parsed);
  if (status != LDNS_STATUS_OK) return bad_rdata(type, ldns_get_errorstr_by_id(status));
  for (std::size_t i = 0; i < ldns_rr_rd_count(rr.get()); ++i) {
    const ldns_rdf* field = ldns_rr_rdf(rr.get(), i);
    in.out.insert(in.out.end(), ldns_rdf_data(field), ldns_rdf_data(field) + ldns_rdf_size(field));
  }
  return {};
}

bool print_by_row(const char* fields, Octets rdata, std::string& out) {
  for (const char* kind = fields; *kind != 0; ++kind) {
    if (kind != fields) out += ' ';
    if (!print_field(*kind, rdata, out)) return false;
  }
  if (out.ends_with(' ')) out.pop_back();  // a last field that was empty
  return rdata.empty();
}

bool print_by_ldns(RRType type, Octets rdata, std::string& out) {
  std::vector<std::uint8_t> wire(11);  // the root, type, class, TTL, RDLENGTH
  store16(wire.data() + 1, static_cast<std::uint16_t>(type));
  store16(wire.data() + 3, static_cast<std::uint16_t>(RRClass::IN));
  store16(wire.data() + 9, static_cast<std::uint16_t>(rdata.size()));
  wire.insert(wire.end(), rdata.begin(), rdata.end());
  ldns_rr* parsed = nullptr;
  std::size_t at = 0;
  const ldns_status status = ldns_wire2rr(&parsed, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER);
  const LdnsRr rr(status == LDNS_STATUS_OK ? parsed : nullptr);
  if (rr == nullptr) return false;
  for (std::size_t i = 0; i < ldns_rr_rd_count(rr.get()); ++i) {
    const std::unique_ptr<char, decltype(&std::free)> text(ldns_rdf2str(ldns_rr_rdf(rr.get(), i)),
                                                           &std::free);
    if (text == nullptr) return false;
    if (i > 0) out += ' ';
    out += text.get();
  }
  if (out.ends_with(' ')) out.pop_back();  // APL
  // ldns misprints some data (locations with impossible digits, names with quotes): believed only if it reads
  // back.
  const auto again = parse_rdata_text(type, out, Name());
  return again && std::equal(again->begin(), again->end(), rdata.begin(), rdata.end());
}

std::string generic_text(Octets rdata) {
  std::string out = "\\# " + std::to_string(rdata.size());
  if (!rdata.empty()) out += ' ';
  append_hex(out, rdata);
  return out;
}

// In the type's own form; nothing where that cannot say it.
std::optional<std::string> own_text(RRType type, Octets rdata) {
  const TextRow* row = row_of(type);
  if (row == nullptr || !row->widely_known || check_rdata(type, rdata) != nullptr) return std::nullopt;
  std::string out;
  const bool ok =
      row->fields == by_ldns ? print_by_ldns(type, rdata, out) : print_by_row(row->fields, rdata, out);
  return ok ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

Result<> parse_rdata_tokens(RRType type, std::span<const TextToken> tokens, const Name& origin,
                            std::vector<std::uint8_t>& out) {
  out.clear();
  const TextRow* row = row_of(type);
  FieldInput in{tokens, 0, origin, out, {}};
  Result<> parsed;
  if (!tokens.empty() && !tokens[0].quoted && tokens[0].text == "\\#") {
    parsed = parse_generic(type, tokens, out);
  } else if (row == nullptr) {
    return bad_rdata(type, "only the generic form is understood for this type: \\# LENGTH HEX (RFC 3597)");
  } else if (row->fields == by_ldns) {
    parsed = parse_by_ldns(type, in);
  } else {
    parsed = parse_by_row(type, row->fields, in);
  }
  if (!parsed) return parsed;
  if (out.size() > 65535) return bad_rdata(type, "it is over 65535 octets");
  if (const RdataFault fault = check_rdata(type, out)) return bad_rdata(type, fault);
  return {};
}

Result<std::size_t> scan_token(std::string_view text, std::size_t at, TextToken& token) {
  const auto is_end = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  bool open = text[at] == '"';
  token = {{}, open, false};
  const std::size_t start = open ? ++at : at;
  for (; at < text.size(); ++at) {
    if (text[at] == '\\') {
      if (++at == text.size()) return Error{"bad-rdata", "a backslash stands at the very end"};
    } else if (text[at] == '"') {
      if (token.quoted) {
        token.text = text.substr(start, at - start);
        return at + 1;
      }
      open = !open;
      token.inner_quotes = true;
    } else if (!open && is_end(text[at])) {
      break;
    }
  }
  if (open) return Error{"bad-rdata", "a quote is never closed"};
  token.text = text.substr(start, at - start);
  return at;
}

Result<std::vector<std::uint8_t>> parse_rdata_text(RRType type, std::string_view text, const Name& origin) {
  std::vector<TextToken> tokens;
  for (std::size_t at = 0;;) {
    at = text.find_first_not_of(" \t\r\n", at);
    if (at == std::string_view::npos) break;
    const auto end = scan_token(text, at, tokens.emplace_back());
    if (!end) return end.error();
    at = *end;
  }
  std::vector<std::uint8_t> out;
  const auto parsed = parse_rdata_tokens(type, tokens, origin, out);
  if (!parsed) return parsed.error();
  return out;
}

std::string rdata_text(RRType type, Octets rdata) {
  auto text = own_text(type, rdata);
  return text ? std::move(*text) : generic_text(rdata);
}

std::string record_text(const RecordView& record) {
  std::string out = to_string(record.owner) + ' ' + std::to_string(record.ttl) + " IN ";
  const auto text = own_text(record.type, record.rdata);
  if (text) return out + to_string(record.type) + ' ' + *text;
  return out + "TYPE" + std::to_string(static_cast<std::uint16_t>(record.type)) + ' ' +
         generic_text(record.rdata);
}

}  // namespace understudy::dns
