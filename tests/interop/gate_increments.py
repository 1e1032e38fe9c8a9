"""The gate and differences (IXFR): what they take away is held as it is where the whole zone comes, in the same words; what is
asked for while a version is held; and checks that warn and let pass."""

import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query
from gate import ZONE, Case, SignedFiles
from primary import NS, ScriptedPrimary, Versions, a, name, rr, txt
from processes import until
from understudy import Understudy

MX = 15
BASE = [rr(ZONE, NS, name("ns." + ZONE)), rr(ZONE, MX, struct.pack("!H", 10) + name("ns." + ZONE)), a("ns." + ZONE),
        a(f"*.shop.{ZONE}"), a(f"*.deep.down.{ZONE}"), *[a(f"h{i}.{ZONE}") for i in range(40)],
        a(f"only.*.empty.{ZONE}")]


def without(*gone):
    assert all(record in BASE for record in gone)
    return [record for record in BASE if record not in gone]


def others(serial):
    """Changes that are nothing to the gate."""
    return [txt(f"version.{ZONE}", f"v{serial}")]


# What the second version is: (its records, why it is held, what the message names).
LOSSES = {
    "wildcard": (without(a(f"*.shop.{ZONE}")), "wildcard-lost", f"*.shop.{ZONE}"),
    # Nothing is left above it either: the empty non-terminals go with it.
    "wildcard-with-its-ancestors": (without(a(f"*.deep.down.{ZONE}")), "wildcard-lost", f"*.deep.down.{ZONE}"),
    # Its name stays, as an empty non-terminal: answers are gone all the same.
    "wildcard-that-stays-as-a-name": (without(a(f"*.shop.{ZONE}")) + [a(f"below.*.shop.{ZONE}")], "wildcard-lost", f"*.shop.{ZONE}"),
    "mx-of-the-apex": (without(BASE[1]), "mx-lost", "MX"),
    "half-of-it": (without(*BASE[5:25]), "shrink", "fewer"),
    "data-replaced": (without(*BASE[5:30]) + [a(f"h{i}.{ZONE}", "192.0.2.9") for i in range(25)], "churn", "replaced"),
}
# What passes: a name that is touched by what comes above or below it has lost nothing.
HARMLESS = {
    "a-wildcard-with-other-data": without(a(f"*.shop.{ZONE}")) + [a(f"*.shop.{ZONE}", "192.0.2.9")],
    "a-cut-above-a-wildcard": BASE + [rr(f"shop.{ZONE}", NS, name("ns.elsewhere.example"))],
    "a-name-below-a-wildcard": BASE + [a(f"below.*.shop.{ZONE}")],
    # What goes with it has a wildcard's name, and answered nothing: an empty non-terminal.
    "the-last-name-below-an-empty-wildcard": without(a(f"only.*.empty.{ZONE}")),
}


