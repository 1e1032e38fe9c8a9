"""What an operator relies on besides the answers: who may notify and transfer, what happens when a primary is dead, the
HTTP pages, the verbs and their exit codes. Provider and shadow are both the executable under test."""

import json
import os
import socket
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.rcode
import dns.xfr
import dns.zone

import query
from primary import NS, SOA, ScriptedPrimary, a, frames, name, rr, soa
from processes import Scratch, free_port, until
from understudy import Understudy, run

ZONE = "basics.test."
TEXT = """$ORIGIN basics.test.
$TTL 300
@    IN SOA  ns1 hostmaster {serial} 86400 86400 1209600 60
@    IN NS   ns1
ns1  IN A    192.0.2.1
www  IN A    {address}
*.w  IN TXT  "wild"
alias IN CNAME www
"""


def text(serial, address="192.0.2.10"):
    return TEXT.format(serial=serial, address=address)


class Pair(unittest.TestCase):
    """A provider with a zone file, and its shadow."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.addClassCleanup(cls.scratch.close)
        cls.file = cls.scratch.write("basics.zone", text(1))
        shadow_port = free_port()
        cls.provider = Understudy(
            cls.scratch, [{"name": ZONE, "source": [f"file:{cls.file}"], "allow-transfer": ["127.0.0.1"],
                           "notify": [f"127.0.0.1:{shadow_port}"]}], name="provider").start()
        until("the file is served", lambda: query.serial("127.0.0.1", cls.provider.port, ZONE) == 1)
        dead = free_port()
        cls.shadow = Understudy(
            cls.scratch, [{"name": ZONE, "source": [f"axfr://127.0.0.1:{dead}", f"axfr://127.0.0.1:{cls.provider.port}"]}],
            name="shadow", listen=[f"127.0.0.1:{shadow_port}"]).start()
        cls.serial = 1
        until("the zone arrives from the second primary, the first one being dead", lambda: cls.served() == 1)

    @classmethod
    def served(cls):
        return query.serial("127.0.0.1", cls.shadow.port, ZONE)

    def change(self, **what):
        type(self).serial += 1
        new = self.scratch.write("basics.zone.new", text(self.serial, **what))
        os.rename(new, self.file)
        until("the change arrives", lambda: self.served() == self.serial)

    def test_a_dead_primary_is_told_and_does_no_harm(self):
        primaries = self.shadow.status(ZONE)["primaries"]
        self.assertEqual([primary["up"] for primary in primaries], [False, True])
        self.assertEqual(primaries[0]["failure"]["reason"], "connection-refused")
        self.assertEqual(self.shadow.metric("primary_up", primary=primaries[1]["address"]), 1)
        self.assertEqual(self.shadow.metric("primary_up", primary=primaries[0]["address"]), 0)

    def test_a_change_in_the_file_arrives_by_notify(self):
        before = self.shadow.metric("notify_received_total", result="ok")
        self.change(address="192.0.2.99")
        answer = query.udp("127.0.0.1", self.shadow.port, "www." + ZONE, "A").answer
        self.assertEqual(answer[0][0].address, "192.0.2.99")
        self.assertGreater(self.shadow.metric("notify_received_total", result="ok"), before)

    def test_notify_from_a_stranger_is_refused(self):
        before = self.shadow.metric("notify_received_total", result="ok")
        # Another loopback address is a stranger: neither a source nor in allow-notify.
        notify = struct.pack("!6H", 77, 0x2400, 1, 0, 0, 0) + name(ZONE) + struct.pack("!HH", SOA, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.7.7.7", 0))
            stranger.settimeout(30)
            stranger.sendto(notify, ("127.0.0.1", self.shadow.port))
            answer = stranger.recv(512)
        ident, flags = struct.unpack("!HH", answer[:4])
        self.assertEqual((ident, flags >> 15, flags >> 11 & 15, flags & 15), (77, 1, 4, dns.rcode.REFUSED))
        self.assertEqual(self.shadow.metric("notify_received_total", result="ok"), before)

    def test_transfer_out_is_refused_unless_allowed(self):
        with self.assertRaises(dns.xfr.TransferError) as refused:
            query.transfer("127.0.0.1", self.shadow.port, ZONE)
        self.assertEqual(refused.exception.rcode, dns.rcode.REFUSED)

    def test_transfer_out_is_the_zone(self):
        zone = query.transfer("127.0.0.1", self.provider.port, ZONE)
        with open(self.file, encoding="utf-8") as file:
            expected = dns.zone.from_text(file.read(), origin=ZONE, relativize=False)
        self.assertEqual(sorted(zone.to_text().splitlines()), sorted(expected.to_text().splitlines()))

    def test_show_prints_a_zone_file_that_others_load(self):
        done = self.shadow.verb("show", ZONE)
        self.assertEqual(done.returncode, 0, done)
        shown = dns.zone.from_text(done.stdout, origin=ZONE, relativize=False)
        with open(self.file, encoding="utf-8") as file:
            self.assertEqual(shown, dns.zone.from_text(file.read(), origin=ZONE, relativize=False))

    def test_http(self):
        for path, expected in (("/healthz", 200), ("/readyz", 200), (f"/readyz?zone={ZONE}", 200), ("/", 200),
                               ("/api/v1/zones", 200), (f"/api/v1/zones/{ZONE}", 200), ("/nowhere", 404)):
            with self.subTest(path=path):
                self.assertEqual(self.shadow.get(path)[0], expected)
        self.assertEqual(self.shadow.metric("zone_serial", zone=ZONE, role="served"), self.served())
        self.assertEqual(self.shadow.metric("zones", state="fresh"), 1)
        _, body = self.shadow.get("/metrics")
        for line in body.splitlines():
            self.assertTrue(line.startswith(("# HELP understudy_", "# TYPE understudy_", "understudy_")), line)

    def test_control_socket_is_the_operators_alone(self):
        self.assertEqual(os.stat(self.shadow.control).st_mode & 0o777, 0o600)

    def test_verbs_and_their_exit_codes(self):
        for verb, expected in ((("status",), 0), (("status", ZONE), 0), (("status", ZONE, "--json"), 0), (("refresh", ZONE), 0),
                               (("retransfer", ZONE), 0), (("status", "unknown.test"), 2), (("refresh", "unknown.test"), 2),
                               (("show", "unknown.test"), 2), (("refresh",), 2), (("nonsense",), 2), (("status", "--nonsense"), 2)):
            with self.subTest(verb=verb):
                done = self.shadow.verb(*verb)
                self.assertEqual(done.returncode, expected, done)
                if expected == 2:
                    self.assertEqual(len(done.stderr.strip().splitlines()), 1, f"one line that helps: {done.stderr!r}")

    def test_compare(self):
        same = self.shadow.verb("compare", ZONE, "--with", f"127.0.0.1:{self.provider.port}", "--rate", "1000")
        self.assertEqual(same.returncode, 0, same)
        # Nobody answers there: no proof either way.
        nobody = self.shadow.verb("compare", ZONE, "--with", f"127.0.0.1:{free_port()}", "--rate", "1000")
        self.assertEqual(nobody.returncode, 3, nobody)

    def test_a_second_serve_on_the_same_mirror_is_refused(self):
        done = run("serve", "--zone", f"{ZONE[:-1]}=file:{self.file}", "--data", self.shadow.data, "--listen", "127.0.0.1:0",
                   "--http", "127.0.0.1:0")
        self.assertEqual(done.returncode, 2, done)


class Alone(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def test_compare_finds_what_differs(self):
        sides = []
        for side, address in (("left", "192.0.2.10"), ("right", "192.0.2.11")):
            file = self.scratch.write(f"{side}.zone", text(1, address))
            sides.append(Understudy(self.scratch, [{"name": ZONE, "source": [f"file:{file}"]}], name=side).start())
            until(f"{side} serves", lambda: query.serial("127.0.0.1", sides[-1].port, ZONE) == 1)
        done = sides[0].verb("compare", ZONE, "--with", f"127.0.0.1:{sides[1].port}", "--rate", "1000", "--json")
        self.assertEqual(done.returncode, 1, done)
        mismatches = json.loads(done.stdout)["mismatches"]
        found = {(m["owner"], m["type"], m["class"], tuple(m["ours"]["rdata"]), tuple(m["theirs"]["rdata"])) for m in mismatches}
        self.assertEqual(found, {("www." + ZONE, "A", "rdata", ("192.0.2.10",), ("192.0.2.11",))})

    def test_a_zone_without_data_is_servfail_and_others_are_refused(self):
        server = Understudy(self.scratch, [{"name": ZONE, "source": [f"axfr://127.0.0.1:{free_port()}"]}]).start()
        self.assertEqual(query.udp("127.0.0.1", server.port, ZONE, "SOA").rcode(), dns.rcode.SERVFAIL)
        self.assertEqual(query.udp("127.0.0.1", server.port, "other.test", "SOA").rcode(), dns.rcode.REFUSED)
        self.assertEqual(server.verb("refresh", ZONE).returncode, 2)
        self.assertEqual(server.metric("zones", state="empty"), 1)

    def test_two_zones_one_dead_primary_delays_nobody(self):
        # The first primary accepts and says nothing.
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        primary = ScriptedPrimary(self.scratch, "lively.test")
        primary.stream = lambda ident, serial: frames(ident, "lively.test", [
            soa("lively.test", serial), rr("lively.test", NS, name("ns.lively.test")), a("ns.lively.test"), soa("lively.test", serial)])
        server = Understudy(self.scratch, [{"name": "dead.test", "source": [f"axfr://127.0.0.1:{silent.getsockname()[1]}"]},
                                           {"name": "lively.test", "source": [primary.source]}]).start()
        until("the lively zone arrives", lambda: query.serial("127.0.0.1", server.port, "lively.test") == 1)
        self.assertEqual(query.udp("127.0.0.1", server.port, "dead.test", "SOA").rcode(), dns.rcode.SERVFAIL)

    def test_check_config(self):
        good = self.scratch.write("good.toml", '[[zone]]\nname = "a.test"\nsource = ["axfr://192.0.2.1"]\n')
        bad = self.scratch.write("bad.toml", '[server]\nworkers = -3\nnonsense = 1\n[[zone]]\nname = "a..test"\nsource = ["ftp://x"]\n')
        self.assertEqual(run("check-config", good).returncode, 0)
        done = run("check-config", bad)
        self.assertEqual(done.returncode, 2, done)
        for line in (2, 3, 5, 6):  # every error at once, with its line
            self.assertIn(f":{line}:", done.stdout + done.stderr)
        self.assertEqual(run("check-config", "/nowhere.toml").returncode, 2)
        self.assertEqual(run("serve", "--config", bad).returncode, 2)

    def test_without_a_server_the_verbs_say_so(self):
        done = run("status", "--control", os.path.join(self.scratch.path, "none.sock"))
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
