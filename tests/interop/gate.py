"""Which version is served: a primary loses half of its zone, its wildcard, its digest; an operator holds, accepts, rolls
back and resumes, with a restart and a kill in between; serials that go back or do not move; a primary that is dark past
expire."""

import os
import re
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.edns

import peers
import query
from primary import NS, ScriptedPrimary, a, frames, name, rr, soa
from processes import Scratch, until
from understudy import Understudy

ZONE = "gate.test."


def zone_text(serial, hosts, more=""):
    lines = [f"$ORIGIN {ZONE}", "$TTL 300", f"@ SOA ns h {serial} 60 60 604800 300", "@ NS ns", "ns A 192.0.2.1", more]
    return "\n".join(lines + [f"{host} A 192.0.2.7" for host in hosts]) + "\n"


def hosts(first, last):
    return [f"h{i}" for i in range(first, last)]


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def served(self):
        return query.serial("127.0.0.1", self.server.port, ZONE)

    def has(self, host):
        answer = query.udp("127.0.0.1", self.server.port, f"{host}.{ZONE}", "A")
        return len(answer.answer) > 0

    def status(self):
        return self.server.status(ZONE)

    def verb(self, verb, *arguments, code=0):
        done = self.server.verb(verb, ZONE, *arguments)
        self.assertEqual(done.returncode, code, f"{verb} {arguments}: {done.stdout}{done.stderr}")
        said = done.stdout if code == 0 else done.stderr
        self.assertEqual(len(said.splitlines()), 1, said)
        return said

    def until_held(self, version, reason):
        until(f"version {version} is held", lambda: (self.status()["held"] or {}).get("version") == version)
        self.assertEqual(self.status()["held"]["reason"], reason)


