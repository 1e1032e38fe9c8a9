// The options of EDNS: what a query asks for, and what its response carries. No heap; values of one query.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "dns/types.h"
#include "server/cookies.h"

namespace understudy::server {

// IANA, DNS EDNS0 Option Codes.
namespace option {
inline constexpr std::uint16_t nsid = 3, expire = 9, cookie = 10, extended_error = 15, zone_version = 19;
}

// The options of a response, as they are sent.
class ResponseOptions {
 public:
  static constexpr std::size_t longest_nsid = 128;

  void add(std::uint16_t code, dns::Octets data);
  void add_extended_error(dns::ExtendedError error);                  // RFC 8914 2
  void add_expire(std::uint32_t seconds);                             // RFC 7314 2
  void add_zone_version(unsigned apex_labels, std::uint32_t serial);  // RFC 9660 2
  dns::Octets octets() const { return {octets_.data(), size_}; }

  // All of them at once: an NSID, a cookie, EXPIRE, ZONEVERSION, an extended error.
  static constexpr std::size_t capacity = 5 * 4 + longest_nsid + 24 + 4 + 6 + 2;

 private:
  std::array<std::uint8_t, capacity> octets_;
  std::size_t size_ = 0;
};

// What a query's options ask for, and what there is to be said to them. Those that are not known are ignored
// (RFC 6891 6.1.2).
struct OptionsAsked {
  bool nsid = false;
  bool expire = false;
  bool zone_version = false;
  CookieStanding cookie = CookieStanding::none;
  dns::Octets cookie_data;
  UnixTime now = 0;  // where there is a cookie
  // Set by who asked the zone that encloses the name.
  struct Zone {
    unsigned apex_labels;
    std::uint32_t serial;
    std::optional<std::uint32_t> expire;
  };
  std::optional<Zone> zone;
};

// One a pipeline, immutable.
class EdnsResponder {
 public:
  EdnsResponder(std::vector<std::uint8_t> nsid, const CookieSecrets& secrets)
      : nsid_(std::move(nsid)), cookies_(secrets) {}

  // `options`: sound, as parse_query leaves them. False where one is not what its RFC wants: FORMERR.
  bool read(dns::Octets options, const boost::asio::ip::address& client, const Clock& clock,
            OptionsAsked& asked) const;
  void answer(const OptionsAsked& asked, const boost::asio::ip::address& client,
              std::optional<dns::ExtendedError> error, ResponseOptions& options) const;

 private:
  const std::vector<std::uint8_t> nsid_;
  const Cookies cookies_;
};

}  // namespace understudy::server
