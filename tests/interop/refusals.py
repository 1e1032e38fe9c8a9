"""A transfer is taken only if it is whole and sane; anything else is refused as a whole with one clear reason, and the
last good version goes on serving.

Each row is a primary that misbehaves in one way. All of them are primaries of one server, a zone each, so that this
also shows that one bad primary does not disturb another's zone. A row starts with a good version 1, misbehaves with
serial 2, and mends its ways with serial 3.
"""

import os
import re
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query
from primary import A, CNAME, NS, SOA, TXT, ScriptedPrimary, a, frame, frames, message, name, rr, soa, txt
from processes import Scratch, until
from understudy import Understudy


def body(apex, serial):
    return [rr(apex, NS, name("ns." + apex)), a("ns." + apex), a("www." + apex), txt("version." + apex, f"v{serial}")]


def good(apex, ident, serial):
    yield from frames(ident, apex, [soa(apex, serial), *body(apex, serial), soa(apex, serial)])


def with_extra(*extra):
    """A good zone with more records in the middle; each of `extra` is a function of the apex."""
    def stream(apex, ident, serial):
        records = [record for make in extra for record in (lambda made: made if isinstance(made, list) else [made])(make(apex))]
        yield from frames(ident, apex, [soa(apex, serial), *body(apex, serial), *records, soa(apex, serial)])
    return stream


def of_records(make):
    def stream(apex, ident, serial):
        yield from frames(ident, apex, make(apex, serial))
    return stream


def rcode(code):
    def stream(apex, ident, _serial):
        yield frame(message(ident, apex, [], flags=0x8000 | code))
    return stream


def mangled(change):
    """One message with the whole zone, changed as octets."""
    def stream(apex, ident, serial):
        yield frame(change(message(ident, apex, [soa(apex, serial), *body(apex, serial), soa(apex, serial)])))
    return stream


def one_octet_at_a_time(apex, ident, serial):
    pause = threading.Event()
    for octet in b"".join(with_extra(lambda z: [txt(f"t{i}.{z}", "x" * 200) for i in range(1000)])(apex, ident, serial)):
        yield bytes([octet])
        pause.wait(0.1)


