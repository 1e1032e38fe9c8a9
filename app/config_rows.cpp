// One row declares an option. Adding one here is all it takes (CONTRIBUTING.md, "Add an option").
#include "app/config_rows.h"

#include "app/catalog_rows.h"
#include "app/expect_rows.h"
#include "app/gate_rows.h"
#include "app/pipeline_values.h"

namespace understudy::app {
namespace {

using Type = OptionType;

const std::string& text(const OptionValue& value) { return std::get<std::string>(value); }
std::int64_t number(const OptionValue& value) { return std::get<std::int64_t>(value); }
Seconds seconds(const OptionValue& value) { return Seconds(number(value)); }

constexpr std::uint16_t dns_port = 53;

// Puts a parsed value into its place, or says what was wrong with it.
template <class Place, class Parsed>
Result<> put(Place& place, const Result<Parsed>& parsed) {
  if (!parsed) return parsed.error();
  place = *parsed;
  return {};
}
template <class Place, class Value>
Result<> keep(Place& place, const Value& value) {
  place = static_cast<Place>(value);
  return {};
}
template <class List, class Element>
Result<> append(List& list, const Result<Element>& parsed) {
  if (!parsed) return parsed.error();
  list.push_back(*parsed);
  return {};
}

// One of secret and secret-file; both end up as text.
Result<> put_secret(KeyDraft& draft, const Result<std::string>& secret) {
  draft.two_secrets = draft.secret.has_value();
  draft.secret = secret ? *secret : std::string();
  draft.secret_unread = !secret;
  if (!secret) return secret.error();
  return {};
}

Result<> put_address(std::optional<boost::asio::ip::address>& place, const std::string& address) {
  boost::system::error_code fault;
  const auto parsed = boost::asio::ip::make_address(address, fault);
  if (fault) return Error{"configuration", '"' + address + "\" is no IP address"};
  place = parsed;
  return {};
}

Result<> put_level(log::Level& place, const std::string& word) {
  place = word == "debug"     ? log::Level::debug
          : word == "warning" ? log::Level::warning
          : word == "error"   ? log::Level::error
                              : log::Level::info;
  return {};
}

// "servfail", or "serve-stale:7d".
Result<> put_on_expire(Seconds& place, const std::string& value) {
  constexpr std::string_view stale = "serve-stale:";
  place = Seconds(0);
  if (value == "servfail") return {};
  if (!value.starts_with(stale)) return Error{"configuration", "wants \"servfail\", or \"serve-stale:7d\""};
  const auto duration = parse_duration(std::string_view(value).substr(stale.size()));
  if (!duration) return duration.error();
  if (*duration < Seconds(1))
    return Error{"configuration", "to serve stale data for no time is \"servfail\""};
  place = *duration;
  return {};
}

// Bounds of the timers: RFC 1035 3.3.13 gives SOA times 32 bits; above these a zone would hardly be looked
// after at all.
constexpr double minute = 60, day = 86400, year = 365 * day;
constexpr double largest_size = 1ull << 50;  // a PiB: as good as none

const ConfigRow rows[] = {
    {{"server", "listen", Type::list, "127.0.0.1:5300", 0, 0, "", "",
      "Addresses that answer queries, over UDP and TCP. Port 0 chooses one and prints it."},
     [](ConfigDraft& d, const OptionValue& v) { return append(d.config.listen, parse_listen(text(v))); }},
    {{"server", "data", Type::text, "/var/lib/understudy", 0, 0, "", "",
      "The directory of the mirror; made if there is none. One `serve` at a time uses it."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.data, text(v)); }},
    {{"server", "control", Type::text, "", 0, 0, "", "",
      "The Unix socket (mode 0600) through which the verbs speak to the server. Without it: `control.sock` "
      "in the data "
      "directory."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.control, text(v)); }},
    {{"server", "workers", Type::integer, "0", 0, 256, "threads", "",
      "Threads that answer queries; 0 is one a core."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.workers, number(v)); }},

    {{"server", "listen-tls", Type::list, "", 0, 0, "", "",
      "Addresses that answer queries over TLS (DoT), and transfers where TLS is 1.3; needs `[tls]`. Port 0 "
      "chooses one and prints it."},
     [](ConfigDraft& d, const OptionValue& v) { return append(d.config.listen_tls, parse_listen(text(v))); }},
    {{"server", "tcp-clients", Type::integer, "1000", 1, 1e6, "connections", "",
      "Connections at once, TLS included. At the bound a new one takes the place of the one that is idle "
      "longest."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.streams.connections, number(v)); }},
    {{"server", "tcp-clients-per-address", Type::integer, "100", 1, 1e6, "connections", "",
      "The same bound for one client: an IPv4 address, or an IPv6 /64."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.config.streams.connections_per_address, number(v));
     }},
    {{"server", "tcp-idle", Type::duration, "10s", 1, day, "", "",
      "A connection is closed after this long without a query answered or an octet of a response taken. "
      "Clients that ask are told (RFC 7828)."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.streams.idle, seconds(v)); }},
    {{"server", "tcp-lifetime", Type::duration, "10m", 1, year, "", "",
      "A connection is closed at this age, unless a zone is being transferred over it."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.streams.lifetime, seconds(v)); }},
    {{"server", "minimal-answers", Type::boolean, "true", 0, 0, "", "",
      "Leave addresses of MX, NS and SRV targets out of the additional section. Glue, and what SVCB and "
      "HTTPS point "
      "to, is always there."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.config.pipeline.minimal_answers, std::get<bool>(v));
     }},
    {{"server", "version-bind", Type::text, "", 0, 0, "", "",
      "What class CH `version.bind` and `version.server` are answered with; without it they are refused."},
     [](ConfigDraft& d, const OptionValue& v) {
       return put(d.config.pipeline.chaos.version, parse_chaos_text(text(v)));
     }},
    {{"server", "hostname-bind", Type::text, "", 0, 0, "", "",
      "What class CH `hostname.bind` is answered with; without it it is refused."},
     [](ConfigDraft& d, const OptionValue& v) {
       return put(d.config.pipeline.chaos.hostname, parse_chaos_text(text(v)));
     }},
    {{"server", "id-server", Type::text, "", 0, 0, "", "",
      "What class CH `id.server` (RFC 4892) is answered with; without it it is refused."},
     [](ConfigDraft& d, const OptionValue& v) {
       return put(d.config.pipeline.chaos.id, parse_chaos_text(text(v)));
     }},

    {{"tls", "certificate", Type::text, "", 0, 0, "", "",
      "The file with the certificate in PEM, the intermediate ones after it. It and the key are read again "
      "when they change; a pair that is no good is told in the log and the one before goes on."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.streams.tls.certificate, text(v)); }},
    {{"tls", "key", Type::text, "", 0, 0, "", "", "The file with the certificate's private key in PEM."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.streams.tls.key, text(v)); }},
    {{"tls", "ca", Type::text, "", 0, 0, "", "",
      "A file of certificates in PEM: the authorities that primaries of `xot://` sources must be certified "
      "by. "
      "Without it: those of the system."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.streams.ca, text(v)); }},
    {{"tls", "client-ca", Type::text, "", 0, 0, "", "",
      "A file of certificates in PEM: the authorities of clients. Clients over TLS are then asked for a "
      "certificate, and entries `tls:NAME` of access lists hold for those that have one of such an authority "
      "with that name. It is read again when it changes."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.streams.tls.client_ca, text(v)); }},
    {{"tls", "pins", Type::list, "", 0, 0, "", "",
      "Keys of clients, each the SHA-256 of the public key in base64: for entries `tls:pin:BASE64` of access "
      "lists. Clients over TLS are then asked for a certificate, and its key counts whoever issued it and "
      "until whenever; its names do not, they need `client-ca`. With or without `client-ca`."},
     [](ConfigDraft& d, const OptionValue& v) {
       return append(d.config.streams.tls.client_pins, net::parse_pin(text(v)));
     }},

    {{"edns", "padding", Type::integer, "468", 0, 4096, "octets", "",
      "Over TLS, responses to clients that pad their queries are filled up to a multiple of this (RFC 8467); "
      "0 is never."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.streams.padding, number(v)); }},

    {{"key", "name", Type::text, "", 0, 0, "", "",
      "The key's name, which both servers must call it by. Required."},
     [](ConfigDraft& d, const OptionValue& v) { return put(d.key.name, dns::Name::from_text(text(v))); }},
    {{"key", "algorithm", Type::text, "hmac-sha256", 0, 0, "", "",
      "How messages are signed: `hmac-sha256`, `hmac-sha384`, `hmac-sha512`, or for peers that know no "
      "better "
      "`hmac-sha224`, `hmac-sha1` and `hmac-md5`, which is broken."},
     [](ConfigDraft& d, const OptionValue& v) { return put(d.key.algorithm, parse_key_algorithm(text(v))); }},
    {{"key", "secret", Type::text, "", 0, 0, "", "",
      "The secret in base64. Who may read this file knows it: `secret-file` is the better place."},
     [](ConfigDraft& d, const OptionValue& v) { return put_secret(d.key, text(v)); }},
    {{"key", "secret-file", Type::text, "", 0, 0, "", "",
      "A file that holds the secret in base64 and nothing else, and that not everybody may read."},
     [](ConfigDraft& d, const OptionValue& v) { return put_secret(d.key, read_secret_file(text(v))); }},

    {{"http", "listen", Type::text, "127.0.0.1:9853", 0, 0, "", "",
      "Where `/metrics`, `/healthz`, `/readyz`, the API and the status page are read; \"off\" for nowhere. "
      "It is read-only "
      "and knows no passwords: keep it on an address that only those reach who may look."},
     [](ConfigDraft& d, const OptionValue& v) { return put(d.config.http, parse_http(text(v))); }},
    {{"http", "public", Type::text, "off", 0, 0, "", "",
      "Where the public status page is read: which zones there are and the state of each, and nothing else. "
      "For a page that needs neither provider, put it on an address of its own; \"off\" for nowhere."},
     [](ConfigDraft& d, const OptionValue& v) { return put(d.config.http_public, parse_http(text(v))); }},
    {{"http", "ready-min-served-ratio", Type::ratio, "0.0", 0, 1, "", "",
      "The share of zones that must be served for `/readyz` to say yes. 0 keeps one bad zone, or a dark "
      "primary, from "
      "taking the whole node out of service."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.config.ready_min_served_ratio, std::get<double>(v));
     }},

    {{"metrics", "zones", Type::list, "", 0, 0, "", "",
      "The zones that have series of their own: names, in which `*` stands for any characters. Without it: "
      "the "
      "first thousand. The others are counted by `understudy_zones_suppressed` and are part of all totals."},
     [](ConfigDraft& d, const OptionValue& v) {
       return append(d.config.metrics_zones, Result<std::string>(text(v)));
     }},

    {{"zone", "name", Type::text, "", 0, 0, "", "", "The zone's apex, with or without the final dot."},
     [](ConfigDraft& d, const OptionValue& v) {
       return append(d.zone_names, dns::Name::from_text(text(v)));
     }},
    {{"zone", "names", Type::list, "", 0, 0, "", "",
      "Several zones that are alike in all the keys of this table."},
     [](ConfigDraft& d, const OptionValue& v) {
       return append(d.zone_names, dns::Name::from_text(text(v)));
     }},
    {{"zone", "source", Type::list, "", 0, 0, "", "",
      "Where the zone is learned from, in order of preference: `axfr://ADDR[:PORT]` asks a primary for "
      "transfers, `axfr://ADDR[:PORT]?key=NAME` with every message signed (TSIG, see `[[key]]`), "
      "`xot://ADDR[:PORT]?name=HOST` over TLS 1.3 (port 853), and never otherwise, from the server whose "
      "certificate is for that name, or with `pin=` and the SHA-256 of its key in base64 from the one with "
      "that "
      "key (joined by `&`, as is `key=`; `alpn=optional` takes a server that is too old to say that it "
      "speaks DNS, as RFC 9103 wants it: NSD), both with `ixfr=no` where only whole zones are to be asked "
      "for, "
      "`file:PATH` reads a zone file and reads it again when it changes. Required."},
     [](ConfigDraft& d, const OptionValue& v) {
       return append(d.zone.sources, sync::parse_source(text(v)));
     }},
    {{"zone", "allow-notify", Type::list, "", 0, 0, "", "",
      "Whose NOTIFY is believed, besides the sources' own addresses (but where an entry names such an "
      "address, "
      "only that entry): an address or prefix; `key:NAME` for what is signed with a key of `[[key]]`; "
      "`tls:NAME` for what comes over TLS from a client whose certificate is for that name (see `[tls] "
      "client-ca`), `tls:pin:BASE64` from the one with that key (see `[tls] pins`), `tls` from any; or "
      "several of "
      "them "
      "with blanks between them (`192.0.2.0/24 key:xfr.example.`), and then all must hold."},
     [](ConfigDraft& d, const OptionValue& v) {
       return append(d.zone.allow_notify, net::AccessRule::parse(text(v)));
     }},
    {{"zone", "allow-transfer", Type::list, "", 0, 0, "", "",
      "Who may transfer the zone from us (AXFR, IXFR): entries as in `allow-notify`; without it nobody may."},
     [](ConfigDraft& d, const OptionValue& v) {
       return append(d.zone.allow_transfer, net::AccessRule::parse(text(v)));
     }},
    {{"zone", "notify", Type::list, "", 0, 0, "", "",
      "Secondaries of ours that are told of every new version; port 53 unless given. `ADDR key:NAME` signs "
      "what "
      "they are told with a key of `[[key]]`, and their answers must be signed too. `ADDR tcp` tells them "
      "over "
      "TCP, `ADDR tls:NAME` (or `tls:pin:BASE64`) over TLS, port 853, where the certificate is for that "
      "name."},
     [](ConfigDraft& d, const OptionValue& v) {
       return append(d.zone.notify, net::parse_keyed_endpoint(text(v), dns_port));
     }},
    {{"zone", "transfer-source", Type::text, "", 0, 0, "", "",
      "The local address that primaries are asked from, for those that keep access lists."},
     [](ConfigDraft& d, const OptionValue& v) { return put_address(d.zone.transfer_source, text(v)); }},
    {{"zone", "compare-with", Type::list, "", 0, 0, "", "",
      "The primary's addresses whose answers are compared with ours; port 53 unless given. Without it: the "
      "addresses of "
      "the sources. A zone with neither stays unknown."},
     [](ConfigDraft& d, const OptionValue& v) {
       return append(d.zone.compare_with, net::parse_endpoint(text(v), dns_port));
     }},
    {{"zone", "pin-tolerance", Type::duration, "10s", 0, day, "", "",
      "How long the primary that gave the version that is served may lag behind another of the sources "
      "before "
      "that one is moved to, and the zone transferred whole from there. Differences (IXFR) are asked of the "
      "primary that gave what is served only: two primaries may come to one serial by different ways. 0s: at "
      "once."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.pin_tolerance, seconds(v)); }},
    {{"zone", "refresh-min", Type::duration, "60s", 1, year, "", "",
      "The SOA's REFRESH is raised to this: how long to wait between checks."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.timers.refresh_min, seconds(v)); }},
    {{"zone", "refresh-max", Type::duration, "1d", 1, year, "", "", "The SOA's REFRESH is lowered to this."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.timers.refresh_max, seconds(v)); }},
    {{"zone", "retry-min", Type::duration, "10s", 1, year, "", "",
      "The SOA's RETRY is raised to this: how long to wait after a check that failed."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.timers.retry_min, seconds(v)); }},
    {{"zone", "retry-max", Type::duration, "1h", 1, year, "", "", "The SOA's RETRY is lowered to this."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.timers.retry_max, seconds(v)); }},
    {{"zone", "expire-min", Type::duration, "1h", minute, 10 * year, "", "",
      "The SOA's EXPIRE is raised to this: how long the zone is served after the last successful check. "
      "Where "
      "a primary tells how long its own copy holds (EDNS EXPIRE, RFC 7314), that counts instead if it is "
      "less, "
      "and is raised likewise."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.timers.expire_min, seconds(v)); }},
    {{"zone", "expire-max", Type::duration, "4w", minute, 10 * year, "", "",
      "The SOA's EXPIRE is lowered to this."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.timers.expire_max, seconds(v)); }},
    {{"zone", "on-expire", Type::text, "servfail", 0, 0, "", "",
      "What clients get when no primary has confirmed the zone for the SOA's EXPIRE: \"servfail\" (with "
      "Extended "
      "DNS Error 24), or \"serve-stale:7d\": the last good version for so long (with Extended DNS Error 3), "
      "and "
      "SERVFAIL then."},
     [](ConfigDraft& d, const OptionValue& v) { return put_on_expire(d.zone.serve_stale, text(v)); }},
    {{"zone", "stale-past-signature", Type::choice, "serve", 0, 0, "", "serve|stop",
      "The first signature of a zone that is served stale ends: an alarm only, or SERVFAIL from then on."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.zone.stop_past_signature, text(v) == "stop");
     }},
    {{"zone", "serial", Type::choice, "keep", 0, 0, "", "keep|raise",
      "The serial of a version that is not newer than the one that is served (a rollback; a provider that "
      "does not "
      "move it): keep it, so that secondaries of ours notice nothing by themselves; or raise it to the one "
      "after "
      "the served one. Raising refuses versions with RRSIG or ZONEMD records, which it would make wrong."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.raise_serial, text(v) == "raise"); }},
    {{"zone", "out-of-zone", Type::choice, "drop", 0, 0, "", "drop|refuse",
      "Records of a transfer that do not belong to the zone: drop them and raise an alarm, or refuse the "
      "version."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.zone.refuse_out_of_zone, text(v) == "refuse");
     }},
    {{"zone", "cname-conflict", Type::choice, "refuse", 0, 0, "", "refuse|drop",
      "A CNAME beside other data: refuse the version, or keep the CNAME out of it."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.zone.drop_cname_conflicts, text(v) == "drop");
     }},
    {{"zone", "transfer-max-size", Type::size, "16GiB", 65536, largest_size, "", "",
      "A transfer that brings more octets is refused."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.transfer_octets, number(v)); }},
    {{"zone", "transfer-max-records", Type::integer, "200000000", 1, 1e15, "records", "",
      "A transfer that brings more records is refused."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.transfer_records, number(v)); }},
    {{"zone", "max-records-per-name", Type::integer, "100000", 1, 4e9, "records", "",
      "A version with more records at one owner name is refused."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.records_per_name, number(v)); }},
    {{"zone", "keep.versions", Type::integer, "1000", 1, 1e9, "versions", "",
      "Versions that the mirror remembers, the live one among them. Written `keep = { versions = 1000, age = "
      "\"90d\", bytes = \"1GiB\" }`; a version is forgotten as soon as one of the three says so."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.keep.versions, number(v)); }},
    {{"zone", "keep.age", Type::duration, "90d", minute, 100 * year, "", "",
      "A version that was published longer ago is forgotten; the live one never is."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.keep.age, seconds(v)); }},
    {{"zone", "keep.bytes", Type::size, "1GiB", 0, largest_size, "", "",
      "What the versions before the live one may take in the mirror."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.zone.keep.octets, number(v)); }},

    {{"edns", "nsid", Type::text, "", 0, 0, "", "",
      "Which server of several answers, told to those who ask (NSID, RFC 5001): a text, or `0x` and "
      "hexadecimal "
      "digits; at most 128 octets. Without it nothing is told."},
     [](ConfigDraft& d, const OptionValue& v) { return put(d.config.pipeline.nsid, parse_nsid(text(v))); }},
    {{"edns", "cookie-secret-file", Type::text, "", 0, 0, "", "",
      "The secret of DNS cookies (RFC 9018), for servers that share an address: a line of 32 hexadecimal "
      "digits. A "
      "second line is believed as well: the secret before, or the next one. Without it: a secret of its own, "
      "new at "
      "each start."},
     [](ConfigDraft& d, const OptionValue& v) {
       return put(d.config.pipeline.cookies, read_cookie_secrets(text(v)));
     }},

    {{"rrl", "responses-per-second", Type::ratio, "0", 0, 1e9, "responses a second", "",
      "How many responses of one kind (the same RRset, referrals to one cut, denials of one zone, errors) "
      "one network "
      "is sent over UDP. 0: no limit. Clients with a valid DNS cookie are not limited."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.config.pipeline.rate_limit.responses_per_second, std::get<double>(v));
     }},
    {{"rrl", "slip", Type::integer, "2", 0, 100, "responses", "",
      "Of the responses over the limit every so many-th is sent truncated, so that honest clients come back "
      "over "
      "TCP (BADCOOKIE for those that know cookies); 0: all are dropped, 1: none."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.pipeline.rate_limit.slip, number(v)); }},
    {{"rrl", "ipv4-prefix", Type::integer, "24", 1, 32, "bits", "",
      "How much of an IPv4 address is one network."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.config.pipeline.rate_limit.ipv4_prefix, number(v));
     }},
    {{"rrl", "ipv6-prefix", Type::integer, "56", 1, 128, "bits", "",
      "How much of an IPv6 address is one network."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.config.pipeline.rate_limit.ipv6_prefix, number(v));
     }},
    {{"rrl", "exempt", Type::list, "", 0, 0, "", "", "Addresses and prefixes that are not limited."},
     [](ConfigDraft& d, const OptionValue& v) {
       return append(d.config.pipeline.rate_limit.exempt, net::Prefix::parse(text(v)));
     }},
    {{"rrl", "log-only", Type::boolean, "false", 0, 0, "", "",
      "Count what would be limited (`understudy_dns_rate_limited_total`), and send it all the same."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.config.pipeline.rate_limit.log_only, std::get<bool>(v));
     }},
    {{"rrl", "table-size", Type::integer, "65536", 4, 1e8, "buckets", "",
      "How many networks and kinds of response each worker keeps count of, at 16 octets each."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.config.pipeline.rate_limit.table_size, number(v));
     }},

    {{"compare", "rate", Type::ratio, "50", 0.01, 1e6, "queries a second", "",
      "How many queries one address of a primary is asked at most; some providers bill them."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.compare_rate, std::get<double>(v)); }},
    {{"compare", "period", Type::duration, "1h", 1, year, "", "",
      "A full pass over a zone begins at most this often. The rate wins: a pass takes as long as it takes."},
     [](ConfigDraft& d, const OptionValue& v) { return keep(d.config.compare_period, seconds(v)); }},
    {{"compare", "live-share", Type::ratio, "0.001", 0, 1, "", "",
      "Which share of the queries that clients send is put to the primary as well, within the rate: its "
      "question and nothing of the client, in clear text, also where it came over TLS."},
     [](ConfigDraft& d, const OptionValue& v) {
       return keep(d.config.compare_live_share, std::get<double>(v));
     }},

    {{"log", "level", Type::choice, "info", 0, 0, "", "debug|info|warning|error",
      "Events below this level are not written. The log goes to standard error, a line an event."},
     [](ConfigDraft& d, const OptionValue& v) { return put_level(d.config.log_level, text(v)); }},
};

}  // namespace

std::span<const ConfigRow> config_rows() {
  static const std::vector<ConfigRow> all = [] {
    std::vector<ConfigRow> made(std::begin(rows), std::end(rows));
    const std::vector<ConfigRow> gate = gate_rows();
    made.insert(made.end(), gate.begin(), gate.end());
    const std::vector<ConfigRow> catalog = catalog_rows(made);
    made.insert(made.end(), catalog.begin(), catalog.end());
    const std::vector<ConfigRow> expect = expect_rows();
    made.insert(made.end(), expect.begin(), expect.end());
    return made;
  }();
  return all;
}

}  // namespace understudy::app