class Differences(Case):
    def setUp(self):
        super().setUp()
        self.primary = ScriptedPrimary(self.scratch, ZONE, serial=1)
        self.versions = Versions(ZONE)
        self.versions.give_to(self.primary)
        self.versions.records[1] = BASE + others(1)

    def start(self, how="ixfr", **options):
        source = self.primary.source + ("" if how == "ixfr" else "?ixfr=no")
        self.server = Understudy(self.scratch, [{"name": ZONE, "source": [source], "gate.churn": 0.5, **options}], name=how).start()
        until("the zone arrives", lambda: self.served() == 1)

    def give(self, serial, records):
        self.versions.records[serial] = records + others(serial)
        self.primary.serial = serial
        self.server.verb("refresh", ZONE)

    def held_by(self, how, records):
        """What becomes of these as the second version, by IXFR or AXFR."""
        self.primary.serial = 1
        self.start(how)
        before = (self.primary.increments, self.primary.transfers)
        self.give(2, records)
        came = (self.primary.increments - before[0], self.primary.transfers - before[1])
        self.assertEqual(came, (1, 0) if how == "ixfr" else (0, 1), "IXFR, AXFR")
        held = self.status()["held"]
        serial = self.served()
        self.server.stop()
        return held and (held["reason"], held["message"]), serial

    def lost(self, records, reason, words):
        told, serial = self.held_by("ixfr", records)
        self.assertIsNotNone(told, f"serial {serial} is served, and nothing is held")
        self.assertEqual(told[0], reason, told)
        self.assertIn(words, told[1])
        self.assertEqual(serial, 1)
        self.assertEqual(self.held_by("axfr", records), (told, serial))

    def passes(self, records):
        self.assertEqual(self.held_by("ixfr", records), (None, 2))
        self.assertEqual(self.held_by("axfr", records), (None, 2))

    def test_while_one_is_held_the_next_is_asked_from_what_is_served(self):
        self.start()
        self.give(2, without(a(f"*.shop.{ZONE}")))
        self.until_held(2, "wildcard-lost")
        # Asked from what is held it would be a gap: the edits would not fit what is served.
        self.give(3, without(a(f"*.shop.{ZONE}"), a(f"h1.{ZONE}")))
        self.until_held(3, "wildcard-lost")
        for restart in (self.server.stop, self.server.kill):
            restart()
            self.server.start()
            self.assertEqual((self.served(), self.status()["held"]["version"]), (1, 3))
        self.give(4, BASE + [a(f"new.{ZONE}")])
        until("the good one", lambda: self.served() == 4)
        self.assertIsNone(self.status()["held"])
        self.assertTrue(self.has("h1") and self.has("any.shop") and self.has("new"))
        self.assertEqual((self.versions.asked_from, self.primary.transfers), ([1, 1, 1], 1))
        self.assertEqual(self.server.metric("transfer_in_fallback_total"), 0)
        # What is accepted is what the next one is asked from.
        self.give(5, without(a(f"*.shop.{ZONE}")))
        self.until_held(5, "wildcard-lost")
        self.verb("accept", "--version", "5")
        self.give(6, BASE)
        until("the one behind it", lambda: self.served() == 6)
        self.assertEqual(self.versions.asked_from, [1, 1, 1, 4, 5])
        self.assertTrue(self.has("any.shop"))

    def test_losses_that_warn(self):
        self.start(**{"gate.losses": "warn"})
        self.give(2, without(a(f"*.shop.{ZONE}")))
        self.assertEqual(self.served(), 2)
        assert_warned(self, "wildcard-lost", f"*.shop.{ZONE}")
        assert_shown(self, "wildcard-lost", f"*.shop.{ZONE}")


def assert_warned(case, reason, words):
    """What was served is told of once, with the gate's word for it, and nothing is held."""
    case.assertIsNone(case.status()["held"])
    told = [line for line in case.server.log().splitlines() if " gate-warning " in line]
    case.assertEqual(len(told), 1, told)
    case.assertIn(f" reason={reason} ", told[0])
    case.assertIn(words, told[0])
    case.assertEqual(case.server.metric("versions_warned_total", reason=reason), 1)
    case.assertEqual(case.server.metric("versions_held_total"), 0)


def assert_shown(case, reason, words):
    """The version that is served has this one warning, by the same word."""
    [warning] = case.status()["warnings"]
    case.assertEqual(warning["reason"], reason)
    case.assertIn(words, warning["message"])
    case.assertIn(f"{reason}: {warning['message']}", case.server.verb("status", ZONE).stdout)


class Warnings(SignedFiles):
    """`warn`: the version is served, and told of; of the next good one nothing is told."""

    def follow(self, good, bad, reason, words, **options):
        self.give(good(1))
        self.start(**options)
        until("the first", lambda: self.served() == 1)
        self.assertNotIn("gate-warning", self.server.log())
        self.give(bad(2))
        until("the bad one", lambda: self.served() == 2)
        assert_warned(self, reason, words)
        assert_shown(self, reason, words)
        self.give(good(3))
        until("a good one", lambda: self.served() == 3)
        assert_warned(self, reason, words)
        self.assertEqual(self.status()["warnings"], [])

    def test_dnssec(self):
        self.follow(self.signed, lambda serial: self.signed(serial).replace("192.0.2.7", "192.0.2.8", 1), "dnssec", f".{ZONE} A",
                    **{"gate.dnssec": "warn"})

    def test_zonemd(self):
        digested = lambda serial: self.signed(serial, "-z", "sha384")
        self.follow(digested, lambda serial: digested(serial).replace("wild", "wind"), "zonemd", "digest", **{"gate.zonemd": "warn"})
        answer = query.udp("127.0.0.1", self.server.port, f"any.w.{ZONE}", "TXT")
        self.assertEqual(answer.answer[0][0].strings, (b"wild",))


def add_rows():
    for row, (records, reason, words) in LOSSES.items():
        def lost(self, records=records, reason=reason, words=words):
            self.lost(records, reason, words)
        setattr(Differences, "test_" + row.replace("-", "_"), lost)
    for row, records in HARMLESS.items():
        def passes(self, records=records):
            self.passes(records)
        setattr(Differences, "test_" + row.replace("-", "_"), passes)


add_rows()

if __name__ == "__main__":
    unittest.main(verbosity=2)
