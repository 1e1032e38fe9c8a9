"""What a server is to the bench: started, measured, stopped. Understudy, the echo and the primary; peers.py has the rest.

Every server has one worker, listens on a port of 127.0.0.1 that was free, and runs on core 0; the primary and the load run
on core 1. Only processes started here are ended, by their number.
"""
import json
import os
import random
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
    """A port that is free for UDP and TCP now, below those that the kernel gives to clients, of which here are thousands."""
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
                return port
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


def octets_written(pid):
    """Octets that a process has handed to files, and of them those that were taken back before they reached storage, as
    a spool file's that is deleted (write_bytes and cancelled_write_bytes of /proc/PID/io): none on a tmpfs."""
    with open(f"/proc/{pid}/io") as f:
        fields = dict(re.findall(r"^(\w+): (\d+)", f.read(), re.M))
    return int(fields["write_bytes"]), int(fields["cancelled_write_bytes"])


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


def disk_octets(directory):
    """What the files of a directory take of the disk; holes take nothing."""
    return sum(os.lstat(os.path.join(at, f)).st_blocks for at, _, files in os.walk(directory) for f in files) * 512


class Server:
    """One server: a directory, a port, a command."""
    name = core = ""
    conf_name = "conf"
    zones = [ZONE]

    def __init__(self, scratch, primary_port):
        self.directory, self.primary_port, self.port = f"{scratch}/{self.name}", primary_port, free_port()
        self.process = None

    def prepare(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(f"{self.directory}/db")  # Knot does not make its own
        with open(f"{self.directory}/{self.conf_name}", "w") as f:
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
        return disk_octets(self.directory) / 2**20


KNOT_COMMON = """
server:
  listen: 127.0.0.1@{port}
  rundir: {directory}
  udp-workers: 1
  tcp-workers: 1
  tcp-max-clients: 1000
  background-workers: 1
database:
  storage: {directory}/db
"""


class Understudy(Server):
    name, core = "Understudy", SERVER_CORE
    executable = ""
    versions = 1000  # that the mirror remembers

    def configuration(self):
        return f"""
[server]
listen = ["127.0.0.1:{self.port}"]
data = "{self.directory}/data"
control = "{self.directory}/control.sock"
workers = 1
tcp-clients = 1000
tcp-clients-per-address = 1000

[http]
listen = "127.0.0.1:{free_port()}"

[[zone]]
names = {json.dumps(self.zones)}
source = ["axfr://127.0.0.1:{self.primary_port}"]
keep = {{ versions = {self.versions}, bytes = "1TiB" }}
allow-transfer = ["127.0.0.1"]
"""

    def command(self):
        return [self.executable, "serve", "--config", f"{self.directory}/conf"]

    def mirror_mb(self):
        return disk_octets(f"{self.directory}/data") / 1e6

    def history(self):
        """The rows of its versions, newest first."""
        text = subprocess.run([self.executable, "history", ZONE, "--config", f"{self.directory}/conf", "--json"],
                              capture_output=True, text=True, check=True).stdout
        return json.loads(text)

    @classmethod
    def version_text(cls):
        return subprocess.run([cls.executable, "--version"], capture_output=True, text=True).stdout.split()[-1]


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
        self.commit(["zone-set", ZONE, label, "60", "A", "192.0.2.9"])

    def replace(self, label, address):
        """Gives a name that has one address another; the serial moves by one."""
        self.commit(["zone-unset", ZONE, label, "A"], ["zone-set", ZONE, label, "300", "A", address])

    def change_all_ttls(self):
        """Gives every record of the zone file another TTL, and takes back what was changed before."""
        path = f"{self.directory}/{ZONE}.zone"
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace("$TTL 300\n", "$TTL 301\n", 1))
        before = soa_serial(self.port)
        subprocess.run(["knotc", "-s", f"{self.directory}/knot.sock", "zone-reload", ZONE], check=True, capture_output=True)
        while soa_serial(self.port, 2) == before:
            time.sleep(0.05)

    def commit(self, *steps):
        for step in (["-b", "zone-begin", ZONE], *steps, ["-b", "zone-commit", ZONE]):
            subprocess.run(["knotc", "-s", f"{self.directory}/knot.sock"] + step, check=True, capture_output=True)
