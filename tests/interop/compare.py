"""The comparison against real name servers: zones in sync are equal, whatever is planted is told by its class, and what
proves nothing alarms nobody."""

import json
import os
import random
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.message
import dns.name
import dns.rrset

import peers
import query
import signers
import zones
from processes import Scratch, free_port, until
from understudy import Understudy

ZONE = "compare.test."
OPEN_GATE = {"gate.churn": 1.0, "gate.shrink": 1.0, "gate.losses": "off"}

# The zone, and what becomes of each line in the planted one: the same, another, or none.
HEAD = [
    ("@ 3600 SOA ns1 admin 7 3600 600 86400 300", ...),
    ("@ 3600 NS ns1", ...),
    ("ns1 300 A 192.0.2.1", ...),
]
PLANTED = [
    ("gone 300 A 192.0.2.2", None, ("gone", "A", "missing")),
    ("half 300 A 192.0.2.3", ..., None),
    ('half 300 TXT "half"', None, ("half", "TXT", "missing")),
    ("more 300 A 192.0.2.4", "more 300 A 192.0.2.4\nmore 300 AAAA 2001:db8::4", ("more", "AAAA", "extra")),
    ("changed 300 A 192.0.2.5", "changed 300 A 192.0.2.55", ("changed", "A", "rdata")),
    ("slow 300 A 192.0.2.6", "slow 60 A 192.0.2.6", ("slow", "A", "ttl")),
    ("a.ent 300 A 192.0.2.7", None, ("ent", "NAPTR", "rcode")),
    ("*.wild 300 A 192.0.2.8", None, ("?wild", "A", "wildcard")),
    ("there.wild 300 A 192.0.2.9", ..., None),
    ("cut 300 NS ns.cut", ..., ("cut", "NS", "delegation")),
    ("ns.cut 300 A 192.0.2.10", "ns.cut 300 A 192.0.2.110", None),
    ("chunks 300 TXT \"ab\" \"c\"", "chunks 300 TXT \"a\" \"bc\"", ("chunks", "TXT", "rdata")),
    ("alias 300 CNAME changed", ..., None),
]


def zone_text(planted=(), serial=7, minimum=300):
    """The zone with the plants of these numbers in it."""
    lines = [f"$ORIGIN {ZONE}"]
    for line, _ in HEAD:
        lines.append(line.replace(" 7 3600 600 86400 300", f" {serial} 3600 600 86400 {minimum}"))
    for number, (line, other, _) in enumerate(PLANTED):
        chosen = other if number in planted and other is not ... else line
        if chosen is not None:
            lines.append(chosen)
    return "\n".join(lines) + "\n"


def found(report):
    """{(owner below the apex, type, class)}; owners that were made up are told by what they are below."""
    out = set()
    for mismatch in report["mismatches"]:
        owner = mismatch["owner"].removesuffix(ZONE).rstrip(".") or "@"
        if mismatch["evidence"]["made_up"]:
            owner = "?" + owner.partition(".")[2]
        out.add((owner, mismatch["type"], mismatch["class"]))
    return out


