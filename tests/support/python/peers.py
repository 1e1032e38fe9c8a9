"""Debian's name servers as primaries: started on a port of their own, never as the system's service.

Each has the same face: start(), write_zone(apex, text), reload() (the server rereads its files and sends its own
NOTIFY), stop(). Zone changes go through the file and the server's own reload, as an operator's would.
"""

import base64
import os
import re
import shutil
import signal
import subprocess

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring

import query
from processes import DEADLINE, Process, free_port, until


class Key:
    """A TSIG key, as the peers and dnspython take it."""

    def __init__(self, name, algorithm="hmac-sha256", secret=None):
        self.name = name
        self.algorithm = algorithm
        self.secret = secret or base64.b64encode(os.urandom(32)).decode()

    def bind(self):
        return f'key "{self.name}" {{ algorithm {self.algorithm}; secret "{self.secret}"; }};\n'

    def toml(self):
        return {"name": self.name, "algorithm": self.algorithm, "secret": self.secret}

    def keyring(self):
        algorithm = dns.tsig.HMAC_MD5 if self.algorithm == "hmac-md5" else self.algorithm
        return dns.tsigkeyring.from_text({self.name: (algorithm, self.secret)})


class Peer:
    """`keys` says for some of the zones which key their transfers and NOTIFY are signed with."""

    history = False  # whether it keeps what changes between zone files, and answers IXFR with that (Knot, BIND)

    def __init__(self, scratch, apexes, notify=(), name=None, keys=None):
        self.name = name or type(self).__name__.lower()
        self.scratch = scratch
        self.directory = scratch.directory(self.name)
        self.apexes = list(apexes)
        self.notify = list(notify)  # ports on 127.0.0.1
        self.keys = dict(keys or {})
        self.address = "127.0.0.1"
        self.port = free_port()
        self.process = None
        scratch.own(self)

    @property
    def source(self):
        return f"axfr://127.0.0.1:{self.port}"

    def source_of(self, apex):
        return self.source + (f"?key={self.keys[apex].name}" if apex in self.keys else "")

    def zone_file(self, apex):
        return os.path.join(self.directory, (apex.strip(".") or "root") + ".zone")

    def write_zone(self, apex, text):
        # By rename, so that a server that rereads at any moment finds a whole file.
        with open(self.zone_file(apex) + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.zone_file(apex) + ".new", self.zone_file(apex))

    def start(self):
        path = os.path.join(self.directory, "server.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.configuration())
        self.process = Process(self.name, self.command(path), self.directory)
        for apex in self.apexes:
            until(f"{self.name} serves {apex}", lambda apex=apex: self.process.require_alive() and self.serial(apex) is not None,
                  deadline=180)
        return self

    def serial(self, apex):
        return query.serial(self.address, self.port, apex)

    def reload(self):
        self.process.signal(signal.SIGHUP)

    def stop(self):
        if self.process is not None:
            self.process.stop()
            self.process = None

    def kill(self):
        self.process.kill()
        self.process = None


class Nsd(Peer):
    def command(self, path):
        return ["/usr/sbin/nsd", "-d", "-c", path]

    def configuration(self):
        keys = "".join(f'key:\n    name: "{key.name}"\n    algorithm: {key.algorithm}\n    secret: "{key.secret}"\n'
                       for key in self.keys.values())
        zones = "".join(self.zone(apex, self.keys[apex].name if apex in self.keys else "NOKEY") for apex in self.apexes)
        return f"""server:
    server-count: 1
    ip-address: 127.0.0.1@{self.port}
    username: ""
    zonesdir: "{self.directory}"
    database: ""
    zonelistfile: "{self.directory}/zone.list"
    pidfile: "{self.directory}/nsd.pid"
    xfrdfile: "{self.directory}/xfrd.state"
    xfrdir: "{self.directory}"
    cookie-secret-file: "{self.directory}/cookie"
    rrl-ratelimit: 0
    minimal-responses: yes
remote-control:
    control-enable: no
{keys}{zones}"""

    def zone(self, apex, key):
        notify = "".join(f"    notify: 127.0.0.1@{port} {key}\n" for port in self.notify)
        return (f'zone:\n    name: "{apex}"\n    zonefile: "{self.zone_file(apex)}"\n'
                f"    provide-xfr: 127.0.0.0/8 {key}\n{notify}")


class Knot(Peer):
    # tcp-io-timeout is 500 ms by default: dnspython does not read a transfer that fast on a loaded machine.
    def command(self, path):
        return ["/usr/sbin/knotd", "-c", path]

    def configuration(self):
        os.makedirs(os.path.join(self.directory, "db"), exist_ok=True)  # its journal; it makes none itself on a reload
        keys = "".join(f"  - id: {key.name}\n    algorithm: {key.algorithm}\n    secret: {key.secret}\n"
                       for key in self.keys.values())
        key_section = f"key:\n{keys}" if keys else ""
        remotes = "".join(f"  - id: r{port}\n    address: 127.0.0.1@{port}\n" for port in self.notify)
        remotes += "".join(f"  - id: {key.name}{port}\n    address: 127.0.0.1@{port}\n    key: {key.name}\n"
                           for key in self.keys.values() for port in self.notify)
        remote_section = f"remote:\n{remotes}" if self.notify else ""
        acls = "".join(f"  - id: {key.name}\n    address: 127.0.0.1\n    key: {key.name}\n    action: transfer\n"
                       for key in self.keys.values())
        notify = f"    notify: [{', '.join(f'r{port}' for port in self.notify)}]\n" if self.notify else ""
        zones = "".join(f"  - domain: {apex}\n    file: {self.zone_file(apex)}\n{self.signed(apex)}" for apex in self.apexes)
        return f"""server:
  listen: 127.0.0.1@{self.port}
  rundir: {self.directory}
  udp-workers: 1
  tcp-workers: 1
  tcp-io-timeout: 60000
  background-workers: 1
log:
  - target: stdout
    any: info
database:
  storage: {self.directory}/db
{key_section}{remote_section}
acl:
  - id: all
    address: 127.0.0.1
    action: transfer
{acls}template:
  - id: default
    storage: {self.directory}
    acl: all
{notify}    zonefile-sync: -1
    zonefile-load: {"difference" if self.history else "whole"}
    journal-content: changes
    semantic-checks: soft
zone:
{zones}"""

    def signed(self, apex):
        if apex not in self.keys:
            return ""
        key = self.keys[apex].name
        notify = f"    notify: [{', '.join(f'{key}{port}' for port in self.notify)}]\n" if self.notify else ""
        return f"    acl: {key}\n{notify}"


class Bind(Peer):
    def command(self, path):
        # AppArmor may keep the installed binary from files outside its own directories; a copy has no profile.
        copy = os.path.join(self.directory, "named-copy")
        if not os.path.exists(copy):
            shutil.copy("/usr/sbin/named", copy)
        return [copy, "-g", "-n", "1", "-c", path]

    def configuration(self):
        notify = " ".join(f"127.0.0.1 port {port};" for port in self.notify)
        zones = "".join(
            f'zone "{apex}" {{ type primary; file "{self.zone_file(apex)}"; check-names ignore; check-integrity no; '
            f"{self.signed(apex)}}};\n" for apex in self.apexes)
        keys = "".join(key.bind() for key in self.keys.values())
        return f"""{keys}options {{
  directory "{self.directory}";
  listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; minimal-responses yes; dnssec-validation no;
  pid-file none; session-keyfile none; managed-keys-directory "{self.directory}";
  allow-transfer {{ 127.0.0.1; }};
  notify explicit; also-notify {{ {notify} }}; notify-delay 0;
  empty-zones-enable no; max-records-per-type 0;
  ixfr-from-differences {"yes" if self.history else "no"};
}};
controls {{ }};
{zones}"""

    def signed(self, apex):
        if apex not in self.keys:
            return ""
        key = self.keys[apex].name
        notify = " ".join(f'127.0.0.1 port {port} key "{key}";' for port in self.notify)
        return f'allow-transfer {{ key "{key}"; }}; also-notify {{ {notify} }}; '


class PowerDns(Peer):
    """With the LMDB backend. Zones are loaded and NOTIFY is sent as its operator would, with pdnsutil and pdns_control."""

    # Types that PowerDNS 4.7 keeps as they come; of all others it refuses RFC 3597's generic form.
    UNKNOWN_TYPES = {3, 4, 10, 11, 19, 20, 21, 22, 23, 24, 26, 27, 30, 31, 32, 34, 38, 40, 55, 56, 58, 258, 259, 260, 261,
                     32768, 65280, 65534}

    def write_zone(self, apex, text):
        generic = re.compile(r" IN TYPE(\d+) \\# \d+ ([0-9a-f]+)$", re.MULTILINE)
        super().write_zone(apex, generic.sub(lambda found: self.presentation(found, int(found[1]), bytes.fromhex(found[2])), text))

    def presentation(self, found, number, octets):
        if number in self.UNKNOWN_TYPES:
            return found[0]
        # dnspython knows no KEY and RKEY, which are laid out as DNSKEY is; of CERT PowerDNS wants the type as a number.
        layout = dns.rdatatype.DNSKEY if number in (25, 57) else number
        rdata = dns.rdata.from_wire(dns.rdataclass.IN, layout, octets, 0, len(octets))
        text = rdata.to_text()
        if number == dns.rdatatype.CERT:
            text = " ".join([str(rdata.certificate_type), str(rdata.key_tag), str(int(rdata.algorithm)), text.split(" ", 3)[3]])
        return f" IN {dns.rdatatype.to_text(number)} {text}"

    def start(self):
        self.write_configuration()
        for apex in self.apexes:
            self.load(apex)
            self.run("/usr/bin/pdnsutil", "set-kind", apex.strip("."), "primary")
            if apex in self.keys:
                key = self.keys[apex]
                self.run("/usr/bin/pdnsutil", "import-tsig-key", key.name.strip("."), key.algorithm, key.secret)
                self.run("/usr/bin/pdnsutil", "activate-tsig-key", apex.strip("."), key.name.strip("."), "primary")
        return super().start()

    def write_configuration(self):
        with open(os.path.join(self.directory, "pdns.conf"), "w", encoding="utf-8") as file:
            file.write(self.configuration())

    def command(self, path):
        return ["/usr/sbin/pdns_server", f"--config-dir={self.directory}"]

    def run(self, program, *arguments):
        done = subprocess.run([program, f"--config-dir={self.directory}", *arguments], capture_output=True, text=True,
                              timeout=DEADLINE, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{program} {' '.join(arguments)}: {done.stdout}{done.stderr}")

    def load(self, apex):
        self.run("/usr/bin/pdnsutil", "load-zone", apex.strip("."), self.zone_file(apex))
        # Without it PowerDNS does not know empty non-terminals.
        self.run("/usr/bin/pdnsutil", "rectify-zone", apex.strip("."))

    def reload(self):
        for apex in self.apexes:
            self.load(apex)
            self.run("/usr/bin/pdns_control", "purge", apex.strip(".") + "$")
            self.run("/usr/bin/pdns_control", "notify", apex.strip("."))

    def configuration(self):
        also_notify = ",".join(f"127.0.0.1:{port}" for port in self.notify)
        return f"""launch=lmdb
lmdb-filename={self.directory}/pdns.lmdb
lmdb-shards=1
local-address=127.0.0.1
local-port={self.port}
socket-dir={self.directory}
primary=yes
only-notify=
also-notify={also_notify}
allow-axfr-ips={"" if self.keys else "127.0.0.0/8"}
dname-processing=yes
zone-cache-refresh-interval=0
daemon=no
guardian=no
disable-syslog=yes
security-poll-suffix=
version-string=anonymous
"""
