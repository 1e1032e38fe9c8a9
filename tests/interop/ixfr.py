"""What changed comes as differences (IXFR, RFC 1995): from Knot, BIND and NSD, and from a scripted primary that gets them
wrong in every way. Whatever goes wrong, the whole zone follows in the same refresh, once."""

import gzip
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import query
import zones
from primary import IXFR, NS, ScriptedPrimary, a, frame, frames, message, name, rr, soa, txt
from processes import Scratch, free_port, until
from understudy import SHARED, Understudy, run

ZONE = "interop.example."
# The versions here lose what they like; that is not what is tested. The comparer has nobody to ask: where it meets a primary that is
# ahead it has the zone looked after, and that would be a transfer beside those that are counted.
ANYTHING = {"gate.churn": 1.0, "gate.shrink": 1.0, "gate.losses": "off", "compare-with": ["127.0.0.1:9"]}


def transfers_of(server, zone):
    """The types of the transfers that were published, in their order; each tells what it moved and how long that took."""
    return [re.search(r" type=(\S+) transport=tcp primary=\S+ records=[1-9]\d* octets=[1-9]\d* seconds=\d+\.\d+$", line)[1]
            for line in server.log().splitlines() if " transfer-done " in line and f" zone={zone} " in line]


def fallbacks_of(server, zone):
    return [re.search(r" reason=(\S+)", line)[1] for line in server.log().splitlines()
            if " transfer-fallback " in line and f" zone={zone} " in line]


def records(server, apex):
    zone = query.transfer(*server, apex)
    return {(owner.canonicalize(), ttl, rdata.rdtype, rdata.to_digestable()) for owner, ttl, rdata in zone.iterate_rdatas()}


class RealPrimary:
    """To be mixed into a unittest.TestCase that names `peer`; each change has to come as `expected`."""

    peer = None
    leave_out = ()
    expected = "ixfr"

    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def versions(self):
        """Zone files of rising serials: one record changed, owners come, a cut comes and goes, owners go."""
        host = "host              300 IN A 192.0.2."
        came = "deep.down.in.the.zone 300 IN A 192.0.2.1\nnew 300 IN TXT \"new\"\n"
        cut = "in.the.zone 300 IN NS ns.elsewhere.example.\n"
        for serial, (last, more) in enumerate((("30", ""), ("31", ""), ("31", came), ("31", came + cut),
                                               ("31", came + "*.the.zone 300 IN A 192.0.2.2\n"), ("30", "")), 41):
            text = zones.generate(ZONE, serial, names=200, leave_out=self.leave_out)[0]
            assert host + "30" in text
            yield serial, text.replace(host + "30", host + last) + more

    def test_changes_come_as_differences(self):
        port = free_port()
        primary = self.peer(self.scratch, [ZONE], notify=[port])
        server = None
        for serial, text in self.versions():
            primary.write_zone(ZONE, text)
            if server is None:
                primary.start()
                server = Understudy(self.scratch, [{"name": ZONE, "source": [primary.source], **ANYTHING, "allow-transfer": ["127.0.0.1"]}],
                                    listen=[f"127.0.0.1:{port}"]).start()
            else:
                primary.reload()
            until(f"serial {serial} arrives", lambda serial=serial: query.serial("127.0.0.1", port, ZONE) == serial, deadline=180)
            self.assertEqual(records(("127.0.0.1", port), ZONE), records(("127.0.0.1", primary.port), ZONE), serial)
        self.assertEqual(transfers_of(server, ZONE), ["axfr"] + 5 * [self.expected])
        self.assertEqual(fallbacks_of(server, ZONE), [])
        self.assertEqual(server.metric("transfers_in_total", type=self.expected, result="ok"), 5)
        self.assertEqual(server.status(ZONE)["last_transfer"], self.expected)
        # A mirror that takes the last version whole has the same content.
        self.assert_same_as_whole(server, primary)

    def assert_same_as_whole(self, server, primary):
        whole = Understudy(self.scratch, [{"name": ZONE, "source": [primary.source], **ANYTHING}], name="whole").start()
        until("the zone arrives whole", lambda: query.serial("127.0.0.1", whole.port, ZONE) == query.serial("127.0.0.1", server.port, ZONE))
        mine, theirs = server.status(ZONE), whole.status(ZONE)
        for key in ("serial", "records", "nodes", "digest"):
            self.assertEqual(mine[key], theirs[key], key)
        shown = [run("show", ZONE, "--data", one.data).stdout for one in (server, whole)]
        self.assertEqual(*[[line for line in text.splitlines() if not line.startswith(";")] for text in shown])


class KnotWithHistory(peers.Knot):
    history = True


class BindWithHistory(peers.Bind):
    history = True


class KnotAsPrimary(RealPrimary, unittest.TestCase):
    peer = KnotWithHistory