class PrimaryThatLoses:
    """A real primary; to be mixed into a Case that names `peer`."""

    peer = None

    def setUp(self):
        super().setUp()
        self.primary = self.peer(self.scratch, [ZONE])
        self.primary.write_zone(ZONE, zone_text(1, hosts(0, 40)))
        self.primary.start()
        self.server = Understudy(self.scratch, [{"name": ZONE, "source": [self.primary.source]}]).start()
        until("the zone arrives", lambda: self.served() == 1)

    def give(self, serial, *arguments):
        self.primary.write_zone(ZONE, zone_text(serial, *arguments))
        self.primary.reload()
        until(f"the primary has {serial}", lambda: self.primary.serial(ZONE) == serial)
        self.server.verb("refresh", ZONE)

    def test_half_the_zone_is_gone(self):
        self.give(2, hosts(0, 20))
        self.until_held(2, "shrink")
        # Served is the last good one; every door says what is the matter, in the same word.
        self.assertTrue(self.has("h39"))
        self.assertEqual(self.served(), 1)
        self.assertEqual(self.status()["state"], "fresh")
        self.assertIsNone(self.status()["last_refusal"])
        self.assertEqual(self.server.metric("zone_held", zone=ZONE), 1)
        self.assertEqual(self.server.metric("versions_held_total", reason="shrink"), 1)
        self.assertEqual(self.server.metric("versions_held_total", reason="zonemd"), 0)
        self.assertEqual(self.server.metric("zone_serial", zone=ZONE, role="served"), 1)
        self.assertEqual(self.server.metric("zone_serial", zone=ZONE, role="stored"), 2)
        self.assertIn("reason=shrink", self.server.log())
        self.assertEqual(self.server.get("/readyz")[0], 200, "one bad zone withdraws no node")
        text = self.server.verb("status", ZONE).stdout
        self.assertIn("version 2 with serial 2", text)
        self.assertIn(f"understudy accept {ZONE} --version 2", text)
        self.assertIn("fresh, held", self.server.verb("status").stdout)
        newest, before = self.server.json_verb("history", ZONE)
        self.assertEqual((newest["version"], newest["live"], newest["held"]["reason"]), (2, False, "shrink"))
        self.assertEqual((before["version"], before["live"], before["held"]), (1, True, None))
        self.assertIn("2 held", self.server.verb("history", ZONE).stdout)
        shown = self.server.verb("show", ZONE, "--version", "2")
        self.assertEqual(len(re.findall(r"^h\d+\.gate", shown.stdout, re.MULTILINE)), 20, shown.stderr)
        self.assertEqual(len(re.findall(r"^h\d+\.gate", self.server.verb("show", ZONE).stdout, re.MULTILINE)), 40)
        diff = self.server.json_verb("diff", "mirror:", "mirror:@2", "--zone", ZONE)
        self.assertEqual(sorted({d["class"] for d in diff["differences"]}), ["missing", "rdata"])
        self.assertEqual(len(diff["differences"]), 21)

        # The same after a restart, and after a kill.
        self.server.stop()
        self.assertEqual(self.server.json_verb("history", ZONE)[0]["held"]["reason"], "shrink")
        self.server.start()
        self.assertEqual(self.status()["held"]["version"], 2)
        self.server.kill()
        self.server.start()
        self.assertEqual((self.served(), self.status()["held"]["version"]), (1, 2))

        # A check that succeeds renews expire, and does not transfer the same again.
        before = self.status()
        until("a later check", lambda: self.server.verb("refresh", ZONE) and self.status()["expires"] > before["expires"])
        self.assertEqual(self.status()["held"]["version"], 2)

        # Another takes its place: only that can be accepted.
        self.give(3, hosts(0, 10))
        self.until_held(3, "shrink")
        self.assertIn("version 3", self.verb("accept", "--version", "2", code=2))
        self.assertEqual(self.served(), 1)
        self.assertIn("version 3 is served, with serial 3", self.verb("accept", "--version", "3"))
        self.assertEqual(self.served(), 3)
        self.assertFalse(self.has("h39"))
        self.assertEqual(self.server.metric("zone_held", zone=ZONE), 0)
        self.assertEqual([row["version"] for row in self.server.json_verb("history", ZONE)], [3, 1])
        self.assertRegex(self.server.log(), rf"accept.*uid={os.getuid()}", "who asked is logged")

    def test_what_comes_back_whole_ends_the_alarm(self):
        self.give(2, hosts(0, 20))
        self.until_held(2, "shrink")
        self.give(3, hosts(0, 41))
        until("the good one", lambda: self.served() == 3)
        self.assertIsNone(self.status()["held"])
        self.verb("accept", "--version", "2", code=2)

    def test_rollback_and_resume(self):
        self.give(2, hosts(0, 40) + ["x"])
        until("version 2", lambda: self.served() == 2)
        said = self.verb("rollback", "--to", "1")
        self.assertIn("as version 3 with serial 1", said)
        self.assertFalse(self.has("x"))
        self.assertTrue(self.status()["rolled_back"])
        self.assertTrue(self.status()["serial_unmoved"])
        self.assertIn("AXFR only", self.server.verb("status", ZONE).stdout)
        # What the source has is fetched, and held.
        self.server.verb("refresh", ZONE)
        self.until_held(4, "rollback")
        self.give(3, hosts(0, 40) + ["y"])
        self.until_held(5, "rollback")
        self.server.kill()
        self.server.start()
        self.assertFalse(self.has("y"))
        self.assertEqual(self.served(), 1)
        self.assertIn("version 5 is served, with serial 3", self.verb("resume"))
        self.assertTrue(self.has("y"))
        self.assertEqual(self.served(), 3)
        self.verb("resume")
        self.verb("rollback", "--to", "77", code=2)
        self.verb("rollback", "--to", "5", code=2)
        self.assertEqual([row["version"] for row in self.server.json_verb("history", ZONE)], [5, 3, 2, 1])

    def test_hold_and_resume(self):
        self.verb("hold")
        self.give(2, hosts(0, 40) + ["x"])
        self.until_held(2, "hold")
        self.assertFalse(self.has("x"))
        self.assertIn("on hold", self.server.verb("status", ZONE).stdout)
        self.verb("resume")
        until("version 2", lambda: self.served() == 2)

    def test_the_wildcard_is_gone(self):
        self.give(2, hosts(0, 40), "*.shop A 192.0.2.8\n@ MX 10 mail")
        until("version 2", lambda: self.served() == 2)
        self.give(3, hosts(0, 40), "@ MX 10 mail")
        self.until_held(3, "wildcard-lost")
        self.assertIn(f"*.shop.{ZONE}", self.status()["held"]["message"])
        self.give(4, hosts(0, 40), "*.shop A 192.0.2.8")
        self.until_held(4, "mx-lost")


