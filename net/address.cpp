#include "net/address.h"

#include <charconv>

namespace understudy::net {
namespace {

namespace ip = boost::asio::ip;

// An IPv4 address inside IPv6 (::ffff:a.b.c.d) is the IPv4 address: a socket that takes both families shows
// it so.
ip::address unmapped(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

ip::address_v6::bytes_type as_v6(const ip::address& address) {
  if (address.is_v6()) return address.to_v6().to_bytes();
  return ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes();
}

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

Error bad_endpoint(std::string_view text) {
  return {"bad-address",
          "\"" + std::string(text) +
              "\" is no address: write 192.0.2.1, 192.0.2.1:53, 2001:db8::1 or [2001:db8::1]:53"};
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) {
  std::string_view host = text, port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return bad_endpoint(text);
    host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') return bad_endpoint(text);
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && colon == text.rfind(':')) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  Endpoint endpoint{{}, default_port};
  if (has_port && !parse_number(port, endpoint.port)) return bad_endpoint(text);
  boost::system::error_code error;
  endpoint.address = unmapped(ip::make_address(std::string(host), error));
  if (error || (text.starts_with('[') && host.find(':') == std::string_view::npos)) return bad_endpoint(text);
  return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
  const std::string port = std::to_string(endpoint.port);
  if (endpoint.address.is_v6()) return "[" + endpoint.address.to_string() + "]:" + port;
  return endpoint.address.to_string() + ":" + port;
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  boost::system::error_code error;
  const ip::address given = ip::make_address(std::string(text.substr(0, slash)), error);
  if (error) {
    return Error{"bad-prefix", "\"" + std::string(text) +
                                   "\" is no address or prefix: write 192.0.2.0/24 or 2001:db8::/32"};
  }
  Prefix prefix(given);
  if (slash == std::string_view::npos) return prefix;
  const unsigned width = given.is_v4() ? 32 : 128;
  unsigned bits = 0;
  if (!parse_number(text.substr(slash + 1), bits) || bits > width) {
    return Error{"bad-prefix",
                 "\"" + std::string(text) + "\": the length of a prefix is 0 to " + std::to_string(width)};
  }
  prefix.bits_ = 128 - width + bits;
  // Bits behind the prefix do not count: 192.0.2.1/24 is 192.0.2.0/24.
  for (unsigned bit = prefix.bits_; bit < 128; ++bit) {
    prefix.octets_[bit / 8] = static_cast<std::uint8_t>(prefix.octets_[bit / 8] & ~(0x80u >> (bit % 8)));
  }
  return prefix;
}

Prefix::Prefix(const ip::address& address) : octets_(as_v6(address)) {}

bool Prefix::contains(const ip::address& address) const {
  const ip::address_v6::bytes_type other = as_v6(address);
  const unsigned whole = bits_ / 8;
  for (unsigned i = 0; i < whole; ++i) {
    if (other[i] != octets_[i]) return false;
  }
  const unsigned rest = bits_ % 8;
  return rest == 0 || ((other[whole] ^ octets_[whole]) >> (8 - rest)) == 0;
}

std::string Prefix::text() const {
  const ip::address address = unmapped(ip::make_address_v6(octets_));
  if (address.is_v4() && bits_ >= 96) {
    return address.to_string() + (bits_ == 128 ? "" : "/" + std::to_string(bits_ - 96));
  }
  return address.to_string() + (bits_ == 128 ? "" : "/" + std::to_string(bits_));
}

bool any_contains(const std::vector<Prefix>& prefixes, const ip::address& address) {
  for (const Prefix& prefix : prefixes) {
    if (prefix.contains(address)) return true;
  }
  return false;
}

}  // namespace understudy::net
