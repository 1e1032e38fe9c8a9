// Why a check failed or a version was not taken: one word each, the same in logs, metrics, `status` and JSON.
//
// The words of sockets (timeout, connection-refused, unreachable, truncated, network, malformed) are net/'s,
// those that the builder, the editor and the mirror give are backend/'s.
#pragma once

#include <string_view>

#include "backend/reasons.h"
#include "dns/tsig.h"
#include "net/network_error.h"

namespace understudy::sync::reason {

using namespace net::reason;
using namespace backend::reason;

// The primary said no.
inline constexpr std::string_view refused = "refused";    // RCODE REFUSED: our address is not on its list
inline constexpr std::string_view servfail = "servfail";  // RCODE SERVFAIL: it cannot serve the zone itself
inline constexpr std::string_view notauth = "notauth";    // RCODE NOTAUTH: it does not have the zone
inline constexpr std::string_view not_implemented =
    "not-implemented";                                      // RCODE NOTIMP: it does not do transfers
inline constexpr std::string_view formerr = "formerr";      // RCODE FORMERR: it did not understand us
inline constexpr std::string_view name_error = "nxdomain";  // RCODE NXDOMAIN: it knows no such name
inline constexpr std::string_view bad_rcode = "rcode";      // any other RCODE than NOERROR
inline constexpr std::string_view not_authoritative =
    "not-authoritative";  // an SOA answer without the AA bit

// What came cannot be believed: the source has a key (TSIG), and the signatures are not what they must be.
inline constexpr std::string_view tsig_missing = dns::tsig_reason::missing;
inline constexpr std::string_view tsig_badkey = dns::tsig_reason::badkey;
inline constexpr std::string_view tsig_badsig = dns::tsig_reason::badsig;
inline constexpr std::string_view tsig_badtime = dns::tsig_reason::badtime;
inline constexpr std::string_view tsig_badtrunc = dns::tsig_reason::badtrunc;
inline constexpr std::string_view key_unknown =
    "key-unknown";  // the source names a key that is not configured

// What came was no whole, sane zone.
inline constexpr std::string_view soa_mismatch = "soa-mismatch";      // the last SOA is not the first one
inline constexpr std::string_view data_after_end = "data-after-end";  // records behind the last SOA
inline constexpr std::string_view wrong_class = "wrong-class";        // another class than IN
inline constexpr std::string_view meta_type = "meta-type";            // a type that is never data of a zone
inline constexpr std::string_view out_of_zone =
    "out-of-zone";                                          // an owner outside, and the option to refuse it
inline constexpr std::string_view bad_rdata = "bad-rdata";  // data that its type does not allow
inline constexpr std::string_view limit_octets = "limit-octets";  // more octets than transfer-max-size allows
inline constexpr std::string_view limit_records =
    "limit-records";  // more records than transfer-max-records allows
inline constexpr std::string_view empty_messages =
    "empty-messages";  // message after message without a record
// What came were no differences that lead on from what we have (RFC 1995).
inline constexpr std::string_view ixfr_gap = "ixfr-gap";  // one does not continue from the version before it
inline constexpr std::string_view ixfr_soa_only = "ixfr-soa-only";  // a newer SOA, and nothing behind it

// It was whole, and the gate held it.
inline constexpr std::string_view shrink = "shrink";                // too many records fewer
inline constexpr std::string_view churn = "churn";                  // too many records gone or replaced
inline constexpr std::string_view ns_lost = "ns-lost";              // NS records of the apex
inline constexpr std::string_view mx_lost = "mx-lost";              // the MX of the apex
inline constexpr std::string_view dnskey_lost = "dnskey-lost";      // the DNSKEY of the apex
inline constexpr std::string_view wildcard_lost = "wildcard-lost";  // a wildcard that was there
inline constexpr std::string_view zonemd = "zonemd";                // the zone's digest does not fit it
inline constexpr std::string_view dnssec = "dnssec";                // its signatures do not fit it
inline constexpr std::string_view ds_at_parent = "ds-at-parent";    // no keys, and the parent says there are
inline constexpr std::string_view command = "command";              // the operator's own check said no
inline constexpr std::string_view catalog_broken =
    "catalog-broken";  // a catalog zone that is none (RFC 9432)
inline constexpr std::string_view catalog_shrink = "catalog-shrink";  // too many members gone at once
inline constexpr std::string_view serial_backwards =
    "serial-backwards";  // older than what is served, or not comparable
inline constexpr std::string_view serial_unmoved = "serial-unmoved";  // other content under the same serial
inline constexpr std::string_view on_hold = "hold";                   // the operator held the zone
inline constexpr std::string_view rolled_back = "rollback";           // or rolled it back
// Of all of them: what versions_held_total counts by.
inline constexpr std::string_view held_for[] = {
    shrink,         churn,          ns_lost,      mx_lost,    dnskey_lost,      wildcard_lost,
    zonemd,         dnssec,         ds_at_parent, command,    serial_backwards, catalog_broken,
    catalog_shrink, serial_unmoved, on_hold,      rolled_back};
// Those that a version may be served with, where the policy is to warn: what versions_warned_total counts by.
inline constexpr std::string_view warned_of[] = {mx_lost, dnskey_lost, wildcard_lost,
                                                 zonemd,  dnssec,      ds_at_parent};

// It was whole, and still not for us.
inline constexpr std::string_view not_held = "not-held";  // that version is not, or no longer, held
inline constexpr std::string_view serial_raise =
    "serial-raise";  // a serial that had to be raised is signed or digested
inline constexpr std::string_view signature_ended =
    "signature-ended";                                        // of a version that an operator wants back
inline constexpr std::string_view superseded = "superseded";  // another version was published meanwhile
inline constexpr std::string_view file_unreadable = "file-unreadable";  // a zone file that cannot be read
inline constexpr std::string_view bad_zone_file = "bad-zone-file";      // a zone file that is no zone
inline constexpr std::string_view bad_source = "bad-source";            // of a SOURCE as it is written
inline constexpr std::string_view no_source = "no-source";  // the zone has no source, or does not exist here
inline constexpr std::string_view zone_exists = "zone-exists";  // it is served already
inline constexpr std::string_view zone_configured =
    "zone-configured";  // only the configuration can take it out
inline constexpr std::string_view zone_of_catalog = "zone-of-catalog";  // only the catalog can take it out
inline constexpr std::string_view catalog_clash = "catalog-clash";  // a member that somebody else has already
inline constexpr std::string_view catalog_not_allowed =
    "catalog-not-allowed";                                        // a member that the catalog may not bring
inline constexpr std::string_view zone_busy = "zone-busy";        // it is being added or removed just now
inline constexpr std::string_view zone_removed = "zone-removed";  // while something for it was under way

// What a reason says of the primary.
enum class Blame : unsigned char {
  silence,  // it was not to be reached
  refusal,  // it answered, and would not or could not tell
  content,  // what it told was not taken
};
constexpr Blame blame_of(std::string_view why) {
  if (why == timeout || why == connection_refused || why == unreachable || why == network)
    return Blame::silence;
  for (const std::string_view no : {refused, servfail, notauth, not_implemented, formerr, name_error,
                                    bad_rcode, not_authoritative, tls_handshake, tls_untrusted, tsig_missing,
                                    tsig_badkey, tsig_badsig, tsig_badtime, tsig_badtrunc, key_unknown}) {
    if (why == no) return Blame::refusal;
  }
  return Blame::content;
}

}  // namespace understudy::sync::reason
