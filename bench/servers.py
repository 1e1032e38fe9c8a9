"""The servers under comparison: how each is configured as the secondary of one local Knot, started, measured, stopped.

Every server has one worker, listens on a port of 127.0.0.1 that was free, and runs on core 0; the primary and the load run
on core 1. Only processes started here are ended, by their number.
"""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time

ZONE = "bench.example"
TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CORE, LOAD_CORE = "0", "1"


def free_port():
    """A port that is free for UDP and TCP now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(("127.0.0.1", udp.getsockname()[1]))
                return udp.getsockname()[1]
            except OSError:
                continue


SOA_QUERY = struct.pack("!6H", 0x1234, 0, 1, 0, 0, 0) + b"\x05bench\x07example\0" + struct.pack("!2H", 6, 1)


def soa_serial(port, timeout=0.3):
    """The serial that a server answers with authority, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        try:
            s.connect(("127.0.0.1", port))  # connected: a port that is not bound yet refuses at once
            s.send(SOA_QUERY)
            return serial_in(s.recv(4096))
        except OSError:
            return None


def serial_in(answer):
    flags, _, answers = struct.unpack("!HHH", answer[2:8])
    if flags & 0x040F != 0x0400 or answers != 1:
        return None
    owner = 12 + len(SOA_QUERY) - 12
    owner += 2 if answer[owner] >= 192 else len(SOA_QUERY) - 16
    length = struct.unpack("!H", answer[owner + 8:owner + 10])[0]
    return struct.unpack("!I", answer[owner + 10 + length - 20:owner + 10 + length - 16])[0]


def wait_served(port, limit=300):
    """Seconds until the zone is answered."""
    start = time.monotonic()
    while time.monotonic() - start < limit:
        if soa_serial(port) is not None:
            return time.monotonic() - start
        time.sleep(0.001)
    raise RuntimeError(f"nothing was served on port {port} within {limit} s")


def with_children(pid):
    out = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                for child in f.read().split():
                    out += with_children(int(child))
    except OSError:
        pass
    return out


def cpu_of(pid):
    """Seconds of CPU of a process, its threads, its children and those it has waited for."""
    ticks = 0
    for p in with_children(pid):
        try:
            with open(f"/proc/{p}/stat") as f:
                ticks += sum(int(field) for field in f.read().rsplit(")", 1)[1].split()[11:15])
        except OSError:
            pass
    return ticks / TICKS


def private_mb(pid):
    """Memory that is no file's: Pss_Anon of all its processes."""
    kilobytes = 0
    for p in with_children(pid):
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                kilobytes += int(re.search(r"^Pss_Anon:\s+(\d+)", f.read(), re.M).group(1))
        except OSError:
            pass
    return kilobytes / 1024


class Server:
    """One server: a directory, a port, a command."""
    name = core = ""
    version = ""

    def __init__(self, scratch, primary_port):
        self.directory, self.primary_port, self.port = f"{scratch}/{self.name}", primary_port, free_port()
        self.process = None

    def prepare(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(f"{self.directory}/db")  # Knot does not make its own
        with open(f"{self.directory}/conf", "w") as f:
            f.write(self.configuration())

    def start(self):
        with open(f"{self.directory}/log", "a") as log:
            self.process = subprocess.Popen(["taskset", "-c", self.core] + self.command(), stdout=log, stderr=log)

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def cpu(self):
        return cpu_of(self.process.pid)

    def private_mb(self):
        return private_mb(self.process.pid)

    def disk_mb(self):
        return sum(os.lstat(os.path.join(at, f)).st_blocks for at, _, files in os.walk(self.directory)
                   for f in files) * 512 / 2**20


KNOT_COMMON = """
server:
  listen: 127.0.0.1@{port}
  rundir: {directory}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: {directory}/db
"""


class Knot(Server):
    name, core = "Knot", SERVER_CORE

    def configuration(self):
        return KNOT_COMMON.format(port=self.port, directory=self.directory) + f"""
remote:
  - id: primary
    address: 127.0.0.1@{self.primary_port}
acl:
  - id: notify
    address: 127.0.0.1
    action: notify
zone:
  - domain: {ZONE}
    storage: {self.directory}
    master: primary
    acl: notify
"""

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
    ip-address: 127.0.0.1@{self.port}
    username: ""
    zonesdir: "{d}"
    database: ""
    zonelistfile: "{d}/zone.list"
    pidfile: "{d}/nsd.pid"
    xfrdfile: "{d}/xfrd.state"
    xfrdir: "{d}"
    xfrd-reload-timeout: 0
    zonefiles-write: 1
    rrl-ratelimit: 0
    minimal-responses: yes
remote-control:
    control-enable: no
zone:
    name: "{ZONE}"
    zonefile: "{d}/zone.out"
    request-xfr: 127.0.0.1@{self.primary_port} NOKEY
    allow-notify: 127.0.0.1 NOKEY
"""

    def command(self):
        return ["nsd", "-d", "-c", f"{self.directory}/conf"]

    @staticmethod
    def version_text():
        return subprocess.run(["nsd", "-v"], capture_output=True, text=True).stderr.split()[2]


class Understudy(Server):
    name, core = "Understudy", SERVER_CORE
    executable = ""

    def configuration(self):
        return f"""
[server]
listen = ["127.0.0.1:{self.port}"]
data = "{self.directory}/data"
control = "{self.directory}/control.sock"
workers = 1

[http]
listen = "127.0.0.1:{free_port()}"

[[zone]]
name = "{ZONE}"
source = ["axfr://127.0.0.1:{self.primary_port}"]
"""

    def command(self):
        return [self.executable, "serve", "--config", f"{self.directory}/conf"]

    @classmethod
    def version_text(cls):
        return subprocess.run([cls.executable, "--version"], capture_output=True, text=True).stdout.strip()


class Echo(Server):
    """The floor: no DNS, each datagram is sent back."""
    name, core = "echo", SERVER_CORE

    def __init__(self, tools):
        super().__init__(tools, 0)
        self.directory, self.tools = tools, tools

    def command(self):
        return [f"{self.tools}/echo", str(self.port)]


class Primary(Server):
    """A Knot with the zone, that notifies whom it is told and can change one record."""
    name, core = "primary", LOAD_CORE

    def __init__(self, scratch, zone_directory):
        super().__init__(scratch, 0)
        self.zone_directory, self.notified = zone_directory, []

    def configuration(self):
        shutil.copy(f"{self.zone_directory}/{ZONE}.zone", self.directory)
        remotes = "".join(f"  - id: {s.name}\n    address: 127.0.0.1@{s.port}\n" for s in self.notified)
        return KNOT_COMMON.format(port=self.port, directory=self.directory) + f"""
remote:
{remotes}
acl:
  - id: all
    address: 127.0.0.1
    action: [transfer, notify]
zone:
  - domain: {ZONE}
    storage: {self.directory}
    file: {ZONE}.zone
    acl: all
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
    journal-max-usage: 1G
    serial-policy: increment
    notify: [{", ".join(s.name for s in self.notified)}]
"""

    def command(self):
        return ["knotd", "-c", f"{self.directory}/conf"]

    def change(self, label):
        """Adds one record; the serial moves by one."""
        for step in (["-b", "zone-begin", ZONE], ["zone-set", ZONE, label, "60", "A", "192.0.2.9"],
                     ["-b", "zone-commit", ZONE]):
            subprocess.run(["knotc", "-s", f"{self.directory}/knot.sock"] + step, check=True, capture_output=True)
