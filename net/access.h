// Who may do something: an entry of an access list. Plain values, any thread; asking one takes no heap.
#pragma once

#include <optional>

#include "dns/name.h"
#include "net/address.h"

namespace understudy::net {

// A prefix, a key that the query was signed with (TSIG), or both; what is given must hold.
class AccessRule {
 public:
  // `192.0.2.0/24`, `key:xfr.example.`, or `192.0.2.0/24 key:xfr.example.`
  static Result<AccessRule> parse(std::string_view text);
  AccessRule(Prefix from) : from_(std::move(from)) {}

  // `key`: whose signature was good; nullptr where there was none.
  bool allows(const boost::asio::ip::address& address, const dns::Name* key) const {
    return (!from_ || from_->contains(address)) && (!key_ || (key != nullptr && *key == *key_));
  }
  const std::optional<dns::Name>& key() const { return key_; }
  std::string text() const;
  friend bool operator==(const AccessRule&, const AccessRule&) = default;

 private:
  AccessRule() = default;
  std::optional<Prefix> from_;
  std::optional<dns::Name> key_;
};

bool any_allows(const std::vector<AccessRule>& rules, const boost::asio::ip::address& address,
                const dns::Name* key);

// An address and perhaps a key, as lists of servers to be told have them: `192.0.2.1 key:xfr.example.`
struct KeyedEndpoint {
  KeyedEndpoint(Endpoint where, std::optional<dns::Name> with = {}) : address(where), key(std::move(with)) {}
  Endpoint address;
  std::optional<dns::Name> key;
  friend bool operator==(const KeyedEndpoint&, const KeyedEndpoint&) = default;
};
Result<KeyedEndpoint> parse_keyed_endpoint(std::string_view text, std::uint16_t default_port);

}  // namespace understudy::net
