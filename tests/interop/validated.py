"""Signed zones of four signers, served by us: every answer validates.

A validator that knows nothing of us (unbound, with the zone's keys as its trust anchors) takes every answer for secure:
each owner and type, and each kind of denial. What a validator does not ask of a parent, its referrals, is checked
here, with dnspython's signatures and a reading of RFC 4035 and 5155 of its own.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone

import query
import signers
from processes import DEADLINE, Scratch, until
from understudy import Understudy

MODES = (signers.NSEC, signers.NSEC3, signers.OPT_OUT)

ZONE = """$ORIGIN {apex}
$TTL 300
@ SOA ns1 host 1 3600 600 86400 60
@ NS ns1
@ NS ns2.sub
@ MX 10 mail
@ TXT "apex"
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
mail A 192.0.2.2
alias CNAME mail
away CNAME www.elsewhere.test.
loop CNAME loop2
loop2 CNAME loop
dangling CNAME missing
c.b.ent TXT "below empty non-terminals"
ns2.sub A 192.0.2.3
UPPER.Case TXT "case"
*.wild TXT "wildcard"
*.wild MX 10 mail
known.wild A 192.0.2.4
*.deep.wild A 192.0.2.5
*.aliases CNAME mail
*.chained CNAME x.wild
x.*.odd TXT "below a wildcard"
old DNAME new
a.new A 192.0.2.6
old TXT "beside a DNAME"
signed NS ns.signed
signed DS 12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.signed A 192.0.2.7
unsigned NS ns.unsigned
ns.unsigned A 192.0.2.8
under.ent2 NS ns.elsewhere.test.
zz NS ns.elsewhere.test.
\\000\\001low A 192.0.2.9
last A 192.0.2.10
_443._tcp.last TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
svc HTTPS 1 . alpn=h2
"""

TYPES = ["A", "AAAA", "MX", "TXT", "NS", "SOA", "CNAME", "DNAME", "DS", "DNSKEY", "TLSA", "HTTPS", "TYPE65300"]
OWNERS = ["@", "ns1", "mail", "alias", "loop", "dangling", "c.b.ent", "b.ent", "ent", "ns2.sub", "sub", "upper.case", "case",
          "*.wild", "wild", "known.wild", "*.deep.wild", "deep.wild", "*.aliases", "aliases", "x.*.odd", "*.odd", "odd", "old",
          "a.new", "new", "\\000\\001low", "last", "_443._tcp.last", "_tcp.last", "svc", "ent2"]
# Names that are not there: before the first, behind the last, below data, beside and below empty non-terminals, behind
# cuts and what they hide, where wildcards stand for them or do not, through aliases.
ABSENT = ["missing", "\\000", "zzzz", "~", "below.mail", "a.below.mail", "x.ent", "zz.b.ent", "d.c.b.ent", "a.b.ent", "signeda",
          "unsigneda", "nt.unsigneda", "any.wild", "a.b.c.wild", "below.known.wild", "any.deep.wild", "q.aliases", "q.chained",
          "any.odd", "x.any.odd", "y.*.odd", "a.old", "missing.old", "below.a.new", "x._443._tcp.last", "MiSSing.Case",
          "(.wild", "z.wild", "*.mail", "*"]
CUTS = {"signed": True, "unsigned": False, "under.ent2": False, "zz": False}


def absolute(label, apex):
    return dns.name.from_text(label if label != "@" else apex, None if label == "@" else dns.name.from_text(apex))


class Validated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.zones = {}  # apex -> mode
        try:
            cls.prepare()
        except BaseException:
            cls.scratch.close()
            raise

    @classmethod
    def prepare(cls):
        zones = []
        for make in (signers.Ldns, signers.BindTools, signers.SigningKnot, signers.SigningPowerDns):
            signer = make(cls.scratch)
            for mode in MODES:
                apex = f"{mode}.{make.__name__.lower()}.test."
                cls.zones[apex] = mode
                zones.append({"name": apex, "source": [signer.source(apex, ZONE.format(apex=apex), mode)],
                              "allow-transfer": ["127.0.0.0/8"]})
            if hasattr(signer, "start"):
                signer.start()
        cls.sources = {zone["name"]: zone["source"][0] for zone in zones}
        cls.server = Understudy(cls.scratch, zones).start()
        for apex in cls.zones:
            until(f"{apex} is served", lambda apex=apex: query.serial(cls.server.address, cls.server.port, apex) is not None)
        cls.keys = {apex: cls.ask(apex, "DNSKEY").answer[0] for apex in cls.zones}
        anchors = {apex: [f"{apex} IN DNSKEY {key.to_text()}" for key in rrset if key.flags & 1]
                   for apex, rrset in cls.keys.items()}
        cls.validator = signers.Unbound(cls.scratch, (cls.server.address, cls.server.port), anchors).start()

    @classmethod
    def tearDownClass(cls):
        cls.scratch.close()

    @classmethod
    def ask(cls, owner, rdtype):
        """Us, with DO, over TCP."""
        message = dns.message.make_query(owner, rdtype, want_dnssec=True)
        return dns.query.tcp(message, cls.server.address, port=cls.server.port, timeout=DEADLINE)

    def resolve(self, owner, rdtype):
        message = dns.message.make_query(owner, rdtype, want_dnssec=True)
        return dns.query.tcp(message, self.validator.address, port=self.validator.port, timeout=DEADLINE)

    def check_signatures(self, apex, answer):
        """Every RRset of answer and authority is signed, but for what cannot be: referrals, synthesised CNAMEs."""
        self.assertFalse(answer.flags & dns.flags.AD)
        self.assertFalse(answer.flags & dns.flags.TC)
        keys = {dns.name.from_text(apex): self.keys[apex]}
        signatures = 0
        for section in (answer.answer, answer.authority):
            for rrset in section:
                if rrset.rdtype == dns.rdatatype.RRSIG:
                    continue
                covering = [r for r in section
                            if r.rdtype == dns.rdatatype.RRSIG and r.covers == rrset.rdtype and r.name == rrset.name]
                if not covering:
                    referral = rrset.rdtype == dns.rdatatype.NS and section is answer.authority
                    synthesised = rrset.rdtype == dns.rdatatype.CNAME and any(
                        r.rdtype == dns.rdatatype.DNAME and rrset.name.is_subdomain(r.name) for r in section)
                    self.assertTrue(referral or synthesised, f"no signature of {rrset}\n{answer}")
                    continue
                dns.dnssec.validate(rrset, covering[0], keys)
                signatures += 1
        return signatures

    def check_secure(self, apex, label, rdtype):
        owner = absolute(label, apex)
        with self.subTest(zone=apex, owner=str(owner), type=rdtype):
            ours = self.ask(owner, rdtype)
            self.assertGreater(self.check_signatures(apex, ours), 0, str(ours))
            theirs = self.resolve(owner, rdtype)
            self.assertEqual(theirs.rcode(), ours.rcode(), f"{theirs}\n{ours}\n{self.validator.process.log()[-1500:]}")
            if not theirs.flags & dns.flags.AD:
                # RFC 5155 9.2: what an opt-out NSEC3 covers is not secure, though not bogus either.
                self.assertEqual(self.zones[apex], signers.OPT_OUT, f"not secure: {theirs}\nours: {ours}")
                self.assertTrue(any(rrset.rdtype == dns.rdatatype.NSEC3 and rrset[0].flags & 1 for rrset in ours.authority),
                                f"not secure: {theirs}\nours: {ours}")

    def test_every_owner_and_type(self):
        for apex, mode in self.zones.items():
            for label in OWNERS:
                for rdtype in TYPES:
                    # A resolver gives up on a loop, and asks a zone's parent for its DS.
                    if (label, rdtype) == ("@", "DS") or (label == "loop" and rdtype != "CNAME"):
                        continue
                    self.check_secure(apex, label, rdtype)

    def test_every_kind_of_denial(self):
        for apex, mode in self.zones.items():
            for label in ABSENT:
                for rdtype in ("A", "TXT", "MX"):
                    self.check_secure(apex, label, rdtype)

    def test_ds_at_cuts(self):
        for apex, mode in self.zones.items():
            for label in CUTS:
                self.check_secure(apex, label, "DS")

    def test_referrals(self):
        for apex, mode in self.zones.items():
            for label, has_ds in CUTS.items():
                for below in ("", "www.", "a.b."):
                    with self.subTest(zone=apex, cut=label, below=below):
                        cut = absolute(label, apex)
                        answer = self.ask(absolute(below + label, apex), "A")
                        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
                        self.assertFalse(answer.flags & dns.flags.AA)
                        self.assertGreater(self.check_signatures(apex, answer), 0)
                        found = [r for r in answer.authority if r.rdtype != dns.rdatatype.RRSIG]
                        self.assertEqual([r.name for r in found if r.rdtype == dns.rdatatype.NS], [cut])
                        if has_ds:
                            self.assertEqual([r.name for r in found if r.rdtype != dns.rdatatype.NS], [cut])
                            self.assertEqual(found[-1].rdtype, dns.rdatatype.DS)
                        elif mode == signers.NSEC:
                            # RFC 4035 5.2: the NSEC is the cut's.
                            nsec, = (r for r in found if r.rdtype == dns.rdatatype.NSEC)
                            self.assertEqual(nsec.name, cut)
                            self.check_cut_without_ds(nsec[0])
                        else:
                            self.check_no_ds(dns.name.from_text(apex), cut,
                                             [r for r in found if r.rdtype == dns.rdatatype.NSEC3], mode)

    def check_cut_without_ds(self, rdata):
        types = rdata.to_text().split()
        self.assertIn("NS", types)
        self.assertNotIn("DS", types)
        self.assertNotIn("SOA", types)

    def check_no_ds(self, apex, cut, chain, mode):
        """RFC 5155 8.9: the NSEC3 is the cut's, or the closest provable encloser's and an opt-out one covers the next name."""
        def hash_of(name):
            return dns.dnssec.nsec3_hash(name, chain[0][0].salt, chain[0][0].iterations, 1).lower()

        def covers(rrset, digest):
            low, high = rrset.name[0].decode().lower(), rrset[0].to_text().split()[4].lower()
            return low < digest < high or (high <= low and (digest > low or digest < high))

        by_hash = {rrset.name[0].decode().lower(): rrset for rrset in chain}
        if hash_of(cut) in by_hash:
            return self.check_cut_without_ds(by_hash[hash_of(cut)][0])
        self.assertEqual(mode, signers.OPT_OUT)
        encloser = cut.parent()
        while hash_of(encloser) not in by_hash:
            self.assertNotEqual(encloser, apex, f"no encloser of {cut}: {chain}")
            encloser = encloser.parent()
        next_closer = cut.split(len(encloser) + 1)[1]
        self.assertTrue(any(covers(rrset, hash_of(next_closer)) and rrset[0].flags & 1 for rrset in chain), str(chain))

    def signed_by(self, apex):
        source = self.sources[apex]
        if source.startswith("file:"):
            return dns.zone.from_file(source[len("file:"):], apex, relativize=False)
        return query.transfer("127.0.0.1", int(source.rsplit(":", 1)[1]), apex)

    def test_transfers_out_are_whole(self):
        def records(zone):
            return {(name, rdtype, rdata.to_digestable()) for name, node in zone.items() for rdataset in node
                    for rdtype in (rdataset.rdtype,) for rdata in rdataset if rdtype != dns.rdatatype.RRSIG}

        def signatures(zone):
            # PowerDNS may sign anew for each transfer.
            return {(name, rdataset.covers, len(rdataset)) for name, node in zone.items() for rdataset in node
                    if rdataset.rdtype == dns.rdatatype.RRSIG}

        for apex in self.zones:
            with self.subTest(zone=apex):
                ours, theirs = query.transfer(self.server.address, self.server.port, apex), self.signed_by(apex)
                self.assertEqual(records(ours) ^ records(theirs), set())
                self.assertEqual(signatures(ours) ^ signatures(theirs), set())

    def test_nothing_of_it_without_do(self):
        secure = {dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3}
        for apex in self.zones:
            for label in ["mail", "signed", "unsigned"] + ABSENT:
                answer = query.tcp(self.server.address, self.server.port, absolute(label, apex), "MX")
                for section in (answer.answer, answer.authority, answer.additional):
                    self.assertFalse(secure & {rrset.rdtype for rrset in section}, str(answer))


if __name__ == "__main__":
    unittest.main(verbosity=2)
