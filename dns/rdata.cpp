#include "dns/rdata.h"

#include <algorithm>

namespace understudy::dns {
namespace {

// A field of RDATA. Layouts below are strings of these.
//   N  name, compressible (RFC 1035)      n  name, accepted compressed, never sent so (RFC 3597 4)
//   1 2 4 6 8 w  numbers of that many octets (w: 16, an IPv6 address)
//   s  character-string                   S  character-strings to the end, at least one
//   h  octets after a length octet        b  anything to the end, may be empty   B  the same, not empty
//   t  type bitmap (RFC 4034 4.1.2)       v  service parameters (RFC 9460 2.2)   a  APL items (RFC 3123 4)
//   g  IPSECKEY (RFC 4025 2.1)            r  AMTRELAY (RFC 8777 4.1)             i  HIP (RFC 8005 5)
//   l  LOC (RFC 1876 2)                   c  CAA tag: a string that is not empty (RFC 8659 4.1)
struct Layout {
  std::uint16_t type;
  const char* fields;
  bool canonical_names;
};

constexpr Layout layouts[] = {
    {1, "4", false},         {2, "N", true},         {3, "N", true},        {4, "N", true},
    {5, "N", true},          {6, "NN44444", true},   {7, "N", true},        {8, "N", true},
    {9, "N", true},          {10, "b", false},       {11, "41b", false},    {12, "N", true},
    {13, "ss", false},       {14, "NN", true},       {15, "2N", true},      {16, "S", false},
    {17, "nn", true},        {18, "2n", true},       {19, "s", false},      {20, "S", false},
    {21, "2n", true},        {22, "b", false},       {23, "n", false},      {24, "2114442nB", true},
    {25, "211b", false},     {26, "2nn", true},      {27, "sss", false},    {28, "w", false},
    {29, "l", false},        {30, "nb", true},       {33, "222n", true},    {34, "b", false},
    {35, "22sssn", true},    {36, "2n", true},       {37, "221B", false},   {39, "n", true},
    {42, "a", false},        {43, "211B", false},    {44, "11B", false},    {45, "g", false},
    {46, "2114442nB", true}, {47, "nt", false},      {48, "211B", false},   {49, "B", false},
    {50, "112hht", false},   {51, "112h", false},    {52, "111B", false},   {53, "111B", false},
    {55, "i", false},        {56, "S", false},       {57, "b", false},      {58, "nn", false},
    {59, "211B", false},     {60, "211B", false},    {61, "B", false},      {62, "42t", false},
    {63, "411B", false},     {64, "2nv", false},     {65, "2nv", false},    {66, "212n", false},
    {99, "S", false},        {104, "28", false},     {105, "24", false},    {106, "28", false},
    {107, "2n", false},      {108, "6", false},      {109, "8", false},     {256, "22B", false},
    {257, "1cb", false},     {258, "S", false},      {260, "r", false},     {261, "S", false},
    {262, "S", false},       {32768, "211B", false}, {32769, "211B", false}};

// Types below this are found by index.
constexpr std::size_t direct_types = 263;

constexpr auto direct = [] {
  std::array<std::uint8_t, direct_types> table{};
  std::uint8_t row = 1;
  for (const Layout& layout : layouts) {
    if (layout.type < direct_types) table[layout.type] = row;
    ++row;
  }
  return table;
}();

const Layout* layout_of(RRType type) {
  const auto value = static_cast<std::uint16_t>(type);
  if (value < direct_types) return direct[value] == 0 ? nullptr : &layouts[direct[value] - 1];
  return value == 32768 || value == 32769 ? &layouts[std::size(layouts) - (32770 - value)] : nullptr;
}

std::size_t fixed_size(char field) {
  switch (field) {
    case '1':
      return 1;
    case '2':
      return 2;
    case '4':
      return 4;
    case '6':
      return 6;
    case '8':
      return 8;
    case 'w':
      return 16;
    default:
      return 0;
  }
}

bool is_name(char field) { return field == 'N' || field == 'n'; }

// RFC 4034 4.1.2: windows ascend, 1 to 32 octets each, no trailing zero octet.
bool is_type_bitmap(Octets bits) {
  int last = -1;
  while (!bits.empty()) {
    if (bits.size() < 2) return false;
    const std::size_t length = bits[1];
    if (bits[0] <= last || length == 0 || length > 32 || bits.size() < 2 + length) return false;
    if (bits[1 + length] == 0) return false;
    last = bits[0];
    bits = bits.subspan(2 + length);
  }
  return true;
}

// RFC 9460 2.2: keys strictly ascend.
bool is_service_parameters(Octets octets) {
  int last = -1;
  while (!octets.empty()) {
    if (octets.size() < 4) return false;
    const int key = load16(octets.data());
    const std::size_t length = load16(octets.data() + 2);
    if (key <= last || octets.size() < 4 + length) return false;
    last = key;
    octets = octets.subspan(4 + length);
  }
  return true;
}

// RFC 3123 4: family, prefix, N and AFDLENGTH, address part.
bool is_prefix_list(Octets octets) {
  while (!octets.empty()) {
    if (octets.size() < 4) return false;
    const std::size_t length = octets[3] & 0x7f;
    const unsigned family = load16(octets.data());
    const unsigned bits = family == 1 ? 32 : family == 2 ? 128 : 255;
    if (octets[2] > bits || length * 8 > (bits + 7) / 8 * 8 || octets.size() < 4 + length) return false;
    octets = octets.subspan(4 + length);
  }
  return true;
}

bool is_strings(Octets octets) {
  if (octets.empty()) return false;
  while (!octets.empty()) {
    const std::size_t length = octets[0];
    if (octets.size() < 1 + length) return false;
    octets = octets.subspan(1 + length);
  }
  return true;
}

// A gateway or relay of IPSECKEY and AMTRELAY, which share their types: its size, or nothing where it is
// malformed. Of types that are not known yet nothing can be said.
std::optional<std::size_t> gateway_size(unsigned type, Octets rest) {
  const auto fixed = [&](std::size_t size) {
    return rest.size() < size ? std::nullopt : std::optional(size);
  };
  switch (type) {
    case 0:
      return fixed(0);
    case 1:
      return fixed(4);
    case 2:
      return fixed(16);
    case 3: {
      const auto name = NameView::parse(rest);
      return name ? std::optional(name->size()) : std::nullopt;
    }
    default:
      return rest.size();
  }
}

bool is_ipseckey(Octets octets) {
  return octets.size() >= 3 && gateway_size(octets[1], octets.subspan(3)).has_value();
}

bool is_amtrelay(Octets octets) {
  if (octets.size() < 2) return false;
  const auto size = gateway_size(octets[1] & 0x7f, octets.subspan(2));
  return size && octets.size() == 2 + *size;
}

// HIT length, algorithm, key length, HIT, key, names of rendezvous servers.
bool is_hip(Octets octets) {
  if (octets.size() < 4) return false;
  const std::size_t fixed = std::size_t{4} + octets[0] + load16(octets.data() + 2);
  if (octets[0] == 0 || load16(octets.data() + 2) == 0 || octets.size() < fixed) return false;
  for (octets = octets.subspan(fixed); !octets.empty();) {
    const auto name = NameView::parse(octets);
    if (!name) return false;
    octets = octets.subspan(name->size());
  }
  return true;
}

// Checks a field that runs to the end of the RDATA.
bool tail_is_sound(char field, Octets rest) {
  switch (field) {
    case 'S':
      return is_strings(rest);
    case 't':
      return is_type_bitmap(rest);
    case 'v':
      return is_service_parameters(rest);
    case 'a':
      return is_prefix_list(rest);
    case 'g':
      return is_ipseckey(rest);
    case 'r':
      return is_amtrelay(rest);
    case 'i':
      return is_hip(rest);
    case 'l':
      return !rest.empty() && (rest[0] != 0 || rest.size() == 16);
    default:
      return true;
  }
}

bool is_string(char field) { return field == 's' || field == 'h' || field == 'c'; }

// Reads the fields of a layout from a reader that ends where the RDATA does. Appends them to `out`; without
// it, a compressed name is a fault.
RdataFault read_fields(WireReader& inside, const char* fields, std::vector<std::uint8_t>* out) {
  const auto append = [out](Octets octets) {
    if (out != nullptr) out->insert(out->end(), octets.begin(), octets.end());
  };
  for (const char* field = fields; *field != 0; ++field) {
    if (is_name(*field)) {
      Name name;
      const std::size_t start = inside.position();
      if (!inside.name(name)) return "a name in its data is malformed or runs past RDLENGTH";
      // A pointer takes 2 octets and stands for 1, or for 3 and more: so the sizes differ where there is one.
      if (out == nullptr && inside.position() - start != name.size())
        return "a name in its data is compressed";
      append(name.view().octets());
    } else if (const std::size_t size = fixed_size(*field); size != 0) {
      append(inside.octets(size));
    } else if (is_string(*field)) {
      const Octets length = inside.octets(1);
      const Octets text = inside.octets(length.empty() ? 0 : length[0]);
      if (!inside.ok()) return "a string in its data runs past RDLENGTH";
      if (*field == 'c' && text.empty()) return "its tag is empty";
      append(length);
      append(text);
    } else {
      const Octets rest = inside.octets(inside.remaining());
      if (*field == 'B' && rest.empty()) return "its data is shorter than its type needs";
      if (!inside.ok() || !tail_is_sound(*field, rest)) return "its data is malformed";
      append(rest);
    }
    if (!inside.ok()) return "its data is shorter than its type needs";
  }
  return inside.remaining() == 0 ? nullptr : "its data is longer than its type allows";
}

}  // namespace

RdataFault expand_rdata(WireReader& reader, RRType type, std::size_t length, std::vector<std::uint8_t>& out) {
  if (!reader.ok() || length > reader.remaining()) return "RDLENGTH runs past the message";
  const Layout* layout = layout_of(type);
  if (layout == nullptr) {
    const Octets octets = reader.octets(length);
    out.insert(out.end(), octets.begin(), octets.end());
    return nullptr;
  }
  // Names may point back into the message but their own octets must lie inside the RDATA.
  WireReader inside(reader.message().first(reader.position() + length), reader.position());
  if (const RdataFault fault = read_fields(inside, layout->fields, &out)) return fault;
  reader.skip(length);
  return nullptr;
}

RdataFault check_rdata(RRType type, Octets rdata) {
  const Layout* layout = layout_of(type);
  WireReader reader(rdata);
  return layout == nullptr ? nullptr : read_fields(reader, layout->fields, nullptr);
}

RdataNames names_in(RRType type, Octets rdata) {
  RdataNames out;
  const Layout* layout = layout_of(type);
  if (layout == nullptr) return out;
  std::size_t at = 0;
  for (const char* field = layout->fields; *field != 0; ++field) {
    if (is_name(*field)) {
      const auto name = NameView::parse(rdata.subspan(at));
      if (!name || out.count == out.names.size()) return out;
      out.names[out.count++] = {at, *name, *field == 'N'};
      at += name->size();
    } else if (const std::size_t size = fixed_size(*field); size != 0) {
      at += size;
    } else if (is_string(*field) && at < rdata.size()) {
      at += 1 + rdata[at];
    } else {
      return out;
    }
    if (at > rdata.size()) return out;
  }
  return out;
}

bool has_canonical_names(RRType type) {
  const Layout* layout = layout_of(type);
  return layout != nullptr && layout->canonical_names;
}

void lower_names(RRType type, std::span<std::uint8_t> rdata) {
  for (const RdataName& found : names_in(type, rdata)) {
    for (std::size_t i = 0; i < found.name.size(); ++i)
      rdata[found.offset + i] = lower(rdata[found.offset + i]);
  }
}

void make_canonical(RRType type, std::span<std::uint8_t> rdata) {
  if (has_canonical_names(type)) lower_names(type, rdata);
}

int canonical_rdata_order(RRType type, Octets a, Octets b, std::vector<std::uint8_t>& scratch) {
  const auto compare = [](Octets x, Octets y) {
    const std::size_t common = std::min(x.size(), y.size());
    const int order =
        common == 0 ? 0 : std::memcmp(x.data(), y.data(), common);  // empty ones have no address
    return order != 0 ? order : (x.size() < y.size() ? -1 : x.size() > y.size());
  };
  if (!has_canonical_names(type)) return compare(a, b);
  scratch.assign(a.begin(), a.end());
  scratch.insert(scratch.end(), b.begin(), b.end());
  const std::span<std::uint8_t> both(scratch);
  make_canonical(type, both.first(a.size()));
  make_canonical(type, both.subspan(a.size()));
  return compare(both.first(a.size()), both.subspan(a.size()));
}

}  // namespace understudy::dns
