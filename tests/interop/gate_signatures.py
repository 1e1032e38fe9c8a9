"""What the gate and the agents know of signatures: when the first one ends, and whether the parent of a zone without any says
that there are some."""

import os
import shutil
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import query
from gate import ZONE, Case, SignedFiles, hosts, zone_text
from primary import IXFR, NS, ScriptedPrimary, a, frames, name, rr, soa
from processes import until
from understudy import Understudy


class SignatureEnds(Case):
    """The first end of a signature is known at any time: after a whole transfer, differences and a restart."""

    DAY = 86400

    def setUp(self):
        super().setUp()
        self.first = int(time.time()) // self.DAY * self.DAY + 5 * self.DAY
        self.primary = ScriptedPrimary(self.scratch, ZONE, serial=1)
        self.primary.stream = lambda ident, serial: frames(ident, ZONE, self.records(serial))
        self.primary.differences = self.difference

    def signature(self, owner, rtype, end):
        return rr(owner, 46, struct.pack("!HBBIIIH", rtype, 13, 2, 300, end, end - 10 * self.DAY, 7) + name(ZONE) + b"x")

    def end(self, serial):
        """Of the one signature that changes with each version: 1 ends first, each later one a day later."""
        return self.first + (serial - 1) * self.DAY + 77

    def varying(self, serial):
        return self.signature(f"h.{ZONE}", 1, self.end(serial))

    def records(self, serial):
        return [soa(ZONE, serial), self.signature(ZONE, 6, self.first + 30 * self.DAY), rr(ZONE, NS, name("ns." + ZONE)),
                a("ns." + ZONE), a(f"h.{ZONE}"), self.varying(serial), soa(ZONE, serial)]

    def difference(self, ident, serial, have):
        return frames(ident, ZONE, [soa(ZONE, serial), soa(ZONE, have), self.varying(have), soa(ZONE, serial),
                                    self.varying(serial), soa(ZONE, serial)], qtype=IXFR)

    def told(self):
        return self.server.metric("zone_rrsig_min_expiry_timestamp_seconds", zone=ZONE)

    def test_it_is_always_there(self):
        self.server = Understudy(self.scratch, [{"name": ZONE, "source": [self.primary.source]}]).start()
        until("it is counted", lambda: self.told() == self.end(1))
        self.assertEqual(self.status()["state"], "fresh")
        self.assertIn("the first ends", self.server.verb("status", ZONE).stdout)
        for serial in (2, 4, 5):
            self.primary.serial = serial
            self.server.verb("refresh", ZONE)
            self.assertEqual((self.served(), self.told()), (self.primary.serial, self.end(self.primary.serial)))
        self.assertEqual((self.primary.transfers, self.primary.increments), (1, 3))
        self.server.stop()
        self.server.start()
        until("it is counted again", lambda: self.told() == self.end(5))
        self.verb("rollback", "--to", "1")
        until("it is that of version 1", lambda: self.told() == self.end(1))