class Between:
    """A name server over UDP between a comparer and a real one: `change` gets each response (a dns.message) and returns
    what is sent on, or None where nothing is."""

    def __init__(self, scratch, port, change):
        self.target = ("127.0.0.1", port)
        self.change = change
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.stopping = False
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        scratch.own(self)

    def _run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.connect(self.target)
            upstream.settimeout(2)
            while not self.stopping:
                try:
                    octets, peer = self.socket.recvfrom(4096)
                    upstream.send(octets)
                    answer = upstream.recv(65535)
                except TimeoutError:
                    continue
                if answer[:2] != octets[:2]:
                    continue
                changed = self.change(dns.message.from_wire(answer))
                if changed is not None:
                    self.socket.sendto(changed.to_wire(max_size=65535), peer)

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.socket.close()


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def mirror(self, text, apex=ZONE, tables=None, **options):
        """Understudy with the zone of a file."""
        file = self.scratch.write("mirror.zone", text)
        server = Understudy(self.scratch, [{"name": apex, "source": [f"file:{file}"], **OPEN_GATE, **options}], tables=tables).start()
        until("the zone is served", lambda: query.serial("127.0.0.1", server.port, apex) is not None, deadline=180)
        return server

    def peer(self, kind, text, apex=ZONE, name=None):
        server = kind(self.scratch, [apex], name=name)
        server.write_zone(apex, text)
        server.start()
        until(f"{server.name} serves", lambda: query.serial("127.0.0.1", server.port, apex) is not None, deadline=180)
        return server

    def compare(self, server, ports, code, apex=ZONE, rate=1_000_000):
        addresses = [word for port in ports for word in ("--with", f"127.0.0.1:{port}")]
        done = server.verb("compare", apex, *addresses, "--rate", str(rate), "--json", deadline=300)
        self.assertEqual(done.returncode, code, (done.stdout[-3000:], done.stderr))
        return json.loads(done.stdout)


class Peers(Case):
    """Each of Debian's servers with the same zone, and with another."""

    def in_sync(self, kind, text, apex, wanted):
        server, other = self.mirror(text, apex), self.peer(kind, text, apex)
        asked = 0
        while asked < wanted:
            tally = self.compare(server, [other.port], 0, apex)["against"][0]
            self.assertEqual(tally["match"], tally["asked"], tally)
            asked += tally["asked"]
        return asked

    def unsigned(self, kind, **options):
        text, _ = zones.generate("interop.example.", 41, **options)
        self.in_sync(kind, text, "interop.example.", 100_000)

    def signed(self, kind):
        hosts = "".join(f"h{i} 300 A 192.0.2.{i % 250}\nh{i} 300 MX 10 h{i + 1}\n*.w{i} 60 TXT w\n" for i in range(700))
        path = signers.Ldns(self.scratch).source(ZONE, zone_text() + hosts, "nsec").removeprefix("file:")
        with open(path, encoding="utf-8") as file:
            self.in_sync(kind, file.read(), ZONE, 10_000)

    def planted(self, kind):
        everything = range(len(PLANTED))
        server, other = self.mirror(zone_text()), self.peer(kind, zone_text(everything))
        report = self.compare(server, [other.port], 1)
        wanted = {plant for _, _, plant in PLANTED if plant}
        told = found(report)
        self.assertLessEqual(wanted, told)
        # And what follows from them, nothing else: names that go with their only record, and wildcards.
        more = {("a.ent", "A", "missing"), ("*.wild", "A", "missing")}
        self.assertLessEqual(told - wanted, more)
        self.assertTrue(report["complete"])

    def test_nsd(self):
        self.unsigned(peers.Nsd, leave_out=("occluded.dn",))

    def test_nsd_signed(self):
        self.signed(peers.Nsd)

    def test_nsd_planted(self):
        self.planted(peers.Nsd)

    def test_knot(self):
        self.unsigned(peers.Knot)

    def test_knot_signed(self):
        self.signed(peers.Knot)

    def test_knot_planted(self):
        self.planted(peers.Knot)

    def test_bind(self):
        self.unsigned(peers.Bind, leave_out=("type3.types", "type4.types", "type24.types", "type30.types"))

    def test_bind_signed(self):
        self.signed(peers.Bind)

    def test_bind_planted(self):
        self.planted(peers.Bind)

    def test_pdns(self):
        # What it loses, does not load, or answers SERVFAIL to (primary_pdns.py).
        self.unsigned(peers.PowerDns, leave_out=(r"\000\001.zero", r"\255.high", "type46.types", "type48.types", "type59.types",
                                                 "type60.types"))

    def test_pdns_planted(self):
        self.planted(peers.PowerDns)


