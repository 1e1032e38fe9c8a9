// DNS cookies (RFC 7873), made and checked as RFC 9018 says, so that servers of other makes behind the same
// address know them by the same secret.
//
// Immutable after construction; any thread; no heap on the query path.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>

#include "base/clock.h"
#include "base/siphash.h"
#include "dns/octets.h"

namespace understudy::server {

using CookieSecret = SipKey;

struct CookieSecrets {
  std::optional<CookieSecret> active;  // cookies are made with it; without it they are not answered at all
  std::optional<CookieSecret>
      other;  // and these are believed too: the one before, or the one to come (RFC 9018 5)
};

// What a query's COOKIE option is worth.
enum class CookieStanding : std::uint8_t {
  none,         // it has none
  malformed,    // FORMERR (RFC 7873 5.2.2)
  client_only,  // no server cookie, or one that is not (any more) ours
  valid,        // the client has had it from us: its address is its own
};

class Cookies {
 public:
  static constexpr std::size_t client_part_octets = 8, octets = 24;

  explicit Cookies(const CookieSecrets& secrets) : secrets_(secrets) {}

  bool enabled() const { return secrets_.active.has_value(); }
  // `option`: the data of the query's COOKIE option.
  CookieStanding check(dns::Octets option, const boost::asio::ip::address& client, UnixTime now) const;
  // The option for the response, client cookie included. A server cookie that is young enough is given back.
  std::array<std::uint8_t, octets> answer(dns::Octets option, CookieStanding standing,
                                          const boost::asio::ip::address& client, UnixTime now) const;

 private:
  CookieSecrets secrets_;
};

}  // namespace understudy::server