class UnderTheParent(SignedFiles):
    """A zone without signatures whose parent has a DS record for it."""

    PARENT = "test."

    def unsigned(self, serial):
        return zone_text(serial, hosts(0, 30))

    def parent_text(self, ds):
        lines = ["$ORIGIN test.", "$TTL 60", "@ SOA ns h 1 60 60 604800 60", "@ NS ns", "ns A 192.0.2.1", "gate NS ns.gate",
                 "ns.gate A 192.0.2.1"]
        return "\n".join(lines + ["gate DS 1 13 2 " + "00" * 32] * ds) + "\n"

    def parent(self, ds, peer=peers.Nsd):
        parent = peer(self.scratch, [self.PARENT])
        parent.write_zone(self.PARENT, self.parent_text(ds))
        return parent.start()

    def start(self, resolver=None, zones=(), **options):
        gate = {"parent-resolver": [f"127.0.0.1:{resolver}"]} if resolver else {}
        self.server = Understudy(self.scratch, [{"name": ZONE, "source": [f"file:{self.live}"], **options}, *zones],
                                 tables={"gate": gate}).start()

    def parent_ds(self):
        return (self.status()["parent_ds"] or {}).get("state")

    def metric(self, state):
        return self.server.metric("zone_parent_ds", zone=ZONE, state=state)

    def test_a_new_zone_is_held_and_one_that_is_served_is_not_stopped(self):
        parent = self.parent(ds=True)
        self.give(self.unsigned(1))
        self.start(parent.port)
        self.until_held(1, "ds-at-parent")
        self.assertIsNone(self.served())
        self.assertEqual(self.server.metric("versions_held_total", reason="ds-at-parent"), 1)
        self.assertIn("reason=ds-at-parent", self.server.log())
        self.verb("accept", "--version", "1")
        self.assertEqual(self.served(), 1)
        self.server.verb("refresh", ZONE)
        until("the alarm", lambda: self.parent_ds() == "present")
        self.assertEqual((self.metric("present"), self.metric("unknown")), (1, 0))
        self.assertIn("ds-at-parent", self.server.verb("status", ZONE).stdout)
        # What is served unsigned already goes on.
        self.give(self.unsigned(2))
        until("version 2", lambda: self.served() == 2)
        self.assertEqual(self.parent_ds(), "present")
        # The DS record goes, and with it the alarm.
        parent.write_zone(self.PARENT, self.parent_text(False))
        parent.reload()
        until("the alarm ends", lambda: self.server.verb("refresh", ZONE) and self.parent_ds() == "none")
        self.assertEqual((self.metric("present"), self.metric("unknown")), (0, 0))

    def test_a_version_that_lost_its_signatures_is_held(self):
        parent = self.parent(ds=True, peer=peers.Knot)
        self.give(self.signed(1))
        self.start(parent.port, **{"gate.losses": "off", "gate.shrink": 1.0, "gate.churn": 1.0})
        until("the signed zone", lambda: self.served() == 1)
        self.assertIsNone(self.parent_ds())
        self.give(self.unsigned(2))
        self.until_held(2, "ds-at-parent")
        self.assertEqual(self.served(), 1)
        # A signed one takes its place.
        self.give(self.signed(3))
        until("version 3", lambda: self.served() == 3)
        self.assertIsNone(self.status()["held"])

    def test_our_own_copy_of_the_parent_is_asked_first(self):
        parent = self.parent(ds=True)
        self.give(self.unsigned(1))
        self.start(zones=[{"name": self.PARENT, "source": [parent.source]}])
        until("the parent zone", lambda: query.serial("127.0.0.1", self.server.port, self.PARENT) == 1)
        # Whichever came first, the zone or its parent: held, or served with the alarm.
        until("it is seen", lambda: self.server.verb("refresh", ZONE)
              and (self.status()["held"] or self.parent_ds() == "present"))
        held = self.status()["held"]
        self.assertTrue(held is None or held["reason"] == "ds-at-parent", held)

    def test_a_parent_that_cannot_be_asked(self):
        silent = ScriptedPrimary(self.scratch, "elsewhere.test.")
        silent.dark = True
        broken = peers.Nsd(self.scratch, ["other."])  # REFUSED for whatever else
        broken.write_zone("other.", "$ORIGIN other.\n@ 60 SOA ns h 1 60 60 604800 60\n@ 60 NS ns\n")
        broken.start()
        for resolver, word in ((silent.port, "time"), (broken.port, "REFUSED")):
            with self.subTest(word):
                self.give(self.unsigned(1))
                self.start(resolver)
                until("it is served", lambda: self.served() == 1)
                self.assertEqual((self.parent_ds(), self.metric("unknown"), self.metric("present")), ("unknown", 1, 0))
                self.assertIn(str(resolver), self.status()["parent_ds"]["message"])
                self.assertIn("reason=ds-at-parent", self.server.log())
                self.server.stop()
                shutil.rmtree(self.server.data)

    def test_nobody_is_asked_unless_told(self):
        self.give(self.unsigned(1))
        self.start()
        until("it is served", lambda: self.served() == 1)
        self.assertIsNone(self.status()["parent_ds"])
        self.assertIsNone(self.metric("unknown"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
