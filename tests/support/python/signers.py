"""Signers of zones, each by its own tools, and a validator that is none of them.

A signer's source(apex, text, mode) gives the source, as the configuration names it, of that zone signed: with NSEC, with
NSEC3, or with NSEC3 and opt-out. Keys are new each time.
"""

import os
import subprocess

import peers
from processes import DEADLINE, Process, free_port, until

NSEC, NSEC3, OPT_OUT = "nsec", "nsec3", "optout"
SALT = "aabbccdd"
ITERATIONS = 3


def run(*command, directory):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=DEADLINE, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


class FileSigner:
    """Tools that make a signed zone file of a zone file."""

    def __init__(self, scratch):
        self.directory = scratch.directory(type(self).__name__.lower())

    def source(self, apex, text, mode):
        path = os.path.join(self.directory, apex.strip(".") + ".zone")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.sign(apex, path, mode)
        return f"file:{path}.signed"

    def stop(self):
        pass


class Ldns(FileSigner):
    def sign(self, apex, path, mode):
        ksk, zsk = (run("/usr/bin/ldns-keygen", "-a", "ECDSAP256SHA256", *kind, apex, directory=self.directory).strip()
                    for kind in (("-k",), ()))
        denial = {NSEC: [], NSEC3: ["-n", "-t", str(ITERATIONS), "-s", SALT],
                  OPT_OUT: ["-n", "-p", "-t", str(ITERATIONS), "-s", SALT]}[mode]
        run("/usr/bin/ldns-signzone", *denial, "-f", path + ".signed", path, zsk, ksk, directory=self.directory)


class KeptKeys(Ldns):
    """Signs the same zone again and again with the same keys."""

    def __init__(self, scratch):
        super().__init__(scratch)
        self.keys = {}

    def signed(self, apex, text, mode=NSEC, end="20380101"):
        """The signed zone as text; `end` is when its signatures end, as ldns-signzone takes it."""
        if apex not in self.keys:
            self.keys[apex] = [run("/usr/bin/ldns-keygen", "-a", "ECDSAP256SHA256", *kind, apex, directory=self.directory).strip()
                               for kind in ((), ("-k",))]
        path = os.path.join(self.directory, "again.zone")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        denial = [] if mode == NSEC else ["-n", "-t", str(ITERATIONS), "-s", SALT]
        run("/usr/bin/ldns-signzone", *denial, "-e", end, "-f", path + ".signed", path, *self.keys[apex], directory=self.directory)
        with open(path + ".signed", encoding="utf-8") as file:
            return file.read()


class BindTools(FileSigner):
    def sign(self, apex, path, mode):
        for kind in (["-f", "KSK"], []):
            run("/usr/bin/dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", *kind, apex, directory=self.directory)
        denial = {NSEC: [], NSEC3: ["-3", SALT, "-H", str(ITERATIONS)],
                  OPT_OUT: ["-A", "-3", SALT, "-H", str(ITERATIONS)]}[mode]
        run("/usr/bin/dnssec-signzone", "-q", "-S", *denial, "-o", apex, "-f", path + ".signed", path,
            directory=self.directory)


class SigningKnot(peers.Knot):
    def __init__(self, scratch):
        super().__init__(scratch, [])
        self.scratch.directory(os.path.join(self.name, "db"))  # Knot does not make it for keys
        self.modes = {}

    def source(self, apex, text, mode):
        self.write_zone(apex, text)
        self.apexes.append(apex)
        self.modes[apex] = mode
        return f"axfr://127.0.0.1:{self.port}"

    def configuration(self):
        policies = "".join(
            f"  - id: {mode}\n    algorithm: ecdsap256sha256\n    nsec3: {'off' if mode == NSEC else 'on'}\n"
            f"    nsec3-iterations: {ITERATIONS}\n    nsec3-opt-out: {'on' if mode == OPT_OUT else 'off'}\n"
            for mode in (NSEC, NSEC3, OPT_OUT))
        text = super().configuration().replace("\nzone:\n", f"\npolicy:\n{policies}zone:\n")
        for apex, mode in self.modes.items():
            text = text.replace(f"  - domain: {apex}\n",
                                f"  - domain: {apex}\n    dnssec-signing: on\n    dnssec-policy: {mode}\n")
        return text


class SigningPowerDns(peers.Peer):
    """With the LMDB backend; zones are loaded and secured by pdnsutil before it starts."""

    def __init__(self, scratch):
        super().__init__(scratch, [], name="signing-pdns")
        with open(os.path.join(self.directory, "pdns.conf"), "w", encoding="utf-8") as file:
            file.write(self.configuration())

    def pdnsutil(self, *arguments):
        run("/usr/bin/pdnsutil", f"--config-dir={self.directory}", *arguments, directory=self.directory)

    def source(self, apex, text, mode):
        self.write_zone(apex, text)
        name = apex.strip(".")
        self.pdnsutil("load-zone", name, self.zone_file(apex))
        self.pdnsutil("secure-zone", name)
        if mode != NSEC:
            self.pdnsutil("set-nsec3", name, f"1 {1 if mode == OPT_OUT else 0} {ITERATIONS} {SALT}")
        self.pdnsutil("rectify-zone", name)
        self.apexes.append(apex)
        return f"axfr://127.0.0.1:{self.port}"

    def command(self, path):
        return ["/usr/sbin/pdns_server", f"--config-dir={self.directory}"]

    def configuration(self):
        return f"""launch=lmdb
lmdb-filename={self.directory}/pdns.lmdb
lmdb-shards=1
local-address=127.0.0.1
local-port={self.port}
socket-dir={self.directory}
primary=yes
allow-axfr-ips=127.0.0.0/8
dname-processing=yes
zone-cache-refresh-interval=0
max-nsec3-iterations=500
daemon=no
guardian=no
disable-syslog=yes
security-poll-suffix=
"""


class Unbound:
    """A validating resolver that asks one server for some zones and believes these keys."""

    def __init__(self, scratch, server, zones):
        self.directory = scratch.directory("unbound")
        self.address, self.port = "127.0.0.1", free_port()
        self.server, self.zones = server, zones  # zones: apex -> DNSKEY records as text
        self.process = None
        scratch.own(self)

    def start(self):
        path = os.path.join(self.directory, "unbound.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.configuration())
        self.process = Process("unbound", ["/usr/sbin/unbound", "-d", "-c", path], self.directory)
        until("unbound is up", lambda: self.process.require_alive() and "start of service" in self.process.log())
        return self

    def stop(self):
        if self.process is not None:
            self.process.stop()
            self.process = None

    def configuration(self):
        anchors = "".join(f'  trust-anchor: "{key}"\n' for keys in self.zones.values() for key in keys)
        stubs = "".join(f'stub-zone:\n  name: "{apex}"\n  stub-addr: {self.server[0]}@{self.server[1]}\n'
                        for apex in self.zones)
        return f"""server:
  directory: "{self.directory}"
  chroot: ""
  username: ""
  pidfile: ""
  logfile: ""
  use-syslog: no
  verbosity: 1
  val-log-level: 2
  interface: 127.0.0.1
  port: {self.port}
  do-ip6: no
  do-not-query-localhost: no
  num-threads: 1
  local-zone: "test." nodefault
  module-config: "validator iterator"
  aggressive-nsec: no
  harden-below-nxdomain: no
  qname-minimisation: no
  minimal-responses: no
  target-fetch-policy: "0 0 0 0 0"
  val-bogus-ttl: 0
  edns-buffer-size: 1232
{anchors}{stubs}remote-control:
  control-enable: no
"""
