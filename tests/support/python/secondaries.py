"""Debian's name servers as secondaries of the executable under test: each fetches its zones from one primary on 127.0.0.1, from
an address of its own (127.0.0.11 to .14), so that the primary's log tells them apart, and takes NOTIFY."""

import os

from peers import Bind, Knot, Nsd, Peer, PowerDns


class Secondary(Peer):
    """To be mixed in before a peer's class. `source` is where it asks from."""

    outgoing = None

    def __init__(self, scratch, apexes, name=None):
        super().__init__(scratch, apexes, name=name or f"{type(self).__name__.lower()}-secondary")
        self.primary_port = None

    def follow(self, primary):
        self.primary_port = primary.port
        return self.start()


class NsdSecondary(Secondary, Nsd):
    outgoing = "127.0.0.11"

    def configuration(self):
        zones = "".join(
            f'zone:\n    name: "{apex}"\n    zonefile: "{self.zone_file(apex)}"\n'
            f"    request-xfr: 127.0.0.1@{self.primary_port} NOKEY\n    allow-notify: 127.0.0.0/8 NOKEY\n"
            f"    outgoing-interface: {self.outgoing}\n    provide-xfr: 127.0.0.1 NOKEY\n" for apex in self.apexes)
        return super().configuration().split("zone:\n")[0].replace("server:\n", "server:\n    verbosity: 2\n") + zones


class KnotSecondary(Secondary, Knot):
    outgoing = "127.0.0.12"

    def configuration(self):
        zones = "".join(f"  - domain: {apex}\n    master: primary\n" for apex in self.apexes)
        os.makedirs(os.path.join(self.directory, "db"), exist_ok=True)  # for its journal
        return f"""server:
  listen: 127.0.0.1@{self.port}
  rundir: {self.directory}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  tcp-io-timeout: 60000
log:
  - target: stdout
    any: info
database:
  storage: {self.directory}/db
remote:
  - id: primary
    address: 127.0.0.1@{self.primary_port}
    via: {self.outgoing}
acl:
  - id: all
    address: 127.0.0.0/8
    action: [transfer, notify]
template:
  - id: default
    storage: {self.directory}
    acl: all
    zonefile-sync: -1
    zonefile-load: none
    journal-content: all
    semantic-checks: soft
zone:
{zones}"""


class BindSecondary(Secondary, Bind):
    outgoing = "127.0.0.13"

    def configuration(self):
        zones = "".join(
            f'zone "{apex}" {{ type secondary; file "{self.zone_file(apex)}"; primaries {{ 127.0.0.1 port {self.primary_port}; }};\n'
            f"  transfer-source {self.outgoing}; allow-notify {{ 127.0.0.0/8; }}; notify no; }};\n" for apex in self.apexes)
        return super().configuration().split("zone \"")[0] + zones


class PowerDnsSecondary(Secondary, PowerDns):
    outgoing = "127.0.0.14"

    def start(self):
        self.write_configuration()
        for apex in self.apexes:
            self.run("/usr/bin/pdnsutil", "create-secondary-zone", apex.strip("."), f"127.0.0.1:{self.primary_port}")
            self.run("/usr/bin/pdnsutil", "set-meta", apex.strip("."), "IXFR", "1")
        return Peer.start(self)

    def serial(self, apex):
        # What it has is asked for in between; new zones are else looked at once a minute.
        serial = super().serial(apex)
        if serial is None and os.path.exists(os.path.join(self.directory, "pdns.controlsocket")):
            self.run("/usr/bin/pdns_control", "retrieve", apex.strip("."))
        return serial

    def configuration(self):
        return super().configuration().replace("primary=yes\n", "secondary=yes\n") + f"""query-local-address={self.outgoing}
allow-notify-from=127.0.0.0/8
xfr-cycle-interval=60
loglevel=5
"""


ALL = (NsdSecondary, KnotSecondary, BindSecondary, PowerDnsSecondary)
