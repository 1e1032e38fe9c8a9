"""Debian's name servers as secondaries of the executable under test: each fetches its zones from one primary on 127.0.0.1, from
an address of its own (127.0.0.11 to .14), so that the primary's log tells them apart, and takes NOTIFY."""

import os

from peers import Bind, Knot, Nsd, Peer, PowerDns


class Secondary(Peer):
    """To be mixed in before a peer's class. `outgoing` is where it asks from; where a zone has a key, it asks with that, and
    takes NOTIFY with that only (`signed_notify` unset: without as well)."""

    outgoing = None
    signed_notify = True

    def __init__(self, scratch, apexes, name=None, keys=None):
        super().__init__(scratch, apexes, name=name or f"{type(self).__name__.lower()}-secondary", keys=keys)
        self.primary_port = None

    def follow(self, primary):
        self.primary_port = primary.port
        return self.start()


class NsdSecondary(Secondary, Nsd):
    outgoing = "127.0.0.11"

    def key(self, apex):
        return self.keys[apex].name if apex in self.keys else "NOKEY"

    def configuration(self):
        zones = "".join(
            f'zone:\n    name: "{apex}"\n    zonefile: "{self.zone_file(apex)}"\n'
            f"    request-xfr: 127.0.0.1@{self.primary_port} {self.key(apex)}\n    allow-notify: 127.0.0.0/8 {self.key(apex)}\n"
            f"    outgoing-interface: {self.outgoing}\n    provide-xfr: 127.0.0.1 NOKEY\n" for apex in self.apexes)
        return super().configuration().split("zone:\n")[0].replace("server:\n", "server:\n    verbosity: 2\n") + zones


class KnotSecondary(Secondary, Knot):
    outgoing = "127.0.0.12"

    def configuration(self):
        keys = "".join(f"  - id: {key.name}\n    algorithm: {key.algorithm}\n    secret: {key.secret}\n" for key in self.keys.values())
        remotes = "".join(f"  - id: with-{key.name}\n    address: 127.0.0.1@{self.primary_port}\n    via: {self.outgoing}\n"
                          f"    key: {key.name}\n" for key in self.keys.values())
        told = "".join(f"  - id: told-{key.name}\n    address: 127.0.0.0/8\n    key: {key.name}\n    action: notify\n"
                       for key in self.keys.values())
        zones = "".join(f"  - domain: {apex}\n" + (f"    master: with-{self.keys[apex].name}\n    acl: [transfer, told-{self.keys[apex].name}]\n"
                                                   if apex in self.keys else "    master: primary\n") for apex in self.apexes)
        key_section = f"key:\n{keys}" if keys else ""
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
{key_section}remote:
  - id: primary
    address: 127.0.0.1@{self.primary_port}
    via: {self.outgoing}
{remotes}acl:
  - id: transfer
    address: 127.0.0.0/8
    action: transfer
{told}  - id: all
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
        key = {apex: f'key "{self.keys[apex].name}"' if apex in self.keys else "" for apex in self.apexes}
        zones = "".join(
            f'zone "{apex}" {{ type secondary; file "{self.zone_file(apex)}"; primaries {{ 127.0.0.1 port {self.primary_port} {key[apex]}; }};\n'
            f"  transfer-source {self.outgoing}; allow-notify {{ {key[apex] or '127.0.0.0/8'}; }}; notify no; }};\n" for apex in self.apexes)
        return super().configuration().split("zone \"")[0] + zones


class PowerDnsSecondary(Secondary, PowerDns):
    outgoing = "127.0.0.14"

    def start(self):
        self.write_configuration()
        for apex in self.apexes:
            self.run("/usr/bin/pdnsutil", "create-secondary-zone", apex.strip("."), f"127.0.0.1:{self.primary_port}")
            self.run("/usr/bin/pdnsutil", "set-meta", apex.strip("."), "IXFR", "1")
            if apex in self.keys:
                key = self.keys[apex]
                self.run("/usr/bin/pdnsutil", "import-tsig-key", key.name.strip("."), key.algorithm, key.secret)
                self.run("/usr/bin/pdnsutil", "activate-tsig-key", apex.strip("."), key.name.strip("."), "secondary")
        return Peer.start(self)

    def serial(self, apex):
        # What it has is asked for in between; new zones are else looked at once a minute.
        serial = super().serial(apex)
        if serial is None and os.path.exists(os.path.join(self.directory, "pdns.controlsocket")):
            self.run("/usr/bin/pdns_control", "retrieve", apex.strip("."))
        return serial

    def configuration(self):
        text = super().configuration().replace("primary=yes\n", "secondary=yes\n")
        if self.keys:  # of whom the zones' comparison asks; what it asks for itself is signed
            text = text.replace("allow-axfr-ips=\n", "allow-axfr-ips=127.0.0.0/8\n")
        return text + f"""query-local-address={self.outgoing}
allow-unsigned-notify={"no" if self.keys and self.signed_notify else "yes"}
allow-notify-from=127.0.0.0/8
xfr-cycle-interval=60
loglevel=5
"""


ALL = (NsdSecondary, KnotSecondary, BindSecondary, PowerDnsSecondary)