def half(apex, ident, serial):
    whole = b"".join(with_extra(lambda z: [a(f"h{i}.{z}") for i in range(2000)])(apex, ident, serial))
    yield whole[:len(whole) // 2]


def pointer_to_itself(apex, ident, serial):
    before = message(ident, apex, [soa(apex, serial)])
    pointer = struct.pack("!H", 0xc000 | len(before))
    bad = pointer + rr(apex, A, b"\xc0\0\2\1")[len(name(apex)):]
    yield frame(message(ident, apex, [soa(apex, serial), bad, *body(apex, serial), soa(apex, serial)]))


def large_rrset(apex):
    return [txt("large." + apex, f"{i:03d}" + "x" * 240) for i in range(300)]


def many_names(apex):
    return [a(f"n{i}.{apex}") for i in range(200)]


def many_at_one_name(apex):
    return [a("many." + apex, f"10.0.{i // 250}.{i % 250 + 1}") for i in range(120)]


def bytes_over(apex):
    return [txt(f"b{i}.{apex}", "y" * 250) for i in range(400)]


# name: (stream of the bad version, the reason, zone options, does it hang up afterwards)
REFUSED = {
    "soa-not-first": (of_records(lambda z, s: [*body(z, s), soa(z, s)]), "soa-missing", {}, False),
    "soa-not-last": (of_records(lambda z, s: [soa(z, s), *body(z, s)]), "truncated", {}, True),
    "soa-of-another-zone-first": (of_records(lambda z, s: [soa("other.test", s), *body(z, s), soa(z, s)]), "soa-missing", {}, False),
    "soa-not-equal": (of_records(lambda z, s: [soa(z, s), *body(z, s), soa(z, s + 1)]), "soa-mismatch", {}, False),
    "soa-equal-serial-other-minimum": (of_records(lambda z, s: [soa(z, s), *body(z, s), soa(z, s, minimum=61)]), "soa-mismatch", {}, False),
    "second-soa": (with_extra(lambda z: soa(z, 9, owner="sub." + z)), "second-soa", {}, False),
    "records-behind-the-end": (of_records(lambda z, s: [soa(z, s), *body(z, s), soa(z, s), a("late." + z)]), "data-after-end", {}, False),
    "class-ch": (with_extra(lambda z: rr("ch." + z, TXT, b"\1x", rclass=3)), "wrong-class", {}, False),
    "a-with-5-octets": (with_extra(lambda z: rr("five." + z, A, b"\xc0\0\2\1\5")), "bad-rdata", {}, False),
    "ns-past-rdlength": (with_extra(lambda z: rr("cut." + z, NS, name("ns." + z), rdlength=2)), "bad-rdata", {}, False),
    "soa-with-empty-rdata": (of_records(lambda z, s: [rr(z, SOA, b""), *body(z, s), rr(z, SOA, b"")]), "bad-rdata", {}, False),
    "txt-string-past-rdlength": (with_extra(lambda z: rr("txt." + z, TXT, b"\x09abc")), "bad-rdata", {}, False),
    "meta-type": (with_extra(lambda z: rr("meta." + z, 251, b"")), "meta-type", {}, False),
    "opt-as-data": (with_extra(lambda z: rr("opt." + z, 41, b"")), "meta-type", {}, False),
    "rrset-over-64-kib": (with_extra(large_rrset), "rrset-too-large", {}, False),
    "too-many-octets": (with_extra(bytes_over), "limit-octets", {"transfer-max-size": 65536}, False),
    "too-many-records": (with_extra(many_names), "limit-records", {"transfer-max-records": 100}, False),
    "too-many-at-a-name": (with_extra(many_at_one_name), "limit-name", {"max-records-per-name": 100}, False),
    "out-of-zone": (with_extra(lambda z: a("www.elsewhere.test")), "out-of-zone", {"out-of-zone": "refuse"}, False),
    "cname-and-other-data": (with_extra(lambda z: [rr("both." + z, CNAME, name("www." + z)), a("both." + z)]), "cname-and-other-data", {}, False),
    "two-cnames": (with_extra(lambda z: [rr("two." + z, CNAME, name(n + z)) for n in ("www.", "ns.")]), "cname-and-other-data", {}, False),
    "no-ns-at-the-apex": (of_records(lambda z, s: [soa(z, s), a("www." + z), soa(z, s)]), "apex-ns-missing", {}, False),
    "closed-in-the-middle": (half, "truncated", {}, True),
    "closed-at-once": (lambda z, i, s: iter(()), "truncated", {}, True),
    "soa-alone": (of_records(lambda z, s: [soa(z, s)]), "truncated", {}, True),
    "garbage": (lambda z, i, s: iter([frame(struct.pack("!H", i) + b"\x84\0" + bytes(range(7, 207)))]), "malformed", {}, False),
    "shorter-than-a-header": (lambda z, i, s: iter([frame(b"\0\1\2")]), "malformed", {}, False),
    "wrong-id": (mangled(lambda m: bytes([m[0] ^ 1]) + m[1:]), "malformed", {}, False),
    "a-query": (mangled(lambda m: m[:2] + bytes([m[2] & 0x7f]) + m[3:]), "malformed", {}, False),
    "trailing-octets": (mangled(lambda m: m + b"\0\0\0"), "malformed", {}, False),
    "pointer-to-itself": (pointer_to_itself, "malformed", {}, False),
    "refused": (rcode(5), "refused", {}, False),
    "servfail": (rcode(2), "servfail", {}, False),
    "notauth": (rcode(9), "notauth", {}, False),
    "one-octet-at-a-time": (one_octet_at_a_time, "timeout", {}, False),
}

# What is taken, with an alarm: name: (stream, options, event of the log)
TAKEN = {
    "out-of-zone-dropped": (with_extra(lambda z: [a("www.elsewhere.test"), a("elsewhere.test")]), {}, "out-of-zone-dropped"),
    "cname-kept-out": (with_extra(lambda z: [rr("both." + z, CNAME, name("www." + z)), a("both." + z)]), {"cname-conflict": "drop"}, "cname-dropped"),
}


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.addClassCleanup(cls.scratch.close)
        cls.primaries = {}
        zones = []
        for row, options in [*((r, v[2]) for r, v in REFUSED.items()), *((r, v[1]) for r, v in TAKEN.items())]:
            apex = row + ".test"
            primary = ScriptedPrimary(cls.scratch, apex)
            primary.stream = lambda ident, serial, apex=apex: good(apex, ident, serial)
            cls.primaries[row] = primary
            zones.append({"name": apex, "source": [primary.source], **options})
        cls.server = Understudy(cls.scratch, zones).start()
        for row in cls.primaries:
            until(f"{row} loaded", lambda row=row: cls.version(row) == (1, "v1"))

    @classmethod
    def version(cls, row):
        """The serial and the text that are served: they must belong together."""
        apex = row + ".test"
        answer = query.udp("127.0.0.1", cls.server.port, "version." + apex, "TXT").answer
        return (query.serial("127.0.0.1", cls.server.port, apex), answer[0][0].strings[0].decode() if answer else None)

    def misbehave(self, row, stream):
        primary = self.primaries[row]
        primary.stream = lambda ident, serial: stream(row + ".test", ident, serial)
        primary.serial = 2
        return primary

    def refuse(self, row):
        stream, reason, _, hang_up = REFUSED[row]
        zone = row + ".test."
        primary = self.misbehave(row, stream)
        primary.hang_up = hang_up
        self.assertIsNone(self.server.status(zone)["last_refusal"])

        done = self.server.verb("refresh", zone)

        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, f"one line that helps: {done.stderr}")
        refusal = self.server.status(zone)["last_refusal"]
        self.assertIsNotNone(refusal, f"status does not tell: {done.stderr}")
        self.assertTrue(refusal["message"])
        self.assertEqual(refusal["reason"], reason, refusal)
        # Beside it the log may say that the primary is down, for the same reason.
        # This primary knows no IXFR, which is told as well, once.
        told = [line for line in self.server.log().splitlines()
                if f" zone={zone} " in line and " reason=" in line and " transfer-fallback " not in line]
        self.assertEqual({re.search(r" reason=(\S+)", line)[1] for line in told}, {refusal["reason"]})
        self.assertEqual(len([line for line in told if " transfer-refused " in line]), 1, told)
        self.assertGreaterEqual(self.server.metric("transfers_in_total", result=refusal["reason"]) or 0, 1)
        self.assertEqual(self.version(row), (1, "v1"), "the last good version goes on serving")

        primary.stream = lambda ident, serial: good(row + ".test", ident, serial)
        primary.hang_up = False
        primary.serial = 3
        done = self.server.verb("refresh", zone)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.version(row), (3, "v3"))

    def take(self, row):
        stream, _, event = TAKEN[row]
        zone = row + ".test."
        self.misbehave(row, stream)
        done = self.server.verb("refresh", zone)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.version(row), (2, "v2"))
        told = [line for line in self.server.log().splitlines() if f" {event} " in line and f" zone={zone} " in line]
        self.assertEqual(len(told), 1, self.server.log())
        return zone

    def test_out_of_zone_records_are_dropped_with_an_alarm(self):
        zone = self.take("out-of-zone-dropped")
        self.assertEqual(self.server.status(zone)["out_of_zone_dropped"], 2)
        self.assertEqual(query.udp("127.0.0.1", self.server.port, "www.elsewhere.test", "A").rcode(), 5)

    def test_cname_beside_other_data_is_kept_out_by_option(self):
        zone = self.take("cname-kept-out")
        answer = query.udp("127.0.0.1", self.server.port, "both." + zone, "A").answer
        self.assertEqual([(rrset.rdtype, len(rrset)) for rrset in answer], [(A, 1)])
        self.assertEqual(query.udp("127.0.0.1", self.server.port, "both." + zone, "CNAME").answer, [])


