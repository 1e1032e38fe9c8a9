#include "server/stream_options.h"

#include "dns/message.h"

namespace understudy::server {
namespace {

constexpr std::uint16_t keepalive = 11, padding = 12;
constexpr std::size_t option_head_octets = 4;

bool contains(dns::Octets options, std::uint16_t code) {
  for (; options.size() >= option_head_octets;) {
    const std::size_t whole = option_head_octets + dns::load16(options.data() + 2);
    if (dns::load16(options.data()) == code) return true;
    if (options.size() < whole) break;
    options = options.subspan(whole);
  }
  return false;
}

// Where the length of the OPT record's data stands; nothing unless that record is the message's last.
std::optional<std::size_t> opt_length_at(dns::Octets message) {
  const dns::Header header = dns::load_header(message.data());
  dns::WireReader reader(message, dns::header_octets);
  for (unsigned i = 0; i < header.questions; ++i) {
    reader.skip_name();
    reader.skip(4);
  }
  const unsigned records = 0u + header.answers + header.authorities + header.additionals;
  for (unsigned i = 1; i <= records; ++i) {
    reader.skip_name();
    const dns::RRType type{reader.u16()};
    reader.skip(6);
    const std::size_t length_at = reader.position();
    reader.skip(reader.u16());
    if (i == records && reader.ok() && type == dns::RRType::OPT) return length_at;
  }
  return std::nullopt;
}

}  // namespace

std::size_t add_stream_options(const StreamOptions& options, metrics::Proto proto, dns::Octets asked,
                               std::span<std::uint8_t> room, std::size_t size) {
  if (asked.empty()) return size;
  const bool tell_idle = contains(asked, keepalive);
  // RFC 7830 6: never in the clear, where it hides nothing and only costs.
  const bool pad = proto == metrics::Proto::tls && options.padding_block != 0 && contains(asked, padding);
  if (!tell_idle && !pad) return size;
  const auto length_at = opt_length_at(dns::Octets(room.data(), size));
  if (!length_at) return size;
  const std::size_t before = size;
  const auto begin_option = [&](std::uint16_t code, std::size_t octets) {
    dns::store16(room.data() + size, code);
    dns::store16(room.data() + size + 2, static_cast<std::uint16_t>(octets));
    size += option_head_octets + octets;
  };
  if (tell_idle && room.size() - size >= option_head_octets + 2) {
    begin_option(keepalive, 2);
    // RFC 7828 3.1: in units of 100 milliseconds.
    const auto units = std::min<std::int64_t>(options.idle.count() * 10, 0xffff);
    dns::store16(room.data() + size - 2, static_cast<std::uint16_t>(units));
  }
  if (pad && room.size() - size >= option_head_octets) {
    // RFC 8467 4.1: to a multiple of the block, or as far as the message may be long.
    const std::size_t least = size + option_head_octets;
    const std::size_t blocks = (least + options.padding_block - 1) / options.padding_block;
    const std::size_t octets = std::min(blocks * options.padding_block, room.size()) - least;
    begin_option(padding, octets);
    std::memset(room.data() + size - octets, 0, octets);
  }
  const std::size_t length = dns::load16(room.data() + *length_at) + (size - before);
  dns::store16(room.data() + *length_at, static_cast<std::uint16_t>(length));
  return size;
}

}  // namespace understudy::server
