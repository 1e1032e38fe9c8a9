#include "dns/edns.h"

namespace understudy::dns {

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
  constexpr std::size_t head_octets = 4;
  while (options.size() >= head_octets) {
    const std::uint16_t code = load16(options.data());
    const std::size_t size = load16(options.data() + 2);
    if (options.size() - head_octets < size) return std::nullopt;
    if (code == expire_option) {
      if (size != 4) return std::nullopt;
      return load32(options.data() + head_octets);
    }
    options = options.subspan(head_octets + size);
  }
  return std::nullopt;
}

}  // namespace understudy::dns
