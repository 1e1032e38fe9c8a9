// Who may do something: an entry of an access list. Plain values, any thread; asking one takes no heap.
#pragma once

#include <optional>

#include "dns/name.h"
#include "net/address.h"
#include "net/tls_peer.h"

namespace understudy::net {

// What a client has shown of itself.
struct Caller {
  const boost::asio::ip::address& address;
  const dns::Name* key = nullptr;       // whose signature was good (TSIG); nullptr where there was none
  const ClientIdentity* tls = nullptr;  // over TLS: what it has proved there; nullptr in the clear
};

// A prefix, a key that the query was signed with (TSIG), TLS and who its client has proved to be, or several
// of them; what is given must hold. So what names TLS is nothing that a client in the clear ever passes.
class AccessRule {
 public:
  // `192.0.2.0/24`, `key:xfr.example.`, `tls:ns2.example` (that name in a certificate that an
  // authority issued), `tls:pin:BASE64` (that key), `tls` (whoever), or several of them with blanks between
  // them, the prefix first.
  static Result<AccessRule> parse(std::string_view text);
  AccessRule(Prefix from) : from_(std::move(from)) {}

  bool allows(const Caller& caller) const {
    return (!from_ || from_->contains(caller.address)) &&
           (!key_ || (caller.key != nullptr && *caller.key == *key_)) &&
           (!tls_ || (caller.tls != nullptr && proves(*caller.tls, *tls_)));
  }
  const std::optional<Prefix>& from() const { return from_; }
  const std::optional<dns::Name>& key() const { return key_; }
  const std::optional<TlsIdentity>& tls() const { return tls_; }
  std::string text() const;
  friend bool operator==(const AccessRule&, const AccessRule&) = default;

 private:
  AccessRule() = default;
  std::optional<Prefix> from_;
  std::optional<dns::Name> key_;
  std::optional<TlsIdentity> tls_;
};

bool any_allows(const std::vector<AccessRule>& rules, const Caller& caller);

// An address and how its server is spoken to, as lists of servers to be told have them: `192.0.2.1
// key:xfr.example.`, `192.0.2.1 tcp`, `192.0.2.1 tls:ns2.example` (or `tls:pin:BASE64`; port 853).
struct KeyedEndpoint {
  KeyedEndpoint(Endpoint where, std::optional<dns::Name> with = {}) : address(where), key(std::move(with)) {}
  Endpoint address;
  std::optional<dns::Name> key;
  bool tcp = false;
  std::optional<TlsIdentity> tls;
  friend bool operator==(const KeyedEndpoint&, const KeyedEndpoint&) = default;
};
Result<KeyedEndpoint> parse_keyed_endpoint(std::string_view text, std::uint16_t default_port);

}  // namespace understudy::net
