"""TSIG with other people's servers and clients: every algorithm that both know, in both directions.

A zone for each algorithm, with a key of its own, so that one server shows them all. That the key was needed is shown by
asking without it.
"""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.exception
import dns.xfr

import peers
import query
import secondaries
import zones
from peers import Key
from processes import DEADLINE, Scratch, free_port, until
from understudy import Understudy

ALGORITHMS = ("hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")
KEYS = {f"{algorithm[5:]}.tsig.example.": Key(f"{algorithm[5:]}.keys.example.", algorithm) for algorithm in ALGORITHMS}


def tables():
    return [key.toml() for key in KEYS.values()]


def records(zone):
    return {(name.canonicalize(), ttl, rdata.to_digestable()) for name, ttl, rdata in zone.iterate_rdatas()}


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def serial_at(self, port, apex):
        return query.serial("127.0.0.1", port, apex)

    def assert_no_secret(self, server):
        """In nothing that it tells: log, status, pages."""
        told = server.log() + server.verb("status", "--json").stdout + "".join(server.get(path)[1] for path in
                                                                               ("/metrics", "/", "/api/v1/zones"))
        for key in KEYS.values():
            self.assertNotIn(key.secret, told)


class AsPrimary:
    """From `peer` into us."""

    def test_every_algorithm(self):
        port = free_port()
        primary = self.peer(self.scratch, KEYS, notify=[port], keys=KEYS)
        for apex in KEYS:
            primary.write_zone(apex, zones.small(apex, 1))
        primary.start()
        for apex in KEYS:
            with self.assertRaises((dns.xfr.TransferError, dns.exception.DNSException, OSError), msg=f"{apex} without its key"):
                query.transfer("127.0.0.1", primary.port, apex)
        server = Understudy(self.scratch, [{"name": apex, "source": [primary.source_of(apex)]} for apex in KEYS],
                            listen=[f"127.0.0.1:{port}"], keys=tables()).start()
        for apex in KEYS:
            until(f"{apex} arrives", lambda apex=apex: self.serial_at(port, apex) == 1)
        # The zones' own refresh is a day: what comes sooner comes by NOTIFY, signed where the peer can.
        for apex in KEYS:
            primary.write_zone(apex, zones.small(apex, 2))
        primary.reload()
        for apex in KEYS:
            until(f"{apex} changes after NOTIFY", lambda apex=apex: self.serial_at(port, apex) == 2)
        self.assert_no_secret(server)

    def test_what_is_wrong_is_told(self):
        apex, unknown, other = "sha256.tsig.example.", Key("unknown.keys.example."), Key("sha256.keys.example.")
        primary = self.peer(self.scratch, KEYS, keys=KEYS)
        for zone in KEYS:
            primary.write_zone(zone, zones.small(zone, 1))
        primary.start()
        for key, reasons in ((unknown, self.unknown_key), (other, self.other_secret)):
            server = Understudy(self.scratch, [{"name": apex, "source": [f"{primary.source}?key={key.name}"]}],
                                name="with-" + key.name, keys=[key.toml()]).start()
            done = server.verb("refresh", apex)
            self.assertEqual(done.returncode, 2, done)
            failure = server.status(apex)["primaries"][0]["failure"]
            self.assertIn(failure["reason"], reasons, failure)
            self.assertIn(key.name, failure["message"])
            self.assertIsNone(self.serial_at(server.port, apex))
            server.stop()

    unknown_key = ("tsig-badkey",)
    other_secret = ("tsig-badsig",)


class NsdAsPrimary(AsPrimary, Case):
    peer = peers.Nsd


class KnotAsPrimary(AsPrimary, Case):
    peer = peers.Knot


class BindAsPrimary(AsPrimary, Case):
    peer = peers.Bind


class PowerDnsAsPrimary(AsPrimary, Case):
    peer = peers.PowerDns
    # PowerDNS 4.7 says NOTAUTH, but not why (RFC 8945 5.2.1 wants a TSIG record there).
    unknown_key = other_secret = ("tsig-missing",)


