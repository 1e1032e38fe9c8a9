"""Versions as an operator reads them: `diff` between the mirror and each kind of other side, `show` as a zone file that
every server's own checker loads, `history`. A real primary, the server running and stopped."""

import gzip
import ipaddress
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.name
import dns.rdata
import dns.rdatatype

import peers
import query
import zones
from processes import Scratch, until
from understudy import BINARY, SHARED, Understudy

ZONE = "interop.example."
NAMES = 300


def run(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=180, check=False)


def transferred(server):
    """{(owner, type, covered): (ttl, {rdata})} of what a server transfers to dnspython, as DNS compares: without case."""
    zone = query.transfer("127.0.0.1", server.port, ZONE)
    return {(name.canonicalize().to_text(), dns.rdatatype.to_text(rdataset.rdtype), rdataset.covers):
            (rdataset.ttl, frozenset(rdata.to_digestable() for rdata in rdataset))
            for name, rdataset in zone.iterate_rdatasets()}


def classes(a, b):
    """What a plain comparison finds between two {key: (ttl, {rdata})}: {key: class}."""
    found = {}
    for key in a.keys() | b.keys():
        if key not in b:
            found[key] = "missing"
        elif key not in a:
            found[key] = "extra"
        elif a[key][1] != b[key][1]:
            found[key] = "rdata"
        elif a[key][0] != b[key][0]:
            found[key] = "ttl"
    return found