class Knot(PrimaryThatLoses, Case):
    peer = peers.Knot


class Nsd(PrimaryThatLoses, Case):
    peer = peers.Nsd


class SignedFiles(Case):
    """Zones that ldns signs and digests, given as a file. Each is signed with the same key."""

    def setUp(self):
        super().setUp()
        self.directory = self.scratch.directory("signer")
        self.tool = {"cwd": self.directory, "check": True, "capture_output": True, "text": True}
        self.key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", ZONE], **self.tool).stdout.strip()
        self.live = os.path.join(self.directory, "live")

    def signed(self, serial, *options):
        more = "*.w TXT wild\nMiXed TXT case\ncut NS ns.cut\nns.cut A 192.0.2.9\nd DNAME elsewhere.example."
        unsigned = self.scratch.write(f"{serial}.unsigned", zone_text(serial, hosts(0, 30), more))
        out = os.path.join(self.directory, f"{serial}.signed")
        subprocess.run(["ldns-signzone", *options, "-f", out, unsigned, self.key], **self.tool)
        with open(out, encoding="utf-8") as file:
            return file.read()

    def give(self, text):
        with open(self.live + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.live + ".new", self.live)

    def start(self, **options):
        self.server = Understudy(self.scratch, [{"name": ZONE, "source": [f"file:{self.live}"], **options}])
        self.server.start()


class Digest(SignedFiles):
    """One octet of a zone with a digest is changed on the way."""

    def test_right_and_wrong_digests(self):
        self.give(self.signed(1, "-z", "sha384"))
        self.start()
        until("NSEC, SHA-384", lambda: self.served() == 1)
        for serial, options in ((2, ["-n", "-z", "sha512"]), (3, ["-n", "-s", "abcd", "-z", "sha384", "-z", "sha512"])):
            self.give(self.signed(serial, *options))
            until(f"{options}", lambda serial=serial: self.served() == serial)
        self.assertEqual(self.server.metric("versions_held_total", reason="zonemd"), 0)
        for serial, options in ((4, ["-z", "sha384"]), (5, ["-n", "-z", "sha512"])):
            self.give(self.signed(serial, *options).replace("wild", "wind"))
            self.until_held(serial, "zonemd")
            self.assertEqual(self.served(), 3)


class Signatures(SignedFiles):
    """The gate validates: NSEC and NSEC3, cuts, a DNAME, a wildcard; and sees what does not fit."""

    def test_what_validates_passes_and_what_does_not_is_held(self):
        self.give(self.signed(1))
        self.start(**{"gate.dnssec": "hold"})
        until("NSEC", lambda: self.served() == 1)
        self.give(self.signed(2, "-n", "-s", "abcd"))
        until("NSEC3", lambda: self.served() == 2)
        self.give(self.signed(3).replace("192.0.2.7", "192.0.2.8", 1))
        self.until_held(3, "dnssec")
        self.assertRegex(self.status()["held"]["message"], r"^h\d+\.gate\.test\. A: ")
        self.give(self.signed(4, "-i", "20200101", "-e", "20200201"))
        self.until_held(4, "dnssec")
        self.assertIn("xpired", self.status()["held"]["message"])
        unsigned = re.sub(r"(?m)^h7\.gate\.test\.\s.*RRSIG\s+A\s.*\n", "", self.signed(5))
        self.give(unsigned)
        self.until_held(5, "dnssec")
        self.assertIn("h7.gate.test. A: it has no signature", self.status()["held"]["message"])
        self.assertEqual(self.served(), 2)
        self.give(self.signed(6))
        until("a good one", lambda: self.served() == 6)