class BindSecondary(peers.Bind):
    def configuration(self):
        keys = "".join(key.bind() for key in self.keys.values())
        blocks = "".join(
            f'zone "{apex}" {{ type secondary; file "{self.zone_file(apex)}"; masterfile-format text; '
            f'primaries port {self.primary} {{ 127.0.0.1 key "{self.keys[apex].name}"; }}; '
            f"allow-notify {{ 127.0.0.1; }}; }};\n" for apex in self.apexes)
        return f"""{keys}options {{
  directory "{self.directory}"; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; pid-file none; session-keyfile none; managed-keys-directory "{self.directory}";
  notify no; empty-zones-enable no; request-ixfr no;
}};
controls {{ }};
{blocks}"""


class KnotSecondary(peers.Knot):
    def configuration(self):
        keys = "".join(f"  - id: {key.name}\n    algorithm: {key.algorithm}\n    secret: {key.secret}\n" for key in self.keys.values())
        remotes = "".join(f"  - id: {key.name}\n    address: 127.0.0.1@{self.primary}\n    key: {key.name}\n"
                          for key in self.keys.values())
        blocks = "".join(f"  - domain: {apex}\n    master: {self.keys[apex].name}\n" for apex in self.apexes)
        return f"""server:
  listen: 127.0.0.1@{self.port}
  rundir: {self.directory}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stdout
    any: info
database:
  storage: {self.directory}/db
key:
{keys}remote:
{remotes}acl:
  - id: notify
    address: 127.0.0.1
    action: notify
template:
  - id: default
    storage: {self.directory}
    acl: notify
    zonefile-sync: -1
zone:
{blocks}"""


class NsdSecondary(peers.Nsd):
    def zone(self, apex, key):
        return (f'zone:\n    name: "{apex}"\n    zonefile: "{self.zone_file(apex)}"\n    allow-notify: 127.0.0.1 NOKEY\n'
                f"    request-xfr: AXFR 127.0.0.1@{self.primary} {key}\n")


class AsSecondary:
    """From us to `peer`."""

    def test_every_algorithm(self):
        port = free_port()
        files = {apex: self.scratch.write(apex + "zone", zones.small(apex, 1)) for apex in KEYS}
        secondary = self.peer(self.scratch, KEYS, keys=KEYS)
        secondary.primary = port
        server = Understudy(
            self.scratch, [{"name": apex, "source": [f"file:{files[apex]}"], "allow-transfer": [f"127.0.0.1 key:{KEYS[apex].name}"],
                            "notify": [f"127.0.0.1:{secondary.port}"]} for apex in KEYS],
            listen=[f"127.0.0.1:{port}"], keys=tables()).start()
        for apex in KEYS:
            until(f"{apex} is served", lambda apex=apex: self.serial_at(port, apex) == 1)
        secondary.start()
        for apex in KEYS:
            until(f"{apex} reaches {secondary.name}", lambda apex=apex: self.serial_at(secondary.port, apex) == 1)
        for apex in KEYS:
            self.scratch.write(apex + "zone", zones.small(apex, 2))
        for apex in KEYS:
            until(f"{apex} changes there", lambda apex=apex: self.serial_at(secondary.port, apex) == 2)
        self.assert_no_secret(server)


class BindAsSecondary(AsSecondary, Case):
    peer = BindSecondary


class KnotAsSecondary(AsSecondary, Case):
    peer = KnotSecondary


class NsdAsSecondary(AsSecondary, Case):
    peer = NsdSecondary


class PowerDnsSecondary(secondaries.PowerDnsSecondary):
    outgoing = "127.0.0.1"
    signed_notify = False

    def start(self):
        self.primary_port = self.primary
        return super().start()


class PowerDnsAsSecondary(AsSecondary, Case):
    peer = PowerDnsSecondary