class BindAsPrimary(RealPrimary, unittest.TestCase):
    peer = BindWithHistory
    leave_out = ("type3.types", "type4.types", "type24.types", "type30.types")


class NsdAsPrimary(RealPrimary, unittest.TestCase):
    """What it does unless told otherwise: the whole zone answers the IXFR."""

    peer = peers.Nsd
    leave_out = ("occluded.dn",)
    expected = "axfr-style"


class PowerDnsAsPrimary(RealPrimary, unittest.TestCase):
    """It has no differences, and sends the first SOA in a message of its own."""

    peer = peers.PowerDns
    leave_out = (r"\000\001.zero", "type46.types", "type48.types", "type59.types", "type60.types")
    expected = "axfr-style"


class RootZones(unittest.TestCase):
    """The root on nine days, as differences made by Knot, and whole: the mirror's content is the same in the end."""

    DAYS = sorted(file.split(".")[0] for file in os.listdir(os.path.join(SHARED, "data", "root"))) \
        if os.path.isdir(os.path.join(SHARED, "data", "root")) else []

    def setUp(self):
        if len(self.DAYS) < 2:
            print("skipped: the real zones are missing; name their directory in UNDERSTUDY_SHARED", flush=True)
            self.skipTest("the real zones are missing")
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def test_nine_days_in_a_row(self):
        primary = KnotWithHistory(self.scratch, ["."])
        followers = []
        for day in self.DAYS:
            with gzip.open(os.path.join(SHARED, "data", "root", f"{day}.zone.gz"), "rt") as file:
                primary.write_zone(".", file.read())
            if not followers:
                primary.start()
                followers = [Understudy(self.scratch, [{"name": ".", "source": [primary.source], **ANYTHING}], name=how).start()
                             for how in ("by-differences", "whole")]
            else:
                primary.reload()
                until(f"{day} at the primary", lambda day=day: primary.serial(".") == int(day), deadline=180)
                for server, verb in zip(followers, ("refresh", "retransfer")):
                    done = server.verb(verb, ".")
                    self.assertEqual(done.returncode, 0, done)
            for server in followers:
                until(f"{day} here", lambda day=day, server=server: query.serial("127.0.0.1", server.port, ".") == int(day), deadline=180)
            mine, theirs = (server.status(".") for server in followers)
            for key in ("serial", "version", "records", "nodes", "digest"):
                self.assertEqual(mine[key], theirs[key], (day, key))
        by_differences, whole = followers
        self.assertEqual(transfers_of(by_differences, "."), ["axfr"] + ["ixfr"] * (len(self.DAYS) - 1))
        self.assertEqual(transfers_of(whole, "."), ["axfr"] * len(self.DAYS))
        for server in followers:
            server.stop()
        for version in range(1, len(self.DAYS) + 1):
            shown = [run("show", ".", "--version", str(version), "--data", server.data) for server in followers]
            self.assertEqual([one.returncode for one in shown], [0, 0], shown[0].stderr + shown[1].stderr)
            texts = [[line for line in one.stdout.splitlines() if not line.startswith(";")] for one in shown]
            self.assertGreater(len(texts[0]), 15000)
            self.assertTrue(texts[0] == texts[1], f"version {version} is not the same")


def body(apex, serial):
    return [rr(apex, NS, name("ns." + apex)), a("ns." + apex), a("www." + apex), txt("version." + apex, f"v{serial}")]


def whole(apex):
    return lambda ident, serial: frames(ident, apex, [soa(apex, serial), *body(apex, serial), soa(apex, serial)])


def difference(apex, old, new):
    return [soa(apex, old), txt("version." + apex, f"v{old}"), soa(apex, new), txt("version." + apex, f"v{new}")]


def reply(apex, make):
    """`make(serial, have)` says which records come."""
    return lambda ident, serial, have: frames(ident, apex, make(serial, have), qtype=IXFR)


def rcode(apex, code):
    return lambda ident, serial, have: [frame(message(ident, apex, [], qtype=IXFR, flags=0x8000 | code))]


def good(apex):
    """One SOA where there is nothing newer (RFC 1995 4)."""
    def records(serial, have):
        steps = [r for old in range(have, serial) for r in difference(apex, old, old + 1)]
        return [soa(apex, serial), *steps, soa(apex, serial)] if steps else [soa(apex, serial)]
    return reply(apex, records)