def with_extended_error(octets, code, text):
    """A message with an OPT record that says why (RFC 8914)."""
    option = struct.pack("!HHH", 15, 2 + len(text), code) + text
    return octets[:10] + b"\0\1" + octets[12:] + b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(option)) + option


class ExtendedErrors(unittest.TestCase):
    """What a primary says of its refusal is told wherever the refusal is, and cannot break a line of the log."""

    def test_a_refused_transfer(self):
        scratch = Scratch()
        self.addCleanup(scratch.close)
        apex = "told.test"
        primary = ScriptedPrimary(scratch, apex)
        primary.stream = lambda ident, serial: [frame(with_extended_error(
            message(ident, apex, [], flags=0x8005), 18, b"ask noc@provider.example\nzone-published all is well\0"))]
        server = Understudy(scratch, [{"name": apex, "source": [primary.source]}]).start()
        until("the transfer is refused", lambda: server.status(apex)["last_refusal"])
        words = "REFUSED, EDE 18 (Prohibited): ask noc@provider.example\\010zone-published all is well"
        refusal = server.status(apex)["last_refusal"]
        self.assertEqual(refusal["reason"], "refused")
        self.assertTrue(refusal["message"].endswith(words), refusal)
        self.assertTrue(server.status(apex)["primaries"][0]["failure"]["message"].endswith(words))
        self.assertIn("EDE 18 (Prohibited): ask noc@provider.example", server.verb("status", apex).stdout)
        told = [line for line in server.log().splitlines() if " transfer-refused " in line]
        self.assertEqual(len(told), 1)
        self.assertIn("EDE 18 (Prohibited): ask noc@provider.example", told[0])
        self.assertNotIn("\nzone-published", server.log())


def add_rows():
    for row in REFUSED:
        def test(self, row=row):
            self.refuse(row)
        setattr(Refusals, "test_" + row.replace("-", "_"), test)


add_rows()

if __name__ == "__main__":
    unittest.main()
