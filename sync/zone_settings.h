// What the operator says of a zone, as sync needs it. Made by app/ from the configuration; immutable.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "backend/added_zone.h"
#include "backend/versions.h"
#include "base/clock.h"
#include "base/limits.h"
#include "dns/name.h"
#include "dns/tsig_key.h"
#include "net/access.h"
#include "net/tls_client.h"
#include "sync/gate_policy.h"
#include "sync/name_pattern.h"

namespace understudy::sync {

struct AxfrSource {
  net::Endpoint primary;
  std::optional<dns::Name> key = {};         // that every message is signed with (TSIG)
  std::optional<net::TlsIdentity> tls = {};  // it is asked over TLS (XoT), never in the clear
  bool ixfr = true;                          // false: the zone always comes whole
  friend bool operator==(const AxfrSource&, const AxfrSource&) = default;
};
struct FileSource {
  std::string path;
  friend bool operator==(const FileSource&, const FileSource&) = default;
};
// The zone is a catalog that we make ourselves, of zones that we serve (RFC 9432).
struct PublishedCatalog {
  std::vector<NamePattern> zones;
  std::vector<std::pair<NamePattern, std::string>> groups;  // the group of zones; the first that fits
  friend bool operator==(const PublishedCatalog&, const PublishedCatalog&) = default;
};
using SourceSpec = std::variant<AxfrSource, FileSource, PublishedCatalog>;

// `axfr://ADDR[:PORT][?key=NAME]`, `xot://ADDR[:PORT]?name=HOST` (and &pin=, &key=, &alpn=optional), both
// with `ixfr=no` where differences are not to be asked for, or `file:PATH`; the error names what is
// understood.
Result<SourceSpec> parse_source(std::string_view text);
std::string to_string(const SourceSpec& source);
// Over what zones come from there: "tcp", "tls", or "file".
std::string_view transport_of(const SourceSpec& source);

struct TimerBounds {
  Seconds refresh_min{60}, refresh_max{86400}, retry_min{10}, retry_max{3600}, expire_min{3600},
      expire_max{2419200};
  friend bool operator==(const TimerBounds&, const TimerBounds&) = default;
};

// What is the same for very many zones: their agents share one of it.
struct SharedSettings {
  std::vector<SourceSpec> sources;  // in order of preference
  std::string unusable;  // why there is none: what the zone was added with is not understood any more
  std::vector<net::AccessRule> allow_notify, allow_transfer;
  std::optional<std::vector<net::AccessRule>> allow_query = {};  // none: everybody
  std::vector<net::KeyedEndpoint> notify;
  std::vector<net::Endpoint> compare_with;  // empty: the transfer sources' addresses
  std::optional<boost::asio::ip::address> transfer_source;
  TimerBounds timers;
  Seconds pin_tolerance{10};          // how long the primary of the live version may lag behind another
  bool refuse_out_of_zone = false;    // false: such records are dropped, with an alarm
  bool drop_cname_conflicts = false;  // false: a CNAME beside other data refuses the version
  backend::Keep keep;                 // the versions that are remembered
  GatePolicy gate;
  bool raise_serial = false;         // false: versions keep their source's serial, though it does not move on
  Seconds serve_stale{0};            // for so long past expire; 0: SERVFAIL at once
  bool stop_past_signature = false;  // stale data are served no longer than their signatures hold
  std::uint64_t transfer_octets = limits::transfer_octets;
  std::uint64_t transfer_records = limits::transfer_records;
  std::uint32_t records_per_name = limits::records_per_name;
  friend bool operator==(const SharedSettings&, const SharedSettings&) = default;
};

struct ZoneSettings : SharedSettings {
  dns::Name apex;
  bool added = false;  // at run time; false: the configuration has it
  // A catalog has it; few zones are in one, and it is large.
  std::shared_ptr<const backend::MemberZone> member = {};
};

// What sync shows to other servers and believes of them. A reload replaces both; what was begun with others
// ends with them.
struct Credentials {
  dns::TsigKeyRingPtr keys = {};                   // none: no source has one
  std::shared_ptr<const net::TlsClient> tls = {};  // none: nobody is asked over TLS
};

// An error where the zone names a key that is not among `keys`: "key-unknown".
std::optional<Error> unknown_key(const SharedSettings& zone, const dns::TsigKeyRing& keys);

// A catalog that is made here; and one that is made here or obeyed: no zone for the public.
bool publishes_catalog(const SharedSettings& zone);
bool is_catalog(const SharedSettings& zone);

// Learned from here alone: no primary can fall silent, and the zone never expires.
bool is_local(const SharedSettings& zone);

// Whose answers are compared with ours: `compare_with`, or else the sources that have an address.
std::vector<net::Endpoint> compared_addresses(const SharedSettings& zone);

}  // namespace understudy::sync
