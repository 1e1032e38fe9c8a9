"""Debian's name servers as primaries: started on a port of their own, never as the system's service.

Each has the same face: start(), write_zone(apex, text), reload() (the server rereads its files and sends its own
NOTIFY), stop(). Zone changes go through the file and the server's own reload, as an operator's would.
"""

import os
import shutil
import signal

import query
from processes import Process, free_port, until


class Peer:
    def __init__(self, scratch, apexes, notify=(), name=None):
        self.name = name or type(self).__name__.lower()
        self.scratch = scratch
        self.directory = scratch.directory(self.name)
        self.apexes = list(apexes)
        self.notify = list(notify)  # ports on 127.0.0.1
        self.address = "127.0.0.1"
        self.port = free_port()
        self.process = None
        scratch.own(self)

    @property
    def source(self):
        return f"axfr://127.0.0.1:{self.port}"

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
        notify = "".join(f"    notify: 127.0.0.1@{port} NOKEY\n" for port in self.notify)
        zones = "".join(
            f'zone:\n    name: "{apex}"\n    zonefile: "{self.zone_file(apex)}"\n'
            f"    provide-xfr: 127.0.0.1 NOKEY\n{notify}" for apex in self.apexes)
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
{zones}"""


class Knot(Peer):
    # tcp-io-timeout is 500 ms by default: dnspython does not read a transfer that fast on a loaded machine.
    def command(self, path):
        return ["/usr/sbin/knotd", "-c", path]

    def configuration(self):
        remotes = "".join(f"  - id: r{port}\n    address: 127.0.0.1@{port}\n" for port in self.notify)
        remote_section = f"remote:\n{remotes}" if self.notify else ""
        notify = f"    notify: [{', '.join(f'r{port}' for port in self.notify)}]\n" if self.notify else ""
        zones = "".join(f"  - domain: {apex}\n    file: {self.zone_file(apex)}\n" for apex in self.apexes)
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
{remote_section}
acl:
  - id: all
    address: 127.0.0.1
    action: transfer
template:
  - id: default
    storage: {self.directory}
    acl: all
{notify}    zonefile-sync: -1
    journal-content: changes
    semantic-checks: soft
zone:
{zones}"""


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
            f'zone "{apex}" {{ type primary; file "{self.zone_file(apex)}"; check-names ignore; }};\n'
            for apex in self.apexes)
        return f"""options {{
  directory "{self.directory}";
  listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; minimal-responses yes; dnssec-validation no;
  pid-file none; session-keyfile none; managed-keys-directory "{self.directory}";
  allow-transfer {{ 127.0.0.1; }};
  notify explicit; also-notify {{ {notify} }}; notify-delay 0;
  empty-zones-enable no; max-records-per-type 0;
}};
controls {{ }};
{zones}"""
