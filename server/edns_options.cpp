#include "server/edns_options.h"

#include <cassert>

namespace understudy::server {
namespace {

constexpr std::size_t option_head_octets = 4;
constexpr std::uint8_t soa_serial = 0;  // RFC 9660 7.2: the one type of version that there is

}  // namespace

void ResponseOptions::add(std::uint16_t code, dns::Octets data) {
  assert(size_ + option_head_octets + data.size() <= capacity);
  std::uint8_t* const out = octets_.data() + size_;
  dns::store16(out, code);
  dns::store16(out + 2, static_cast<std::uint16_t>(data.size()));
  if (!data.empty()) std::memcpy(out + option_head_octets, data.data(), data.size());
  size_ += option_head_octets + data.size();
}

void ResponseOptions::add_extended_error(dns::ExtendedError error) {
  std::array<std::uint8_t, 2> data;
  dns::store16(data.data(), static_cast<std::uint16_t>(error));
  add(option::extended_error, data);
}

void ResponseOptions::add_expire(std::uint32_t seconds) {
  std::array<std::uint8_t, 4> data;
  dns::store32(data.data(), seconds);
  add(option::expire, data);
}

void ResponseOptions::add_zone_version(unsigned apex_labels, std::uint32_t serial) {
  std::array<std::uint8_t, 6> data{static_cast<std::uint8_t>(apex_labels), soa_serial};
  dns::store32(data.data() + 2, serial);
  add(option::zone_version, data);
}

bool EdnsResponder::read(dns::Octets options, const boost::asio::ip::address& client, const Clock& clock,
                         OptionsAsked& asked) const {
  bool has_cookie = false;
  while (!options.empty()) {
    const std::uint16_t code = dns::load16(options.data());
    const std::size_t size = dns::load16(options.data() + 2);
    switch (code) {
      case option::nsid:  // RFC 5001 2.1: what a query's option holds is ignored
        asked.nsid = true;
        break;
      case option::expire:
        asked.expire = true;
        break;
      case option::zone_version:
        if (size != 0) return false;  // RFC 9660 3.1: queries have it empty
        asked.zone_version = true;
        break;
      case option::cookie:
        // RFC 7873 5.2: only the first one counts.
        if (!has_cookie) asked.cookie_data = options.subspan(option_head_octets, size);
        has_cookie = true;
        break;
      default:
        break;
    }
    options = options.subspan(option_head_octets + size);
  }
  if (!has_cookie || !cookies_.enabled()) return true;
  asked.now = clock.wall();
  asked.cookie = cookies_.check(asked.cookie_data, client, asked.now);
  return asked.cookie != CookieStanding::malformed;
}

void EdnsResponder::answer(const OptionsAsked& asked, const boost::asio::ip::address& client,
                           std::optional<dns::ExtendedError> error, ResponseOptions& options) const {
  if (error) options.add_extended_error(*error);
  if (asked.nsid && !nsid_.empty()) options.add(option::nsid, nsid_);
  if (asked.cookie == CookieStanding::client_only || asked.cookie == CookieStanding::valid) {
    options.add(option::cookie, cookies_.answer(asked.cookie_data, asked.cookie, client, asked.now));
  }
  if (!asked.zone) return;
  if (asked.zone_version) options.add_zone_version(asked.zone->apex_labels, asked.zone->serial);
  if (asked.zone->expire) options.add_expire(*asked.zone->expire);
}

}  // namespace understudy::server