class Clients(Case):
    """dnspython, dig and kdig transfer from us: a zone of many messages, each of them signed."""

    def setUp(self):
        super().setUp()
        self.apex = "large.tsig.example."
        file = self.scratch.write("large.zone", zones.generate(self.apex, 7)[0])
        self.server = Understudy(
            self.scratch, [{"name": self.apex, "source": [f"file:{file}"], "allow-transfer": [f"key:{key.name}" for key in KEYS.values()]}],
            keys=tables()).start()
        until("the zone is served", lambda: self.serial_at(self.server.port, self.apex) == 7, deadline=180)

    def lines(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
        return done, sum(1 for line in done.stdout.splitlines() if line and not line.startswith(";"))

    def test_every_algorithm(self):
        whole = None
        for key in KEYS.values():
            zone = query.transfer("127.0.0.1", self.server.port, self.apex, key.keyring())
            whole = whole or records(zone)
            self.assertEqual(records(zone), whole, key.algorithm)
        self.assertGreater(len(whole), 20000)
        for key in KEYS.values():
            for program in ("dig", "kdig"):
                done, count = self.lines(program, "@127.0.0.1", "-p", str(self.server.port), "-y",
                                         f"{key.algorithm}:{key.name}:{key.secret}", self.apex, "AXFR")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertGreater(count, len(whole), f"{program} {key.algorithm}: {done.stdout[-500:]}")
                self.assertNotRegex(done.stdout + done.stderr, "(?i)could not be verified|bad key|BADSIG|WARNING.*tsig")

    def test_refusals(self):
        with self.assertRaises(dns.xfr.TransferError):
            query.transfer("127.0.0.1", self.server.port, self.apex)
        key = KEYS["sha256.tsig.example."]
        for wrong, word in ((Key(key.name), "BADSIG"), (Key("unknown.keys.example."), "BADKEY")):
            for program in ("dig", "kdig"):
                done, count = self.lines(program, "@127.0.0.1", "-p", str(self.server.port), "-y",
                                         f"{wrong.algorithm}:{wrong.name}:{wrong.secret}", self.apex, "SOA")
                self.assertIn(word, done.stdout + done.stderr, done)
                done, count = self.lines(program, "@127.0.0.1", "-p", str(self.server.port), "-y",
                                         f"{wrong.algorithm}:{wrong.name}:{wrong.secret}", self.apex, "AXFR")
                # Nothing but the TSIG record, which some of them show.
                self.assertLessEqual(count, 1, done.stdout)
                self.assertNotIn("SOA", done.stdout)


class Verbs(Case):
    """add and diff with a key: from the configuration, never without it."""

    def test_add_and_diff(self):
        apex = "sha256.tsig.example."
        key = KEYS[apex]
        primary = peers.Nsd(self.scratch, [apex], keys={apex: key})
        primary.write_zone(apex, zones.small(apex, 1))
        primary.start()
        server = Understudy(self.scratch, [], keys=[key.toml()]).start()
        refused = server.verb("add", apex, "--source", f"{primary.source}?key=none.keys.example.")
        self.assertEqual(refused.returncode, 2, refused)
        self.assertIn("none.keys.example. is not configured", refused.stderr)
        done = server.verb("add", apex, "--source", primary.source_of(apex))
        self.assertEqual(done.returncode, 0, done)
        until("it arrives", lambda: self.serial_at(server.port, apex) == 1)
        same = server.verb("diff", "mirror:", primary.source_of(apex), "--zone", apex)
        self.assertEqual(same.returncode, 0, same)
        unsigned = server.verb("diff", "mirror:", primary.source, "--zone", apex)
        self.assertEqual(unsigned.returncode, 2, unsigned)
        unknown = server.verb("diff", "mirror:", f"{primary.source}?key=none.keys.example.", "--zone", apex)
        self.assertEqual(unknown.returncode, 2, unknown)
        self.assertIn("none.keys.example.", unknown.stderr)
        self.assertNotIn(key.secret, server.verb("status", apex, "--json").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