class Serials(Case):
    """What a scripted primary says and gives, serial and content apart."""

    def setUp(self):
        super().setUp()
        self.primary = ScriptedPrimary(self.scratch, ZONE, serial=10)
        self.names = ["a", "b", "c"]
        self.primary.stream = self.version

    def version(self, ident, serial):
        return frames(ident, ZONE, [soa(ZONE, serial), rr(ZONE, NS, name("ns." + ZONE)), a("ns." + ZONE),
                                    *[a(f"{n}.{ZONE}") for n in self.names], soa(ZONE, serial)])

    def start(self, **options):
        self.server = Understudy(self.scratch, [{"name": ZONE, "source": [self.primary.source], **options}])
        self.server.start()
        until("the zone arrives", lambda: self.served() == 10)

    def test_backwards_is_ignored_with_an_alarm(self):
        self.start()
        self.primary.serial, self.names = 9, ["a", "b", "c", "d"]
        self.server.verb("refresh", ZONE)
        self.assertEqual(self.status()["primaries"][0]["failure"]["reason"], "serial-backwards")
        self.assertEqual(self.served(), 10)
        self.assertIn("serial-backwards", self.server.log())
        self.verb("retransfer")
        self.assertEqual(self.served(), 9)

    def test_backwards_is_held(self):
        self.start(**{"gate.serial-backwards": "hold"})
        self.primary.serial, self.names = 9, ["a", "b", "c", "d"]
        self.server.verb("refresh", ZONE)
        self.until_held(2, "serial-backwards")
        self.verb("accept", "--version", "2")
        self.assertEqual(self.served(), 9)
        self.assertEqual(self.verb("refresh").strip(), f"{ZONE}: up to date")

    def test_backwards_is_accepted(self):
        self.start(**{"gate.serial-backwards": "accept"})
        self.primary.serial, self.names = 9, ["a", "b", "c", "d"]
        self.server.verb("refresh", ZONE)
        until("the older serial", lambda: self.served() == 9)

    def test_unmoved_is_seen_by_a_full_check(self):
        self.start(**{"gate.serial-unmoved": "hold", "gate.full-check": "1s"})
        self.names = ["a", "b", "c", "d"]

        def held():
            self.server.verb("refresh", ZONE)
            return self.status()["held"]

        until("the full check", held)
        self.assertEqual(self.status()["held"]["reason"], "serial-unmoved")
        self.assertFalse(self.has("d"))
        self.verb("accept", "--version", "2")
        self.assertTrue(self.has("d"))
        self.assertTrue(self.status()["serial_unmoved"])

    def test_unmoved_is_ignored_with_an_alarm(self):
        self.start(**{"gate.serial-unmoved": "ignore", "gate.full-check": "1s"})
        self.names = ["a", "b", "c", "d"]
        refusal = until("the full check", lambda: self.server.verb("refresh", ZONE) and self.status()["last_refusal"])
        self.assertEqual(refusal["reason"], "serial-unmoved")
        self.assertIn("reason=serial-unmoved", self.server.log())
        self.assertEqual((self.served(), self.has("d"), self.status()["held"]), (10, False, None))
        self.assertEqual(self.server.metric("versions_held_total", reason="serial-unmoved"), 0)
        self.verb("retransfer")
        self.assertTrue(self.has("d"))

    def test_unmoved_is_raised_for_our_secondaries(self):
        self.start(**{"serial": "raise", "gate.full-check": "1s"})
        self.names = ["a", "b", "c", "d"]
        until("the full check", lambda: self.server.verb("refresh", ZONE) and self.served() == 11)
        self.assertTrue(self.has("d"))
        status = self.status()
        self.assertEqual((status["serial"], status["source_serial"], status["serial_unmoved"]), (11, 10, False))
        self.assertIsNone(status["out_of_sync_since"])
        self.server.stop()
        self.server.start()
        self.assertEqual(self.served(), 11)
        self.assertEqual(self.verb("refresh").strip(), f"{ZONE}: up to date")

    def test_many_changes_while_held_keep_the_last_good_one(self):
        self.start(**{"gate.ignore-below": 1})
        for i in range(1, 6):
            self.primary.serial, self.names = 10 + i, ["a"] if i % 2 else ["b"]
            self.server.verb("refresh", ZONE)
            self.until_held(1 + i, "shrink")
        self.assertEqual(self.served(), 10)
        self.assertEqual([row["version"] for row in self.server.json_verb("history", ZONE)], [6, 1])


