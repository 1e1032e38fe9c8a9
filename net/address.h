// Where hosts are: an address with port, and the prefixes of access lists. Plain values, any thread.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace understudy::net {

struct Endpoint {
  boost::asio::ip::address address;
  std::uint16_t port = 0;

  boost::asio::ip::udp::endpoint udp() const { return {address, port}; }
  boost::asio::ip::tcp::endpoint tcp() const { return {address, port}; }
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend bool operator<(const Endpoint& a, const Endpoint& b) {
    return a.address < b.address || (a.address == b.address && a.port < b.port);
  }
};

// `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`; names are not resolved.
Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port);
// With the port: `192.0.2.1:53` or `[2001:db8::1]:53`.
std::string to_string(const Endpoint& endpoint);

// `192.0.2.0/24`, `2001:db8::/32`, or one address. IPv4 mapped into IPv6 is the IPv4 address.
class Prefix {
 public:
  static Result<Prefix> parse(std::string_view text);
  explicit Prefix(const boost::asio::ip::address& address);  // just this one
  bool contains(const boost::asio::ip::address& address) const;
  std::string text() const;
  friend bool operator==(const Prefix&, const Prefix&) = default;

 private:
  boost::asio::ip::address_v6::bytes_type octets_{};  // IPv4 as ::ffff:a.b.c.d
  unsigned bits_ = 128;
};

bool any_contains(const std::vector<Prefix>& prefixes, const boost::asio::ip::address& address);

}  // namespace understudy::net