class Planted(Case):
    def test_another_negative_ttl(self):
        server, other = self.mirror(zone_text()), self.peer(peers.Nsd, zone_text(minimum=60))
        told = found(self.compare(server, [other.port], 1))
        self.assertIn(("@", "NAPTR", "negative_ttl"), told)
        self.assertIn(("@", "SOA", "rdata"), told)

    def test_a_signature_that_is_missing(self):
        path = signers.Ldns(self.scratch).source(ZONE, zone_text(), "nsec").removeprefix("file:")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        lost = [line for line in text.splitlines()
                if not (line.startswith("changed." + ZONE) and "RRSIG" in line.split()[:5] and "\tA " in line)]
        self.assertEqual(len(lost), len(text.splitlines()) - 1)
        server, other = self.mirror(text), self.peer(peers.Nsd, "\n".join(lost) + "\n")
        self.assertIn(("changed", "A", "dnssec"), found(self.compare(server, [other.port], 1)))

    def test_one_of_four_addresses_is_wrong(self):
        server = self.mirror(zone_text())
        right = [self.peer(peers.Nsd, zone_text(), name=f"right{i}") for i in range(3)]
        wrong = self.peer(peers.Nsd, zone_text([4]), name="wrong")
        report = self.compare(server, [peer.port for peer in [*right, wrong]], 1)
        self.assertEqual(found(report), {("changed", "A", "rdata")})
        self.assertEqual({m["address"] for m in report["mismatches"]}, {f"127.0.0.1:{wrong.port}"})
        for tally in report["against"]:
            self.assertEqual(tally["dynamic"], 0, "one wrong server of four is not dynamic")


class NoProof(Case):
    """What must not become an alarm."""

    def test_a_primary_that_answers_from_pools_is_dynamic(self):
        server, real = self.mirror(zone_text()), self.peer(peers.Nsd, zone_text())
        turn = [0]

        def change(message):
            if message.question[0].name == dns.name.from_text("changed." + ZONE) and message.answer:
                turn[0] += 1
                message.answer = [dns.rrset.from_text("changed." + ZONE, 300, "IN", "A", f"198.51.100.{turn[0] % 3}")]
            return message

        pool = Between(self.scratch, real.port, change)
        report = self.compare(server, [pool.port], 0, rate=2000)
        self.assertEqual(report["mismatches"], [])
        self.assertEqual(report["against"][0]["dynamic"], 1)

    def test_a_third_of_the_packets_lost_is_never_a_match_or_mismatch(self):
        server, real = self.mirror(zone_text()), self.peer(peers.Nsd, zone_text([4]))
        lost = random.Random(5)
        lossy = Between(self.scratch, real.port, lambda message: message if lost.random() > 1 / 3 else None)
        report = self.compare(server, [lossy.port], 1, rate=2000)
        tally = report["against"][0]
        self.assertEqual(found(report), {("changed", "A", "rdata")}, "what differs is still found")
        self.assertEqual(tally["match"] + tally["unknown"] + 1, tally["asked"])

    def test_a_primary_that_is_silent_is_unknown(self):
        server = self.mirror(zone_text())
        report = self.compare(server, [free_port()], 3)
        self.assertEqual(report["against"][0]["match"], 0)

    def test_updates_in_the_middle_of_passes_alarm_nobody(self):
        port = free_port()
        primary = peers.Knot(self.scratch, [ZONE], notify=[port])
        hosts = [f"h{i}" for i in range(300)]

        def text(serial):
            lines = zone_text(serial=serial)
            return lines + "".join(f"{host} 300 A 192.0.2.{(serial * 7 + i) % 250}\n" for i, host in enumerate(hosts))

        primary.write_zone(ZONE, text(1))
        primary.start()
        server = Understudy(self.scratch, [{"name": ZONE, "source": [primary.source], **OPEN_GATE}], listen=[f"127.0.0.1:{port}"],
                            tables={"compare": {"rate": 500, "period": "1s"}}).start()
        until("the zone arrives", lambda: query.serial("127.0.0.1", port, ZONE) == 1)
        for serial in range(2, 12):
            asked = server.metric("compare_total", zone=ZONE, result="match") or 0
            until("the pass is under way", lambda: server.metric("compare_total", zone=ZONE, result="match") > asked + 200)
            primary.write_zone(ZONE, text(serial))
            primary.reload()
            until("the change arrives", lambda: query.serial("127.0.0.1", port, ZONE) == serial)
        until("all of it was compared", lambda: server.json_verb("compare", ZONE)["complete"], deadline=120)
        self.assertEqual(server.metric("compare_total", zone=ZONE, result="mismatch"), 0)


