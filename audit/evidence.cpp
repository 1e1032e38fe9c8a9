#include "audit/evidence.h"

#include <openssl/sha.h>

#include <cstring>

#include "dns/wire_reader.h"

namespace understudy::audit {

namespace {

constexpr std::uint8_t format = 1;
constexpr std::uint8_t made_up = 1, absent = 2, dnssec_ok = 4, serial_known = 8;
constexpr std::size_t head_octets = 4 + 8 + 8 + 8 + 4 + 4 + 2;

void append16(std::vector<std::uint8_t>& out, std::size_t number) {
  out.push_back(static_cast<std::uint8_t>(number >> 8));
  out.push_back(static_cast<std::uint8_t>(number));
}

void append(std::vector<std::uint8_t>& out, dns::Octets octets) {
  append16(out, octets.size());
  out.insert(out.end(), octets.begin(), octets.end());
}

dns::Octets take(dns::Octets& rest, bool& sound) {
  const std::size_t size = rest.size() < 2 ? 0 : dns::load16(rest.data());
  if (rest.size() < 2 + size) {
    sound = false;
    return {};
  }
  const dns::Octets taken = rest.subspan(2, size);
  rest = rest.subspan(2 + size);
  return taken;
}

std::optional<dns::Name> take_name(dns::Octets& rest, bool& sound) {
  const auto name = dns::NameView::parse(take(rest, sound));
  if (!name) {
    sound = false;
    return std::nullopt;
  }
  return dns::Name(*name);
}

backend::AuditKey hash_of(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  backend::AuditKey key;
  std::memcpy(key.data(), digest.data(), key.size());
  return key;
}

}  // namespace

std::vector<std::uint8_t> encode(const Evidence& evidence) {
  const Question& question = evidence.question;
  std::vector<std::uint8_t> out(head_octets);
  out[0] = format;
  out[1] = static_cast<std::uint8_t>(evidence.difference);
  out[2] = static_cast<std::uint8_t>((question.random_label ? made_up : 0) |
                                     (question.absent_type ? absent : 0) | (evidence.dnssec ? dnssec_ok : 0) |
                                     (evidence.their_serial ? serial_known : 0));
  out[3] = 0;
  dns::store64(out.data() + 4, static_cast<std::uint64_t>(evidence.since));
  dns::store64(out.data() + 12, static_cast<std::uint64_t>(evidence.seen));
  dns::store64(out.data() + 20, evidence.version);
  dns::store32(out.data() + 28, evidence.serial);
  dns::store32(out.data() + 32, evidence.their_serial.value_or(0));
  dns::store16(out.data() + 36, static_cast<std::uint16_t>(question.type));
  append(out, question.name.view().octets());
  append(out, question.subject.view().octets());
  const std::string address = net::to_string(evidence.address);
  append(out, {reinterpret_cast<const std::uint8_t*>(address.data()), address.size()});
  append(out, evidence.ours);
  append(out, evidence.theirs);
  return out;
}

std::optional<Evidence> decode_evidence(dns::Octets value) {
  if (value.size() < head_octets || value[0] != format || value[1] > static_cast<std::uint8_t>(Class::flags))
    return std::nullopt;
  Evidence evidence;
  Question& question = evidence.question;
  evidence.difference = static_cast<Class>(value[1]);
  question.random_label = (value[2] & made_up) != 0;
  question.absent_type = (value[2] & absent) != 0;
  evidence.dnssec = (value[2] & dnssec_ok) != 0;
  evidence.since = static_cast<UnixTime>(dns::load64(value.data() + 4));
  evidence.seen = static_cast<UnixTime>(dns::load64(value.data() + 12));
  evidence.version = dns::load64(value.data() + 20);
  evidence.serial = dns::load32(value.data() + 28);
  if ((value[2] & serial_known) != 0) evidence.their_serial = dns::load32(value.data() + 32);
  question.type = dns::RRType{dns::load16(value.data() + 36)};
  dns::Octets rest = value.subspan(head_octets);
  bool sound = true;
  const auto name = take_name(rest, sound), subject = take_name(rest, sound);
  const dns::Octets address = take(rest, sound), ours = take(rest, sound), theirs = take(rest, sound);
  const auto endpoint =
      net::parse_endpoint({reinterpret_cast<const char*>(address.data()), address.size()}, 53);
  if (!sound || !name || !subject || !endpoint) return std::nullopt;
  question.name = *name;
  question.subject = *subject;
  evidence.address = *endpoint;
  evidence.ours.assign(ours.begin(), ours.end());
  evidence.theirs.assign(theirs.begin(), theirs.end());
  return evidence;
}

backend::AuditKey evidence_key(const Subject& subject, const net::Endpoint& address) {
  std::string text = subject.key;
  text += subject.random_label ? "?" : "=";
  text += std::to_string(static_cast<unsigned>(subject.type)) + "@" + net::to_string(address);
  return hash_of(text);
}

backend::AuditKey address_key(const net::Endpoint& address) { return hash_of(net::to_string(address)); }

}  // namespace understudy::audit
