"""The comparison with each of Debian's name servers: zones in sync are equal, signed and unsigned; each kind of difference is
told by its class at each of them; and what proves nothing alarms nobody, whoever the primary is."""

import json
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.rrset

import peers
import query
import signers
import zones
from compared import OPEN_GATE, PLANTED, Between, found, zone_text
from processes import DEADLINE, Scratch, free_port, until
from understudy import Understudy

ENOUGH = 100_000  # comparisons of a zone in sync
CHANGED = 4       # the number of that plant: other data at one name

# What some do not load, or answer otherwise (primary_*.py say what and why).
LEAVE_OUT = {
    peers.Nsd: ("occluded.dn",),
    peers.Knot: (),
    peers.Bind: ("type3.types", "type4.types", "type24.types", "type30.types"),
    peers.PowerDns: (r"\000\001.zero", r"\255.high", "type46.types", "type48.types", "type59.types", "type60.types"),
}


class PowerDns(peers.PowerDns):
    """With zones that are signed already, zones that it signs while it answers, and answers from pools."""

    presigned, signed_live = (), ()

    def load(self, apex):
        super().load(apex)
        if apex in self.presigned:
            self.run("/usr/bin/pdnsutil", "set-presigned", apex.strip("."))
        if apex in self.signed_live:
            self.run("/usr/bin/pdnsutil", "secure-zone", apex.strip("."))
            if self.signed_live[apex] == signers.NSEC3:
                self.run("/usr/bin/pdnsutil", "set-nsec3", apex.strip("."), f"1 0 {signers.ITERATIONS} {signers.SALT}")
            self.run("/usr/bin/pdnsutil", "rectify-zone", apex.strip("."))

    def configuration(self):
        return super().configuration() + "enable-lua-records=yes\nmax-nsec3-iterations=500\n"


KINDS = (peers.Nsd, peers.Knot, peers.Bind, PowerDns)


def hosts(count):
    return "".join(f"h{i} 300 A 192.0.2.{i % 250}\nh{i} 300 MX 10 h{i + 1}\n*.w{i} 60 TXT w\n" for i in range(count))


def without_signature(text, owner):
    """The zone without the RRSIG of the A records of `owner`."""
    lines = text.splitlines()
    left = [line for line in lines if not (line.startswith(owner) and "RRSIG" in line.split()[:5] and "\tA " in line)]
    assert len(left) == len(lines) - 1
    return "\n".join(left) + "\n"