class Expire(Case):
    """The primary goes dark past expire: stale by policy and with its bound, and back by itself."""

    def setUp(self):
        super().setUp()
        self.primary = ScriptedPrimary(self.scratch, ZONE, serial=10)
        self.names, self.signatures = ["a"], []
        self.primary.stream = self.version

    def version(self, ident, serial):
        # EXPIRE is raised to a minute by the configuration's lowest bound.
        start = soa(ZONE, serial, refresh=1, retry=1, expire=1)
        return frames(ident, ZONE, [start, rr(ZONE, NS, name("ns." + ZONE)), a("ns." + ZONE),
                                    *[a(f"{n}.{ZONE}") for n in self.names], *self.signatures, start])

    def ede(self):
        answer = query.udp("127.0.0.1", self.server.port, f"a.{ZONE}", "A")
        codes = [option.code for option in answer.options if isinstance(option, dns.edns.EDEOption)]
        return answer.rcode(), codes

    def start(self, on_expire, **options):
        self.server = Understudy(self.scratch, [{
            "name": ZONE, "source": [self.primary.source], "on-expire": on_expire, "expire-min": "60s",
            "refresh-min": "1s", "retry-min": "1s", "retry-max": "1s", **options}])
        self.server.start()
        until("the zone arrives", lambda: self.served() == 10)

    def test_stale_by_policy_and_back_with_a_lower_serial(self):
        self.start("serve-stale:7d")
        self.primary.dark = True
        until("the zone is stale", lambda: self.status()["state"] == "stale", deadline=240)
        self.assertEqual(self.ede(), (0, [3]))
        self.assertEqual(self.server.metric("zone_stale", zone=ZONE), 1)
        self.assertEqual(self.server.metric("zones", state="stale"), 1)
        self.assertIn("zone-stale", self.server.log())
        self.server.stop()
        self.server.start()
        self.assertEqual((self.ede(), self.status()["state"]), ((0, [3]), "stale"))
        self.primary.serial, self.names = 5, ["a", "back"]
        self.primary.dark = False
        until("the zone is back", lambda: self.status()["state"] == "fresh", deadline=240)
        self.assertEqual((self.served(), self.ede()), (5, (0, [])))
        self.assertTrue(self.has("back"))
        self.assertEqual(self.server.metric("zone_stale", zone=ZONE), 0)


    def test_signatures_that_end_meanwhile(self):
        """An alarm by default; the end of the service where the policy says so."""
        ended = int(time.time()) - 10
        self.signatures = [rr(ZONE, 46, struct.pack("!HBBIIIH", 6, 8, 2, 300, ended, ended - 1000, 7) + name(ZONE) + b"x")]
        self.start("serve-stale:7d")
        stopping = Understudy(self.scratch, [{**self.server.zones[0], "stale-past-signature": "stop"}], name="stopping").start()
        until("the zone arrives there", lambda: query.serial("127.0.0.1", stopping.port, ZONE) == 10)
        self.primary.dark = True
        until("the alarm", lambda: "signatures-ended" in self.server.log(), deadline=240)
        self.assertEqual((self.ede(), self.status()["state"]), ((0, [3]), "stale"))
        self.assertEqual(self.server.metric("zone_rrsig_min_expiry_timestamp_seconds", zone=ZONE), ended)
        until("the end", lambda: stopping.status(ZONE)["state"] == "expired", deadline=240)
        self.server = stopping
        self.assertEqual(self.ede(), (2, [24]))
        self.primary.dark = False
        until("it is back", lambda: self.status()["state"] == "fresh", deadline=240)
        self.assertEqual(self.ede(), (0, []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