class Versions:
    """To be mixed into a unittest.TestCase that names `peer`, the primary's class."""

    peer = None
    # What a checker refuses, however it is written: NSD's data below a DNAME, BIND's the types MD, MF, SIG and NXT, Knot's
    # a delegation whose glue is missing.
    leave_out = ("occluded.dn", "lame", "type3.types", "type4.types", "type24.types", "type30.types")

    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.addClassCleanup(cls.scratch.close)
        cls.primary = cls.peer(cls.scratch, [ZONE])
        cls.text = zones.generate(ZONE, 41, names=NAMES, leave_out=cls.leave_out)[0]
        # One change of each class, and the serial.
        cls.changed = zones.generate(ZONE, 42, names=NAMES, leave_out=cls.leave_out)[0]
        for old, new in (("host              300 IN A 192.0.2.30", "host              300 IN A 192.0.2.31"),
                         ("dn                300 IN A 192.0.2.40", "dn                301 IN A 192.0.2.40"),
                         ("sp\\032ace         300 IN TXT \"a space\"", "added 300 IN TXT \"new\"")):
            assert old in cls.changed, old
            cls.changed = cls.changed.replace(old, new)
        cls.primary.write_zone(ZONE, cls.text)
        cls.primary.start()
        cls.old_file = cls.scratch.write("old.zone", cls.text)
        cls.new_file = cls.scratch.write("new.zone", cls.changed)
        cls.shadow = Understudy(cls.scratch, [{"name": ZONE, "source": [cls.primary.source]}]).start()
        until("the zone arrives", lambda: query.serial("127.0.0.1", cls.shadow.port, ZONE) == 41)
        cls.other = cls.peer(cls.scratch, [ZONE], name="changed")
        cls.other.write_zone(ZONE, cls.changed)
        cls.other.start()
        cls.old, cls.new = transferred(cls.primary), transferred(cls.other)
        cls.expected = {key[:2]: what for key, what in classes(cls.old, cls.new).items()}
        assert set(cls.expected.values()) == {"missing", "extra", "rdata", "ttl"}, cls.expected

    def diff(self, a, b, *more):
        done = run("diff", a, b, "--json", "--zone", ZONE, "--data", self.shadow.data, *more)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError as error:
            self.fail(f"diff {a} {b}: {error}: {done.stdout[:400]!r} {done.stderr!r}")

    def found(self, report):
        found = {(d["owner"], d["type"]): d["class"] for d in report["differences"]}
        self.assertEqual(len(found), len(report["differences"]), "nothing is told twice")
        return found

    def assert_equal(self, a, b):
        code, report = self.diff(a, b)
        self.assertEqual((code, report["equal"], report["complete"], report["differences"], report["unknown"]),
                         (0, True, True, [], []), (a, b))

    def test_the_mirror_equals_the_primary_and_its_file(self):
        self.assert_equal("mirror:", self.primary.source)
        self.assert_equal(f"file:{self.old_file}", "mirror:")
        self.assert_equal("mirror:", "mirror:@1")

    def test_every_planted_change_is_told(self):
        for side in (self.other.source, f"file:{self.new_file}"):
            code, report = self.diff("mirror:", side)
            self.assertEqual((code, report["equal"], report["complete"]), (1, False, True))
            self.assertEqual(self.found(report), self.expected)
            owners = [dns.name.from_text(d["owner"]) for d in report["differences"]]
            self.assertEqual(owners, sorted(owners), "canonical order")
            code, report = self.diff(side, "mirror:")
            opposite = {"missing": "extra", "extra": "missing"}
            self.assertEqual(self.found(report), {k: opposite.get(v, v) for k, v in self.expected.items()})

    def test_both_sides_of_a_difference_are_what_the_servers_have(self):
        _, report = self.diff("mirror:", self.other.source)
        for difference in report["differences"]:
            for side, truth in ((difference["a"], self.old), (difference["b"], self.new)):
                key = (difference["owner"], difference["type"], dns.rdatatype.NONE)
                if side is None:
                    self.assertNotIn(key, truth)
                    continue
                told = {dns.rdata.from_text("IN", difference["type"], rdata).to_digestable() for rdata in side["rdata"]}
                self.assertEqual((side["ttl"], told), truth[key])

    def test_a_name_server_asked_name_by_name(self):
        rate = ("--rate", "2000")
        code, report = self.diff("mirror:", f"dns://127.0.0.1:{self.primary.port}", *rate)
        self.assertEqual(report["differences"], [])
        self.assertFalse(report["complete"], "what only the server has cannot be found so")
        self.assertEqual(code, 3 if report["unknown"] else 0)
        # Only what lies below a cut or a DNAME is hidden by the server itself.
        covers = [owner for owner, rdtype, _ in self.old if rdtype in ("NS", "DNAME") and owner != ZONE]
        unknown = {(u["owner"], u["type"]) for u in report["unknown"]}
        self.assertIn(("occluded.cut." + ZONE, "TXT"), unknown)
        self.assertIn(("type46.types." + ZONE, "RRSIG"), unknown)  # it signs nothing
        for owner, rdtype in unknown - {("type46.types." + ZONE, "RRSIG")}:
            self.assertTrue(any(("." + owner).endswith("." + cover) for cover in covers), (owner, rdtype))

        expected = {key: what for key, what in self.expected.items() if what != "extra"}
        code, report = self.diff("mirror:", f"dns://127.0.0.1:{self.other.port}", *rate)
        self.assertEqual((code, self.found(report)), (1, expected))
        # And the other way round, the server being A.
        code, report = self.diff(f"dns://127.0.0.1:{self.other.port}", f"file:{self.old_file}", *rate)
        self.assertEqual((code, self.found(report)), (1, {k: {"missing": "extra"}.get(v, v) for k, v in expected.items()}))

    def test_people_see_each_change(self):
        done = run("diff", "mirror:", f"file:{self.new_file}", "--data", self.shadow.data)
        self.assertEqual(done.returncode, 1, done.stderr)
        for line in ("--- A  mirror:@1  (serial 41, ", f"+++ B  file:{self.new_file}", "\n  - 300 A 192.0.2.30\n  + 300 A 192.0.2.31\n"
                     "          ^^^^^^^^^^\n", "\n  - 300 TXT \"a space\"\n", "\n  + 300 TXT \"new\"\n",
                     "\n5 differences: 1 missing, 1 extra, 2 rdata, 1 ttl\n"):
            self.assertIn(line, done.stdout)
        self.assertNotIn("\033", done.stdout, "no colours but on a terminal")

    def test_show_is_a_zone_file_that_every_checker_loads(self):
        done = run("show", ZONE, "--data", self.shadow.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.scratch.write("shown.zone", done.stdout)
        checkers = (["/usr/bin/named-checkzone", "-i", "none", "-k", "ignore", ZONE, path],
                    ["/usr/bin/kzonecheck", "-o", ZONE, path],
                    ["/usr/sbin/nsd-checkzone", ZONE, path])
        for command in checkers:
            checked = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
            self.assertEqual(checked.returncode, 0, f"{command}:\n{checked.stdout[-2000:]}{checked.stderr[-2000:]}")
        # What named makes of it is, record for record, what named makes of the primary's file.
        self.assertEqual(self.compiled(path), self.compiled(self.old_file))
        self.assert_equal(f"file:{path}", self.primary.source)

    def compiled(self, path):
        """The zone as named reads it: its own text, a record a line, sorted, in lower case but for data in quotes."""
        out = path + ".compiled"
        subprocess.run(["/usr/bin/named-checkzone", "-q", "-i", "none", "-k", "ignore", "-D", "-s", "full", "-o", out, ZONE, path], check=True,
                       timeout=90)
        with open(out, encoding="utf-8") as file:
            lines = [re.sub(r"\s+", " ", line.strip()) for line in file]
        return sorted(line if '"' in line else line.lower() for line in lines if line and not line.startswith(";"))

    def test_history_and_the_rest_with_the_server_stopped(self):
        stopped = Understudy(self.scratch, [{"name": ZONE, "source": [f"file:{self.old_file}"]}], name="stopped").start()
        until("the file is served", lambda: query.serial("127.0.0.1", stopped.port, ZONE) == 41)
        running = [stopped.verb(*verb) for verb in (["show", ZONE], ["history", ZONE, "--json"], ["diff", "mirror:", self.primary.source])]
        stopped.stop()
        still = [stopped.verb(*verb) for verb in (["show", ZONE], ["history", ZONE, "--json"], ["diff", "mirror:", self.primary.source])]
        for before, after in zip(running, still):
            self.assertEqual((before.returncode, before.stdout), (0, after.stdout), before.stderr)
            self.assertEqual(after.returncode, 0, after.stderr)
        newest = json.loads(running[1].stdout)[0]
        self.assertEqual((newest["version"], newest["serial"], newest["live"]), (1, 41, True))

    def test_sides_that_cannot_be_had(self):
        for side in ("axfr://127.0.0.1:1", "dns://127.0.0.1:1", f"file:{self.scratch.path}/none"):
            done = run("diff", "mirror:", side, "--data", self.shadow.data)
            self.assertEqual((done.returncode, done.stdout), (2, ""), side)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


class VersionsOfKnot(Versions, unittest.TestCase):
    peer = peers.Knot


class VersionsOfNsd(Versions, unittest.TestCase):
    peer = peers.Nsd


class VersionsOfBind(Versions, unittest.TestCase):
    peer = peers.Bind


def day_file(day):
    return os.path.join(SHARED, "data", "root", f"{day}.zone.gz")


class RootZones(unittest.TestCase):
    """The root as IANA published it on nine days, signed with NSEC: `diff` against a plain comparison of its text."""

    DAYS = sorted(name.split(".")[0] for name in os.listdir(os.path.dirname(day_file(""))) if name.endswith(".zone.gz")) \
        if os.path.isdir(os.path.dirname(day_file(""))) else []

    def setUp(self):
        if len(self.DAYS) < 2:
            print(f"skipped: {day_file('*')} is not here; name the directory of the real zones in UNDERSTUDY_SHARED", flush=True)
            self.skipTest("the real zones are missing")
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    @staticmethod
    def rrsets(text):
        """{(owner, type, covered): (TTL, {RDATA})} of a zone file with a record a line."""
        sets = {}
        for line in text.splitlines():
            if line.startswith(";"):
                continue
            owner, ttl, _, rdtype, *rdata = line.split()
            key = (owner, rdtype, rdata[0] if rdtype == "RRSIG" else "")
            # Names may stand in either case, base64 and text may not; hexadecimal is the same in both.
            known = [word.lower() if word.endswith(".") or rdtype in ("DS", "ZONEMD") else word for word in rdata]
            if rdtype in ("DS", "ZONEMD"):
                known = [*known[:3], "".join(known[3:])]
            elif rdtype == "AAAA":
                known = [str(ipaddress.ip_address(known[0]))]
            elif rdtype in ("RRSIG", "DNSKEY"):
                fixed = 8 if rdtype == "RRSIG" else 3
                known = [*known[:fixed], "".join(known[fixed:])]
            ttl_there, data = sets.setdefault(key, (int(ttl), set()))
            assert ttl_there == int(ttl), key
            data.add(" ".join(known))
        return sets

    def unpacked(self, day):
        with gzip.open(day_file(day), "rt") as file:
            text = file.read()
        return self.scratch.write(f"{day}.zone", text), self.rrsets(text)

    def expect_differences(self, report, old, new, day):
        self.assertEqual(report["zone"], ".")
        told = {}
        for d in report["differences"]:
            sides = [side and side["rdata"][0].split()[0] for side in (d["a"], d["b"])]
            told[d["owner"], d["type"], (sides[0] or sides[1]) if d["type"] == "RRSIG" else ""] = d["class"]
        self.assertEqual(len(told), len(report["differences"]))
        self.assertEqual(told, classes(old, new), day)

    def test_the_mirror_remembers_each_day(self):
        """From NSD, one day after the other: what history counts, what diff tells, what show gives back."""
        days = [(day, *self.unpacked(day)) for day in self.DAYS]
        primary = peers.Nsd(self.scratch, ["."])
        server = None
        for day, path, _ in days:
            with open(path, encoding="utf-8") as file:
                primary.write_zone(".", file.read())
            if server is None:
                primary.start()
                server = Understudy(self.scratch, [{"name": ".", "source": [primary.source]}]).start()
            else:
                primary.reload()
                until(f"{day} at the primary", lambda day=day: primary.serial(".") == int(day), deadline=180)
                self.assertEqual(server.verb("refresh", ".").returncode, 0)
            until(f"{day} here", lambda day=day: query.serial("127.0.0.1", server.port, ".") == int(day), deadline=180)
        server.stop()  # the verbs read the mirror themselves
        history = list(reversed(server.json_verb("history", ".")))
        self.assertEqual([(row["version"], row["serial"]) for row in history],
                         [(index + 1, int(day)) for index, (day, _, _) in enumerate(days)])
        records = [{(*key, ttl, data) for key, (ttl, all_data) in sets.items() for data in all_data} for _, _, sets in days]
        self.assertEqual([(row["added"], row["removed"], row["records"]) for row in history[1:]],
                         [(len(new - old), len(old - new), len(new)) for old, new in zip(records, records[1:])])
        for row, (day, _, sets) in zip(history, days):
            shown = server.verb("show", ".", "--version", str(row["version"]))
            self.assertEqual(self.rrsets(shown.stdout), sets, day)
        for index in range(1, len(days)):
            done = server.verb("diff", f"mirror:@{index}", f"mirror:@{index + 1}", "--zone", ".", "--json")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.expect_differences(json.loads(done.stdout), days[index - 1][2], days[index][2], days[index][0])

    def test_each_day_against_the_day_before(self):
        before, old = self.unpacked(self.DAYS[0])
        for day in self.DAYS[1:]:
            after, new = self.unpacked(day)
            done = run("diff", f"file:{before}", f"file:{after}", "--json")
            self.assertEqual(done.returncode, 1, done.stderr)
            report = json.loads(done.stdout)
            self.expect_differences(report, old, new, day)
            before, old = after, new


class HashedDenial(unittest.TestCase):
    """A zone that ldns signs with NSEC3: a name comes, and then the salt rolls, so that every hash changes."""

    def test_each_version_is_read_back(self):
        scratch = Scratch()
        self.addCleanup(scratch.close)
        directory = scratch.directory("signer")
        tool = {"cwd": directory, "check": True, "capture_output": True, "text": True}
        key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", ZONE], **tool).stdout.strip()
        live = os.path.join(directory, "live.zone")
        server, files = None, []
        for serial, salt, more in ((1, "abcd", ""), (2, "abcd", "added A 192.0.2.9\n"), (3, "ffff", "")):
            text = (f"$ORIGIN {ZONE}\n$TTL 300\n@ SOA ns h {serial} 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"
                    f"www A 192.0.2.{serial}\n*.w TXT wild\n{more}")
            unsigned = scratch.write(f"{serial}.unsigned", text)
            files.append(os.path.join(directory, f"{serial}.zone"))
            subprocess.run(["ldns-signzone", "-n", "-s", salt, "-f", files[-1], unsigned, key], **tool)
            with open(files[-1], encoding="utf-8") as file:
                signed = file.read()
            with open(live + ".new", "w", encoding="utf-8") as file:
                file.write(signed)
            os.rename(live + ".new", live)
            if server is None:
                server = Understudy(scratch, [{"name": ZONE, "source": [f"file:{live}"]}]).start()
            until(f"serial {serial}", lambda serial=serial: query.serial("127.0.0.1", server.port, ZONE) == serial)
        server.stop()
        for version, file in enumerate(files, 1):
            done = server.verb("diff", f"mirror:@{version}", f"file:{file}", "--zone", ZONE)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for old, new in ((1, 2), (2, 3)):
            done = server.verb("diff", f"mirror:@{old}", f"mirror:@{new}", "--zone", ZONE, "--json")
            self.assertIn("NSEC3", {d["type"] for d in json.loads(done.stdout)["differences"]})


if __name__ == "__main__":
    unittest.main(verbosity=2)
