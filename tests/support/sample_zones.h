// Small zones with one of everything that an answer can be made of (signed with NSEC, NSEC3 and not at all),
// and zones that cannot be answered from.
#pragma once

#include "net/address.h"
#include "support/signed_zone.h"

namespace understudy::test {

inline std::vector<ZoneText> sample_zones() {
  std::string lines = R"(
    test. 3600 SOA ns1.test. host.test. 7 7200 900 86400 300
    test. 3600 NS ns1.test.
    test. 3600 NS ns2.elsewhere.
    test. 3600 MX 10 mail.test.
    ns1.test. 3600 A 192.0.2.1
    ns1.test. 3600 AAAA 2001:db8::1
    mail.test. 3600 A 192.0.2.2
    Upper.Case.test. 60 TXT "kept as it came"
    alias.test. 60 CNAME alias2.test.
    alias2.test. 60 CNAME alias3.test.
    alias3.test. 60 CNAME ns1.test.
    dangling.test. 60 CNAME nothing.test.
    leaving.test. 60 CNAME www.elsewhere.
    loop1.test. 60 CNAME loop2.test.
    loop2.test. 60 CNAME loop1.test.
    *.wild.test. 60 TXT "from the wildcard"
    *.wildalias.test. 60 CNAME x.wild.test.
    moved.test. 60 DNAME test.
    endless.test. 60 DNAME a.endless.test.
    child.test. 300 NS ns.child.test.
    child.test. 300 DS \# 36 00010D0200112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF
    ns.child.test. 300 A 192.0.2.3
    far.test. 300 NS ns.elsewhere.
    below.empty.test. 60 A 192.0.2.4
    _sip._udp.test. 60 SRV 1 2 5060 mail.test.
  )";
  // A name below it becomes too long (RFC 6672 2.2).
  std::string target;
  for (int i = 0; i < 4; ++i) target += std::string(59, 'l') + ".";
  lines += "lengthened.test. 60 DNAME " + target + "test.\n";
  // Over 512 octets, over 1232, and over what any UDP response holds.
  for (int i = 0; i < 50; ++i) lines += "fifty.test. 60 A 10.0.0." + std::to_string(i) + "\n";
  for (int i = 0; i < 200; ++i) lines += "many.test. 60 A 10.0.1." + std::to_string(i) + "\n";
  ZoneText parent = signed_zone("test.", lines);
  parent.policy.allow_transfer = {net::Prefix::parse("127.0.0.0/8").value()};
  parent.policy.allow_notify = parent.policy.allow_transfer;
  ZoneText below = zone("sub.test.", R"(
    sub.test. 60 SOA ns1.test. host.test. 9 7200 900 86400 300
    sub.test. 60 NS ns1.test.
    sub.test. 60 PTR sub.test.
    a.sub.test. 60 A 192.0.2.5
  )");
  const ZoneText hashed = signed_zone("hashed.", R"(
    hashed. 60 SOA ns.hashed. host.hashed. 1 2 3 4 5
    hashed. 60 NS ns.hashed.
    ns.hashed. 60 A 192.0.2.6
    *.wild.hashed. 60 TXT "from the wildcard"
    open.hashed. 60 NS ns.elsewhere.
  )",
                                      {.iterations = 5, .salt = {0xaa, 0xbb}, .opt_out = true});
  ZoneText expired = zone("expired.", "expired. 60 SOA ns. host. 1 2 3 4 5\nexpired. 60 NS ns.");
  expired.service = backend::Service::expired;
  ZoneText stale = zone("stale.", "stale. 60 SOA ns. host. 1 2 3 4 5\nstale. 60 NS ns.");
  stale.service = backend::Service::stale;
  ZoneText empty = zone("empty.", "");
  empty.service = backend::Service::no_data;
  return {parent, below, hashed, expired, stale, empty};
}

// Names that meet every part of the sample zones.
inline std::vector<std::string> sample_names() {
  return {"test.",
          "TeSt.",
          "ns1.test.",
          "mail.test.",
          "nothing.test.",
          "a.b.c.test.",
          "empty.test.",
          "alias.test.",
          "dangling.test.",
          "leaving.test.",
          "loop1.test.",
          "a.wild.test.",
          "a.b.wild.test.",
          "a.wildalias.test.",
          "ns1.moved.test.",
          "x.endless.test.",
          "moved.test.",
          "child.test.",
          "www.child.test.",
          "far.test.",
          "www.far.test.",
          "fifty.test.",
          "many.test.",
          "upper.case.test.",
          "_sip._udp.test.",
          "sub.test.",
          "abcdefghijkl.lengthened.test.",
          "a.sub.test.",
          "no.sub.test.",
          "hashed.",
          "ns.hashed.",
          "no.hashed.",
          "a.wild.hashed.",
          "www.open.hashed.",
          "expired.",
          "stale.",
          "empty.",
          "a.stale.",
          "elsewhere.",
          "."};
}

}  // namespace understudy::test
