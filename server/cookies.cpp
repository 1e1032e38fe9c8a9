#include "server/cookies.h"

#include <algorithm>

namespace understudy::server {
namespace {

// RFC 7873 4.1 and 4.2.
constexpr std::size_t server_octets_min = 8, server_octets_max = 32;
// RFC 9018 4: version 1, three reserved octets, a timestamp, the hash.
constexpr std::size_t server_octets = 16, head_octets = 8;
constexpr std::uint8_t version = 1;
// RFC 9018 4.3: cookies are good for an hour, clocks may differ by five minutes, and after half an hour a new
// one is made.
constexpr std::int32_t oldest_seconds = 3600, ahead_seconds = 300, renew_seconds = 1800;

using ServerCookie = std::array<std::uint8_t, server_octets>;

// The hash over client cookie, the first half of the server cookie, and the client's address; in the order of
// the octets that SipHash's authors give.
std::uint64_t hash(const CookieSecret& secret, dns::Octets client_cookie, const std::uint8_t* head,
                   const boost::asio::ip::address& client) {
  std::array<std::uint8_t, Cookies::client_part_octets + head_octets + 16> input;
  std::copy_n(client_cookie.begin(), Cookies::client_part_octets, input.begin());
  std::copy_n(head, head_octets, input.begin() + Cookies::client_part_octets);
  std::size_t size = Cookies::client_part_octets + head_octets;
  if (client.is_v4()) {
    const auto address = client.to_v4().to_bytes();
    std::ranges::copy(address, input.begin() + static_cast<std::ptrdiff_t>(size));
    size += address.size();
  } else {
    const auto address = client.to_v6().to_bytes();
    std::ranges::copy(address, input.begin() + static_cast<std::ptrdiff_t>(size));
    size += address.size();
  }
  return siphash(secret, {input.data(), size});
}

// RFC 1982 arithmetic, as RFC 9018 4.3 wants it.
std::int32_t age(const std::uint8_t* cookie, UnixTime now) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(now) - dns::load32(cookie + 4));
}

}  // namespace

CookieStanding Cookies::check(dns::Octets option, const boost::asio::ip::address& client,
                              UnixTime now) const {
  if (option.size() == client_part_octets) return CookieStanding::client_only;
  if (option.size() < client_part_octets + server_octets_min ||
      option.size() > client_part_octets + server_octets_max) {
    return CookieStanding::malformed;
  }
  // What another kind of server made is no cookie of ours (RFC 7873 5.2.4).
  if (option.size() != client_part_octets + server_octets) return CookieStanding::client_only;
  const std::uint8_t* const cookie = option.data() + client_part_octets;
  if (cookie[0] != version) return CookieStanding::client_only;
  if (age(cookie, now) > oldest_seconds || age(cookie, now) < -ahead_seconds)
    return CookieStanding::client_only;
  for (const auto& secret : {secrets_.active, secrets_.other}) {
    if (!secret) continue;
    const std::uint64_t expected = hash(*secret, option, cookie, client);
    if (std::memcmp(&expected, cookie + head_octets, sizeof expected) == 0) return CookieStanding::valid;
  }
  return CookieStanding::client_only;
}

std::array<std::uint8_t, Cookies::octets> Cookies::answer(dns::Octets option, CookieStanding standing,
                                                          const boost::asio::ip::address& client,
                                                          UnixTime now) const {
  std::array<std::uint8_t, octets> out{};
  std::copy_n(option.begin(), client_part_octets, out.begin());
  std::uint8_t* const cookie = out.data() + client_part_octets;
  if (standing == CookieStanding::valid) {
    const std::uint8_t* const theirs = option.data() + client_part_octets;
    const std::uint64_t ours = hash(*secrets_.active, option, theirs, client);
    // One made with the other secret is replaced, whatever its age (RFC 9018 5).
    const bool current = std::memcmp(&ours, theirs + head_octets, sizeof ours) == 0;
    if (current && age(theirs, now) <= renew_seconds) {
      std::copy_n(theirs, server_octets, cookie);
      return out;
    }
  }
  cookie[0] = version;
  dns::store32(cookie + 4, static_cast<std::uint32_t>(now));
  const std::uint64_t made = hash(*secrets_.active, option, cookie, client);
  std::memcpy(cookie + head_octets, &made, sizeof made);
  return out;
}

}  // namespace understudy::server
