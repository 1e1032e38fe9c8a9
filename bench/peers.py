"""The peers: how each is configured as a secondary of the local Knot, with one worker and minimal responses.

TCP limits are raised for all alike, to 1,000 clients without a bound on the queries of one; the address of the bench may
transfer. BIND asks for 1,000 serials a second and transfers 200 zones at a time: with less it takes minutes for 10,000 zones.
"""
import subprocess

from servers import KNOT_COMMON, SERVER_CORE, ZONE, Server


class Knot(Server):
    name, core = "Knot", SERVER_CORE

    def configuration(self):
        return KNOT_COMMON.format(port=self.port, directory=self.directory) + f"""
remote:
  - id: primary
    address: 127.0.0.1@{self.primary_port}
acl:
  - id: allow
    address: 127.0.0.1
    action: [notify, transfer]
template:
  - id: default
    storage: {self.directory}
    master: primary
    acl: allow
zone:
""" + "".join(f"  - domain: {zone}\n" for zone in self.zones)

    def command(self):
        return ["knotd", "-c", f"{self.directory}/conf"]

    @staticmethod
    def version_text():
        return subprocess.run(["knotd", "--version"], capture_output=True, text=True).stdout.split()[-1]


class Nsd(Server):
    name, core = "NSD", SERVER_CORE

    def configuration(self):
        d = self.directory
        return f"""
server:
    server-count: 1
    tcp-count: 1000
    tcp-query-count: 0
    ip-address: 127.0.0.1@{self.port}
    username: ""
    zonesdir: "{d}"
    database: ""
    zonelistfile: "{d}/zone.list"
    pidfile: "{d}/nsd.pid"
    xfrdfile: "{d}/xfrd.state"
    xfrdir: "{d}"
    xfrd-reload-timeout: 0
    zonefiles-write: {1 if len(self.zones) == 1 else 30}
    rrl-ratelimit: 0
    minimal-responses: yes
remote-control:
    control-enable: no
""" + "".join(f"""
zone:
    name: "{zone}"
    zonefile: "{d}/db/{zone}"
    request-xfr: 127.0.0.1@{self.primary_port} NOKEY
    allow-notify: 127.0.0.1 NOKEY
    provide-xfr: 127.0.0.1 NOKEY
""" for zone in self.zones)

    def command(self):
        return ["nsd", "-d", "-c", f"{self.directory}/conf"]

    @staticmethod
    def version_text():
        return subprocess.run(["nsd", "-v"], capture_output=True, text=True).stderr.split()[2]


class Bind(Server):
    name, core = "BIND", SERVER_CORE

    def configuration(self):
        d = self.directory
        return f"""
options {{
  directory "{d}";
  listen-on port {self.port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  recursion no;
  minimal-responses yes;
  notify no;
  dnssec-validation no;
  tcp-clients 1000;
  tcp-listen-queue 1000;
  transfers-in 200;
  transfers-per-ns 200;
  serial-query-rate 1000;
}};
controls {{ }};
""" + "".join(f"""
zone "{zone}" {{
  type secondary;
  primaries {{ 127.0.0.1 port {self.primary_port}; }};
  file "{d}/db/{zone}";
}};
""" for zone in self.zones)

    def command(self):
        return ["named", "-f", "-n", "1", "-c", f"{self.directory}/conf"]

    @staticmethod
    def version_text():
        return subprocess.run(["named", "-v"], capture_output=True, text=True).stdout.split()[1]


class PowerDns(Server):
    name, core = "PowerDNS", SERVER_CORE
    conf_name = "pdns.conf"

    def configuration(self):
        d = self.directory
        return f"""
launch=lmdb
lmdb-filename={d}/db/pdns.lmdb
lmdb-shards=1
lmdb-map-size=4000
local-address=127.0.0.1
local-port={self.port}
secondary=yes
socket-dir={d}
receiver-threads=1
distributor-threads=1
xfr-cycle-interval=1
allow-unsigned-notify=yes
max-tcp-connections=1000
daemon=no
guardian=no
setuid=
setgid=
write-pid=no
webserver=no
loglevel=3
"""

    def prepare(self):
        super().prepare()
        subprocess.run(["pdnsutil", f"--config-dir={self.directory}", "create-secondary-zone", ZONE,
                        f"127.0.0.1:{self.primary_port}"], check=True, capture_output=True)

    def command(self):
        return ["pdns_server", f"--config-dir={self.directory}"]

    @staticmethod
    def version_text():
        text = subprocess.run(["pdns_server", "--version"], capture_output=True, text=True)
        return next(word for word in (text.stdout + text.stderr).split() if word[0].isdigit() and word.count(".") == 2)