# What is wrong with the differences: (the stream, the reason that is told, is the primary asked for differences again at once)
WRONG = {
    "servfail": (lambda z: rcode(z, 2), "servfail", False),
    "refused": (lambda z: rcode(z, 5), "refused", False),
    "formerr": (lambda z: rcode(z, 1), "formerr", False),
    "notimp": (lambda z: rcode(z, 4), "not-implemented", False),
    "gap": (lambda z: reply(z, lambda s, h: [soa(z, s), *difference(z, h + 7, s), soa(z, s)]), "ixfr-gap", True),
    "removes-what-is-not-there": (lambda z: reply(z, lambda s, h: [soa(z, s), soa(z, h), a("none." + z), soa(z, s), soa(z, s)]),
                                  "ixfr-conflict", True),
    "adds-what-is-there": (lambda z: reply(z, lambda s, h: [soa(z, s), soa(z, h), soa(z, s), a("www." + z), soa(z, s)]),
                           "ixfr-conflict", True),
    "another-ttl": (lambda z: reply(z, lambda s, h: [soa(z, s), soa(z, h), txt("version." + z, f"v{h}", ttl=1), soa(z, s), soa(z, s)]),
                    "ixfr-conflict", True),
    "takes-the-apex-ns": (lambda z: reply(z, lambda s, h: [soa(z, s), soa(z, h), rr(z, NS, name("ns." + z)), soa(z, s), soa(z, s)]),
                          "apex-ns-missing", False),
    "another-soa-at-the-end": (lambda z: reply(z, lambda s, h: [soa(z, s), *difference(z, h, s), soa(z, s, minimum=1)]),
                               "soa-mismatch", False),
    "broken-rdata": (lambda z: reply(z, lambda s, h: [soa(z, s), soa(z, h), rr("x." + z, 1, b"\1\2\3"), soa(z, s), soa(z, s)]),
                     "bad-rdata", False),
    "newer-soa-alone": (lambda z: reply(z, lambda s, h: [soa(z, s)]), "ixfr-soa-only", False),
    "empty-zone": (lambda z: reply(z, lambda s, h: [soa(z, s), soa(z, s)]), "apex-ns-missing", False),
}