class Running(Case):
    """The comparer of the server: what it finds, keeps, expects and samples."""

    def setUp(self):
        super().setUp()
        self.other = self.peer(peers.Nsd, zone_text([4, 5]))
        self.tables = {"compare": {"rate": 500, "period": "2s", "live-share": 1}}

    def report(self):
        return self.server.json_verb("compare", ZONE)

    def run_mirror(self):
        self.server = self.mirror(zone_text(), tables=self.tables, **{"compare-with": [f"127.0.0.1:{self.other.port}"]})

    def test_evidence_survives_a_restart_and_goes_with_its_cause(self):
        self.run_mirror()
        until("both are found", lambda: found(self.report()) == {("changed", "A", "rdata"), ("slow", "A", "ttl")})
        before = {m["owner"]: m["since"] for m in self.report()["mismatches"]}
        until("it was complete", lambda: self.report()["last_full_pass"])
        # SIGTERM writes what is known; the other side is gone, so that nothing can be found anew.
        self.server.stop()
        self.other.kill()
        self.server.start()
        self.assertEqual({m["owner"]: m["since"] for m in self.report()["mismatches"]}, before)
        changed = next(m for m in self.report()["mismatches"] if m["owner"] == "changed." + ZONE)
        self.assertEqual((changed["ours"]["rdata"], changed["theirs"]["rdata"]), (["192.0.2.5"], ["192.0.2.55"]))
        self.assertEqual(changed["evidence"]["address_serial"], 7)
        api = self.server.get(f"/api/v1/zones/{ZONE}/mismatches")
        self.other.write_zone(ZONE, zone_text())
        self.other.start()
        until("they are gone", lambda: self.report()["mismatches"] == [] and self.report()["complete"], deadline=120)
        self.assertIn("evidence", str(api))

    def test_expected_differences_are_counted_apart(self):
        self.tables["[compare.expect]"] = {"owner": "changed." + ZONE, "type": "A", "class": "rdata", "reason": "flattened there"}
        self.run_mirror()
        until("the other is found", lambda: found(self.report()) == {("slow", "A", "ttl")})
        until("it is expected", lambda: self.server.metric("compare_expected", zone=ZONE) == 1)
        self.other.write_zone(ZONE, zone_text())
        self.other.reload()
        until("it is told that nothing matches", lambda: self.report()["expectations"][0]["unused"], deadline=120)
        self.assertEqual(self.server.metric("compare_expected", zone=ZONE), 0)
        until("and logged", lambda: "expectation-pointless" in self.server.log())

    def test_what_clients_ask_is_compared(self):
        # The walk asks for no such type at this owner in its first passes.
        self.tables["compare"]["period"] = "1h"
        self.other.write_zone(ZONE, zone_text() + "more 300 HINFO cpu os\n")
        self.other.reload()
        until("it is loaded", lambda: query.udp("127.0.0.1", self.other.port, "more." + ZONE, "HINFO").answer)
        self.run_mirror()
        until("the pass is over", lambda: self.report()["complete"])
        self.assertEqual(self.report()["mismatches"], [])
        query.udp("127.0.0.1", self.server.port, "MORE." + ZONE, "HINFO")
        until("it is found", lambda: ("more", "HINFO", "extra") in {(o.lower(), t, c) for o, t, c in found(self.report())})


if __name__ == "__main__":
    unittest.main(verbosity=2)