class FourPeers(unittest.TestCase):
    """One mirror and one server of each kind, with a zone for each thing to be shown: what the mirror has is in `ours`, what a
    server has in `theirs`."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.addClassCleanup(cls.scratch.close)
        cls.ours, cls.theirs = {}, {kind: {} for kind in KINDS}
        cls.write_zones()
        cls.peers = {kind: kind(cls.scratch, list(zones)) for kind, zones in cls.theirs.items()}
        powerdns = cls.peers[PowerDns]
        powerdns.presigned = [apex for apex in powerdns.apexes if apex in cls.signed]
        powerdns.signed_live = {"live.test.": signers.NSEC, "live3.test.": signers.NSEC3}
        for kind, zones_there in cls.theirs.items():
            for apex, text in zones_there.items():
                cls.peers[kind].write_zone(apex, text)
            cls.peers[kind].start()
        sources = {apex: "file:" + cls.scratch.write(apex + "zone", text) for apex, text in cls.ours.items()}
        sources.update({apex: powerdns.source for apex in powerdns.signed_live})
        cls.mirror = Understudy(cls.scratch, [{"name": apex, "source": [source], **OPEN_GATE} for apex, source in sources.items()])
        cls.mirror.start()
        for apex in sources:
            until(f"{apex} is in the mirror", lambda apex=apex: query.serial("127.0.0.1", cls.mirror.port, apex) is not None,
                  deadline=180)

    @classmethod
    def zone(cls, apex, ours, theirs, kinds=KINDS):
        cls.ours[apex] = ours
        for kind in kinds:
            cls.theirs[kind][apex] = theirs

    @classmethod
    def write_zones(cls):
        for kind in KINDS:
            apex = f"{kind.__name__.lower()}.test."
            text, _ = zones.generate(apex, 41, leave_out=next(names for base, names in LEAVE_OUT.items() if issubclass(kind, base)))
            cls.zone(apex, text, text, [kind])
            # Three of the four have what the mirror has.
            apex = f"wrong-{kind.__name__.lower()}.test."
            cls.zone(apex, zone_text(apex=apex), zone_text(apex=apex))
            cls.theirs[kind][apex] = zone_text([CHANGED], apex=apex)
        cls.zone("planted.test.", zone_text(apex="planted.test."), zone_text(range(len(PLANTED)), apex="planted.test."))
        cls.zone("negative.test.", zone_text(apex="negative.test."), zone_text(apex="negative.test.", minimum=60))
        cls.zone("lossy.test.", zone_text(apex="lossy.test."), zone_text([CHANGED], apex="lossy.test."))
        cls.zone("pools.test.", zone_text(apex="pools.test."), zone_text(apex="pools.test."))
        # PowerDNS has pools of its own.
        cls.theirs[PowerDns]["pools.test."] = cls.theirs[PowerDns]["pools.test."].replace(
            "changed 300 A 192.0.2.5", "changed 300 LUA A \"pickrandom({'198.51.100.1','198.51.100.2','198.51.100.3'})\"")
        signer = signers.KeptKeys(cls.scratch)
        cls.signed = {"signed.test.": signers.NSEC, "signed3.test.": signers.NSEC3, "resigned.test.": signers.NSEC,
                      "unsigned-a.test.": signers.NSEC}
        for apex in ("signed.test.", "signed3.test."):
            text = signer.signed(apex, zone_text(apex=apex) + hosts(1500), cls.signed[apex])
            cls.zone(apex, text, text)
        for apex in ("live.test.", "live3.test."):
            cls.theirs[PowerDns][apex] = zone_text(apex=apex) + hosts(1500)
        small = zone_text(apex="resigned.test.") + hosts(50)
        cls.zone("resigned.test.", *(signer.signed("resigned.test.", small, signers.NSEC, end) for end in ("20370101", "20380101")))
        text = signer.signed("unsigned-a.test.", zone_text(apex="unsigned-a.test."), signers.NSEC)
        cls.zone("unsigned-a.test.", text, without_signature(text, "changed.unsigned-a.test."))

    def compare(self, apex, ports, code, rate=1_000_000):
        addresses = [word for port in ports for word in ("--with", f"127.0.0.1:{port}")]
        done = self.mirror.verb("compare", apex, *addresses, "--rate", str(rate), "--json", deadline=300)
        self.assertEqual(done.returncode, code, (done.stdout[-3000:], done.stderr))
        return json.loads(done.stdout)

    def compare_all(self, apex, code):
        """The report, and what was found at each."""
        report = self.compare(apex, [peer.port for peer in self.peers.values()], code)
        return report, {kind: found(report, f"127.0.0.1:{peer.port}") for kind, peer in self.peers.items()}

    # --- in sync ---

    def in_sync(self, apex, *kinds):
        ports = [self.peers[kind].port for kind in kinds]
        asked = dict.fromkeys(ports, 0)
        while min(asked.values()) < ENOUGH:
            for port, tally in zip(ports, self.compare(apex, ports, 0)["against"], strict=True):
                self.assertEqual(tally["match"], tally["asked"], tally)
                self.assertGreater(tally["asked"], 0)
                asked[port] += tally["asked"]

    def test_in_sync_with_nsd(self):
        self.in_sync("nsd.test.", peers.Nsd)

    def test_in_sync_with_knot(self):
        self.in_sync("knot.test.", peers.Knot)

    def test_in_sync_with_bind(self):
        self.in_sync("bind.test.", peers.Bind)

    def test_in_sync_with_pdns(self):
        self.in_sync("powerdns.test.", PowerDns)

    def test_in_sync_signed(self):
        self.in_sync("signed.test.", *KINDS)

    def test_in_sync_signed_with_nsec3(self):
        self.in_sync("signed3.test.", *(kind for kind in KINDS if kind is not PowerDns))

    def test_denials_without_signatures(self):
        """PowerDNS takes the signed zone from a file without its NSEC3 records, and denies with NSEC records of its own making,
        which nobody signed. A validator takes none of them."""
        port = self.peers[PowerDns].port
        question = dns.message.make_query("there-is-none.signed3.test.", "A", want_dnssec=True)
        authority = dns.query.udp_with_fallback(question, "127.0.0.1", port=port, timeout=DEADLINE)[0].authority
        self.assertIn(dns.rdatatype.NSEC, [rrset.rdtype for rrset in authority])
        self.assertNotIn(dns.rdatatype.NSEC, [rrset.covers for rrset in authority])
        report = self.compare("signed3.test.", [port], 1)
        self.assertEqual({mismatch["class"] for mismatch in report["mismatches"]}, {"dnssec"})

    def test_in_sync_with_pdns_that_signs_while_it_answers(self):
        self.in_sync("live.test.", PowerDns)

    def test_in_sync_with_pdns_that_signs_while_it_answers_with_nsec3(self):
        self.in_sync("live3.test.", PowerDns)

    def test_signatures_made_anew_are_no_difference(self):
        """Other times and octets, by the same keys: what a server that signs again and again makes of a zone."""
        ours, theirs = (self.signatures(peer) for peer in (self.mirror, self.peers[peers.Nsd]))
        self.assertEqual(ours & theirs, set())
        report, _ = self.compare_all("resigned.test.", 0)
        for tally in report["against"]:
            self.assertEqual(tally["match"], tally["asked"], tally)

    def signatures(self, server):
        question = dns.message.make_query("changed.resigned.test.", "A", want_dnssec=True)
        answer = dns.query.udp_with_fallback(question, "127.0.0.1", port=server.port, timeout=DEADLINE)[0].answer
        return {rdata.to_text() for rrset in answer if rrset.rdtype == dns.rdatatype.RRSIG for rdata in rrset}

    # --- planted ---

    def test_each_class(self):
        wanted = {plant for _, _, plant in PLANTED if plant}
        self.assertLessEqual({"missing", "extra", "rdata", "ttl", "rcode", "wildcard", "delegation"}, {c for _, _, c in wanted})
        # And what follows from them, nothing else: names that go with their only record, and wildcards.
        more = {("a.ent", "A", "missing"), ("*.wild", "A", "missing")}
        report, told = self.compare_all("planted.test.", 1)
        self.assertTrue(report["complete"])
        for kind, differences in told.items():
            self.assertLessEqual(wanted, differences, kind)
            self.assertLessEqual(differences - wanted, more, kind)

    def test_another_negative_ttl(self):
        for kind, differences in self.compare_all("negative.test.", 1)[1].items():
            self.assertIn(("@", "NAPTR", "negative_ttl"), differences, kind)
            self.assertIn(("@", "SOA", "rdata"), differences, kind)
            self.assertEqual({c for _, _, c in differences}, {"negative_ttl", "rdata"}, kind)

    def test_a_signature_that_is_missing(self):
        for kind, differences in self.compare_all("unsigned-a.test.", 1)[1].items():
            self.assertEqual(differences, {("changed", "A", "dnssec")}, kind)

    def test_one_of_four_addresses_is_wrong(self):
        for wrong in KINDS:
            report, told = self.compare_all(f"wrong-{wrong.__name__.lower()}.test.", 1)
            for kind, differences in told.items():
                self.assertEqual(differences, {("changed", "A", "rdata")} if kind is wrong else set(), (kind, wrong))
            self.assertEqual([tally["dynamic"] for tally in report["against"]], [0] * 4, "one wrong of four is not dynamic")

    # --- no proof ---

    def test_answers_from_pools_are_dynamic(self):
        """PowerDNS makes them itself. The others as Debian has them answer from their zone only, so their answers are changed
        on the way."""
        def from_a_pool():
            turn = [0]

            def change(message):
                if message.question[0].name == dns.name.from_text("changed.pools.test.") and message.answer:
                    turn[0] += 1
                    message.answer = [dns.rrset.from_text("changed.pools.test.", 300, "IN", "A", f"198.51.100.{turn[0] % 3}")]
                return message
            return change

        ports = {kind: peer.port if kind is PowerDns else Between(self.scratch, peer.port, from_a_pool()).port
                 for kind, peer in self.peers.items()}
        report = self.compare("pools.test.", ports.values(), 0, rate=1000)
        self.assertEqual(report["mismatches"], [])
        self.assertEqual([tally["dynamic"] for tally in report["against"]], [1] * 4)

    def test_a_third_of_the_packets_lost_is_never_a_match_or_mismatch(self):
        """No server loses packets on purpose: they are lost on the way, and all of those about one name."""
        lost, silent = random.Random(5), dns.name.from_text("slow.lossy.test.")

        def change(message):
            return message if message.question[0].name != silent and lost.random() > 1 / 3 else None

        ports = [Between(self.scratch, peer.port, change).port for peer in self.peers.values()]
        report = self.compare("lossy.test.", ports, 1, rate=1000)
        for port, tally in zip(ports, report["against"], strict=True):
            self.assertEqual(found(report, f"127.0.0.1:{port}"), {("changed", "A", "rdata")}, "what differs is still found")
            self.assertEqual(tally["match"] + tally["unknown"] + 1, tally["asked"])
            self.assertGreaterEqual(tally["unknown"], 2, "the type of the silent name, and one that it does not have")


class Updates(unittest.TestCase):
    def test_updates_in_the_middle_of_passes_alarm_nobody(self):
        with Scratch() as scratch:
            self.run_updates(scratch)

    def run_updates(self, scratch):
        port = free_port()
        primaries = {f"{kind.__name__.lower()}.test.": kind(scratch, [f"{kind.__name__.lower()}.test."], notify=[port])
                     for kind in (peers.Nsd, peers.Knot, peers.Bind, peers.PowerDns)}

        def text(apex, serial):
            addresses = "".join(f"h{i} 300 A 192.0.2.{(serial * 7 + i) % 250}\n" for i in range(300))
            return zone_text(serial=serial, apex=apex) + addresses

        for apex, primary in primaries.items():
            primary.write_zone(apex, text(apex, 1))
            primary.start()
        server = Understudy(scratch, [{"name": apex, "source": [primary.source], **OPEN_GATE} for apex, primary in primaries.items()],
                            listen=[f"127.0.0.1:{port}"], tables={"compare": {"rate": 500, "period": "1s"}}).start()

        def compared(apex, result):
            return server.metric("compare_total", zone=apex, result=result) or 0

        def arrives(serial):
            for apex in primaries:
                until(f"serial {serial} of {apex} arrives", lambda apex=apex: query.serial("127.0.0.1", port, apex) == serial)

        arrives(1)
        for serial in range(2, 8):
            before = {apex: compared(apex, "match") for apex in primaries}
            for apex in primaries:
                until("the pass is under way", lambda apex=apex: compared(apex, "match") > before[apex] + 200)
            for apex, primary in primaries.items():
                primary.write_zone(apex, text(apex, serial))
                primary.reload()
            arrives(serial)
        for apex in primaries:
            until("all of it was compared", lambda apex=apex: server.json_verb("compare", apex)["complete"], deadline=120)
            self.assertEqual(compared(apex, "mismatch"), 0, apex)


if __name__ == "__main__":
    unittest.main(verbosity=2)
