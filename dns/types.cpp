#include "dns/types.h"

#include <array>
#include <charconv>
#include <cstddef>

namespace understudy::dns {
namespace {

struct Mnemonic {
  std::uint16_t value;
  std::string_view text;
};

// IANA's registry, Resource Record (RR) TYPEs, by number. A table of our own: ldns 1.8.3 lacks the newer
// ones, calls ANY "ANY" only in one direction, and reads TYPE65536 and TYPE1x as types.
constexpr Mnemonic types[] = {
    {1, "A"},           {2, "NS"},        {3, "MD"},        {4, "MF"},       {5, "CNAME"},
    {6, "SOA"},         {7, "MB"},        {8, "MG"},        {9, "MR"},       {10, "NULL"},
    {11, "WKS"},        {12, "PTR"},      {13, "HINFO"},    {14, "MINFO"},   {15, "MX"},
    {16, "TXT"},        {17, "RP"},       {18, "AFSDB"},    {19, "X25"},     {20, "ISDN"},
    {21, "RT"},         {22, "NSAP"},     {23, "NSAP-PTR"}, {24, "SIG"},     {25, "KEY"},
    {26, "PX"},         {27, "GPOS"},     {28, "AAAA"},     {29, "LOC"},     {30, "NXT"},
    {31, "EID"},        {32, "NIMLOC"},   {33, "SRV"},      {34, "ATMA"},    {35, "NAPTR"},
    {36, "KX"},         {37, "CERT"},     {38, "A6"},       {39, "DNAME"},   {40, "SINK"},
    {41, "OPT"},        {42, "APL"},      {43, "DS"},       {44, "SSHFP"},   {45, "IPSECKEY"},
    {46, "RRSIG"},      {47, "NSEC"},     {48, "DNSKEY"},   {49, "DHCID"},   {50, "NSEC3"},
    {51, "NSEC3PARAM"}, {52, "TLSA"},     {53, "SMIMEA"},   {55, "HIP"},     {56, "NINFO"},
    {57, "RKEY"},       {58, "TALINK"},   {59, "CDS"},      {60, "CDNSKEY"}, {61, "OPENPGPKEY"},
    {62, "CSYNC"},      {63, "ZONEMD"},   {64, "SVCB"},     {65, "HTTPS"},   {66, "DSYNC"},
    {67, "HHIT"},       {68, "BRID"},     {99, "SPF"},      {100, "UINFO"},  {101, "UID"},
    {102, "GID"},       {103, "UNSPEC"},  {104, "NID"},     {105, "L32"},    {106, "L64"},
    {107, "LP"},        {108, "EUI48"},   {109, "EUI64"},   {128, "NXNAME"}, {249, "TKEY"},
    {250, "TSIG"},      {251, "IXFR"},    {252, "AXFR"},    {253, "MAILB"},  {254, "MAILA"},
    {255, "ANY"},       {256, "URI"},     {257, "CAA"},     {258, "AVC"},    {259, "DOA"},
    {260, "AMTRELAY"},  {261, "RESINFO"}, {262, "WALLET"},  {32768, "TA"},   {32769, "DLV"}};

constexpr Mnemonic rcodes[] = {{0, "NOERROR"},   {1, "FORMERR"},   {2, "SERVFAIL"}, {3, "NXDOMAIN"},
                               {4, "NOTIMP"},    {5, "REFUSED"},   {6, "YXDOMAIN"}, {7, "YXRRSET"},
                               {8, "NXRRSET"},   {9, "NOTAUTH"},   {10, "NOTZONE"}, {16, "BADVERS"},
                               {22, "BADTRUNC"}, {23, "BADCOOKIE"}};

constexpr std::size_t longest_mnemonic = 10;

template <std::size_t N>
std::string text_of(const Mnemonic (&table)[N], std::uint16_t value, std::string_view generic) {
  for (const Mnemonic& known : table) {
    if (known.value == value) return std::string(known.text);
  }
  return std::string(generic) + std::to_string(value);
}

}  // namespace

std::string to_string(RRType type) { return text_of(types, static_cast<std::uint16_t>(type), "TYPE"); }
std::string to_string(Rcode rcode) { return text_of(rcodes, static_cast<std::uint16_t>(rcode), "RCODE"); }

std::optional<RRType> parse_type(std::string_view text) {
  if (text.size() > longest_mnemonic) return std::nullopt;  // TYPE65535 is shorter
  std::array<char, longest_mnemonic> buffer;
  for (std::size_t i = 0; i < text.size(); ++i) {
    buffer[i] = static_cast<char>(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]);
  }
  const std::string_view upper(buffer.data(), text.size());
  for (const Mnemonic& known : types) {
    if (known.text == upper) return RRType{known.value};
  }
  if (!upper.starts_with("TYPE") || upper.size() == 4) return std::nullopt;
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(upper.data() + 4, upper.data() + upper.size(), value);
  if (error != std::errc() || end != upper.data() + upper.size()) return std::nullopt;
  return RRType{value};
}

}  // namespace understudy::dns