class WrongDifferences(unittest.TestCase):
    """A zone for each way of being wrong, all of one server."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.addClassCleanup(cls.scratch.close)
        cls.primaries = {}
        for row in [*WRONG, "closes", "silent", "both", "good", "ahead", "behind", "zero"]:
            apex = row + ".test"
            primary = ScriptedPrimary(cls.scratch, apex)
            primary.stream = whole(apex)
            primary.differences = good(apex)
            cls.primaries[row] = primary
        cls.primaries["zero"].serial = 0
        cls.server = Understudy(cls.scratch, [{"name": row + ".test", "source": [primary.source], **ANYTHING}
                                              for row, primary in cls.primaries.items()]).start()
        for row in cls.primaries:
            until(f"{row} loaded", lambda row=row: cls.version(row)[0] is not None)

    @classmethod
    def version(cls, row):
        answer = query.udp("127.0.0.1", cls.server.port, f"version.{row}.test", "TXT").answer
        return (query.serial("127.0.0.1", cls.server.port, row + ".test"), answer[0][0].strings[0].decode() if answer else None)

    def refresh(self, row, serial, asked_now):
        primary = self.primaries[row]
        primary.serial = serial
        before = (primary.increments, primary.transfers)
        done = self.server.verb("refresh", row + ".test.")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.version(row), (serial, f"v{serial}"))
        self.assertEqual((primary.increments - before[0], primary.transfers - before[1]), asked_now, "IXFR, AXFR")

    def fall_back(self, row, stream, reason, again):
        zone = row + ".test."
        counted = self.server.metric("transfer_in_fallback_total", reason=reason) or 0
        self.primaries[row].differences = stream(row + ".test")
        self.refresh(row, 2, (1, 1))
        self.assertEqual(fallbacks_of(self.server, zone), [reason])
        self.assertEqual(self.server.metric("transfer_in_fallback_total", reason=reason), counted + 1)
        self.assertEqual(self.server.status(zone)["last_transfer"], "axfr")
        self.assertIsNone(self.server.status(zone)["last_refusal"])
        # Is it asked again while it may still be so?
        self.primaries[row].differences = good(row + ".test")
        self.refresh(row, 3, (1, 0) if again else (0, 1))

    def test_good_ones_in_a_row_and_several_at_once(self):
        self.refresh("good", 2, (1, 0))
        self.refresh("good", 6, (1, 0))
        self.assertEqual(transfers_of(self.server, "good.test."), ["axfr", "ixfr", "ixfr"])
        done = self.server.verb("retransfer", "good.test.")
        self.assertEqual((done.returncode, self.primaries["good"].transfers), (0, 2), "a retransfer is whole")

    def test_serial_zero(self):
        self.assertEqual(self.version("zero"), (0, "v0"))
        self.refresh("zero", 1, (1, 0))

    def test_a_stream_that_ends_early(self):
        zone = "closes.test"
        primary = self.primaries["closes"]
        primary.hang_up = True
        primary.differences = reply(zone, lambda s, h: [soa(zone, s), *difference(zone, h, s)])
        self.refresh("closes", 2, (1, 1))
        self.assertEqual(fallbacks_of(self.server, zone + "."), ["truncated"])

    def test_silence(self):
        """Nothing answers the IXFR, and the connection stays open."""
        primary = self.primaries["silent"]
        primary.differences = lambda ident, serial, have: iter(())
        self.refresh("silent", 2, (1, 1))
        self.assertEqual(fallbacks_of(self.server, "silent.test."), ["timeout"])
        self.assertEqual(self.server.status("silent.test.")["state"], "fresh")

    def test_both_are_bad(self):
        """After one of each the zone waits for RETRY, and the last good version goes on."""
        zone, primary = "both.test", self.primaries["both"]
        primary.differences = reply(zone, lambda s, h: [soa(zone, s), *difference(zone, h + 7, s), soa(zone, s)])
        primary.stream = lambda ident, serial: frames(ident, zone, [soa(zone, serial), *body(zone, serial), soa(zone, serial, minimum=1)])
        primary.serial = 2
        asked = (primary.increments, primary.transfers)
        done = self.server.verb("refresh", zone + ".")
        self.assertEqual(done.returncode, 2, done)
        refusal = self.server.status(zone)["last_refusal"]
        self.assertEqual((fallbacks_of(self.server, zone + "."), refusal["reason"]), (["ixfr-gap"], "soa-mismatch"))
        for _ in range(10):  # whatever would come at once comes before these
            self.assertEqual(self.server.verb("refresh", "good.test.").returncode, 0)
        self.assertEqual((primary.increments - asked[0], primary.transfers - asked[1]), (1, 1), "IXFR, AXFR")
        self.assertEqual(self.version("both"), (1, "v1"))
        self.assertEqual(self.server.status(zone)["state"], "retrying")

    def test_a_server_that_is_behind_the_one_that_was_asked(self):
        """The probe told a newer serial than the IXFR does: nothing is transferred, and nothing goes round."""
        zone = "behind.test"
        primary = self.primaries["behind"]
        primary.serial = 2
        primary.differences = reply(zone, lambda s, h: [soa(zone, h)])
        done = self.server.verb("refresh", zone + ".")
        self.assertEqual((done.returncode, primary.increments, primary.transfers), (0, 1, 1), done)
        self.assertEqual(self.version("behind"), (1, "v1"))

    def test_a_notify_ahead_of_the_primary(self):
        primary = self.primaries["ahead"]
        seen = self.server.metric("notify_received_total", result="ok")
        primary.notify(self.server.port)
        until("the NOTIFY is noticed", lambda: self.server.metric("notify_received_total", result="ok") > seen)
        self.assertEqual(self.server.verb("refresh", "ahead.test.").returncode, 0)  # behind whatever the NOTIFY began
        # It told no serial, and so was met by the question for differences: "current" is the answer, and nothing goes round.
        self.assertEqual((primary.increments, primary.transfers), (1, 1))
        self.refresh("ahead", 2, (1, 0))


class AfterAZoneFile(unittest.TestCase):
    """What a zone file said at a serial the primary need not have said: its differences do not lead on from there."""

    def test_the_first_transfer_is_whole(self):
        scratch = Scratch()
        self.addCleanup(scratch.close)
        apex = "file.test"
        primary = ScriptedPrimary(scratch, apex, serial=2)
        primary.stream = whole(apex)
        primary.differences = good(apex)
        path = scratch.write("file.zone", "$TTL 300\n@ SOA ns hostmaster 1 3600 3600 604800 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.1\n"
                                          "version TXT v1\nstray A 192.0.2.9\n")
        server = Understudy(scratch, [{"name": apex, "source": [f"file:{path}"], **ANYTHING}]).start()
        until("the file is served", lambda: query.serial("127.0.0.1", server.port, apex) == 1)
        server.stop()
        server.zones = [{"name": apex, "source": [primary.source], **ANYTHING}]
        server.start()
        self.assertEqual(server.verb("refresh", apex).returncode, 0)
        self.assertEqual(query.serial("127.0.0.1", server.port, apex), 2)
        self.assertEqual(query.udp("127.0.0.1", server.port, "stray." + apex, "A").rcode(), 3)
        self.assertEqual((fallbacks_of(server, apex + "."), transfers_of(server, apex + ".")), (["ixfr-gap"], ["axfr"]))
        primary.serial = 3
        self.assertEqual(server.verb("refresh", apex).returncode, 0)
        self.assertEqual(transfers_of(server, apex + "."), ["axfr", "ixfr"])


def add_rows():
    for row, (stream, reason, again) in WRONG.items():
        def test(self, row=row, stream=stream, reason=reason, again=again):
            self.fall_back(row, stream, reason, again)
        setattr(WrongDifferences, "test_" + row.replace("-", "_"), test)


add_rows()

if __name__ == "__main__":
    unittest.main(verbosity=2)
