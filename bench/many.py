"""Many small zones: how long until all of them are served, cold, after a restart, and after a burst of NOTIFYs beside a load.

The primary is a Knot that lists them in its configuration; what they hold is written anew for each serial.
"""
import json
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time

from servers import KNOT_COMMON, LOAD_CORE, Server

IN_FLIGHT = 100  # questions, or NOTIFYs, that wait for an answer
LIMIT = 600  # seconds


def names(count):
    return [f"z{n}.example" for n in range(count)]


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\6\0\1"


class ManyPrimary(Server):
    name, core = "primary-many", LOAD_CORE

    def __init__(self, scratch, count):
        super().__init__(scratch, 0)
        self.zones, self.serial = names(count), 0
        self.zones_file = f"{scratch}/many-zones.txt"

    def configuration(self):
        return KNOT_COMMON.format(port=self.port, directory=self.directory).replace(
            "tcp-workers: 1", "tcp-workers: 2").replace("tcp-max-clients: 1000", "tcp-max-clients: 4000") + f"""
acl:
  - id: all
    address: 127.0.0.1
    action: transfer
template:
  - id: default
    storage: {self.directory}/zones
    acl: all
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
""" + "".join(f"  - domain: {zone}\n    file: {zone}\n" for zone in self.zones)

    def prepare(self):
        super().prepare()
        os.makedirs(f"{self.directory}/zones")
        with open(self.zones_file, "w") as f:
            f.write("\n".join(self.zones) + "\n")
        self.write()

    def write(self):
        """Ten records a zone, with the next serial."""
        self.serial += 1
        hosts = "".join(f"h{n} IN A 192.0.2.{n}\n" for n in range(7))
        for zone in self.zones:
            with open(f"{self.directory}/zones/{zone}", "w") as f:
                f.write(f"$ORIGIN {zone}.\n$TTL 300\n@ IN SOA ns1 host {self.serial} 3600 900 1209600 300\n"
                        f"@ IN NS ns1\nns1 IN A 192.0.2.1\n{hosts}")

    def command(self):
        return ["knotd", "-c", f"{self.directory}/conf"]

    def go_on(self, options):
        """Serves every zone with the next serial; nobody is told."""
        self.write()
        subprocess.run(["knotc", "-s", f"{self.directory}/knot.sock", "zone-reload"], check=True, capture_output=True)
        if all_at(options, self.port, self)[1]:
            raise RuntimeError("the primary did not take up its new zone files")


def udp(port, timeout):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.settimeout(timeout)
    s.connect(("127.0.0.1", port))
    return s


def ask_all(options, port, primary, limit=LIMIT):
    """What bench/served.cpp says."""
    done = subprocess.run(["taskset", "-c", LOAD_CORE, f"{options.tools}/served", str(port), primary.zones_file,
                           str(primary.serial), str(limit)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def all_at(options, port, primary, limit=LIMIT):
    """Seconds until every zone has the primary's serial, and how many do not have it."""
    result = ask_all(options, port, primary, limit)
    return result["seconds"], result["missing"]


def restarted(options, port, primary):
    """The same after a start with everything there: where no answer was without its zone, all were served with the first."""
    result = ask_all(options, port, primary)
    return result["seconds" if result["without"] or result["missing"] else "heard"], result["missing"]


def measure_zones(options, primary, server):
    """All of them cold, and after a restart."""
    server.zones = primary.zones
    server.prepare()
    server.start()
    result = {}
    result["cold_s"], missing = all_at(options, server.port, primary)
    time.sleep(3)
    result["cold_cpu_s"], result["private_mb"] = server.cpu(), server.private_mb()
    time.sleep(5)  # timers and zone files on their way to the disk
    server.stop()
    result["disk_mb"] = server.disk_mb()
    server.start()
    result["restart_all_s"], missing_again = restarted(options, server.port, primary)
    result["missing"] = missing + missing_again
    return result


def notify_all(port, zones, told):
    """A NOTIFY for each zone (RFC 1996), again after a second without an answer."""
    start, left = time.monotonic(), dict(enumerate(zones))
    with udp(port, 1) as s:
        for _ in range(5):
            waiting, unsent = set(), list(left)
            while waiting or unsent:
                while unsent and len(waiting) < IN_FLIGHT:
                    n = unsent.pop()
                    s.send(struct.pack("!6H", n, 0x2400, 1, 0, 0, 0) + wire(left[n]))
                    waiting.add(n)
                try:
                    n = struct.unpack("!H", s.recv(4096)[:2])[0]
                    waiting.discard(n)
                    left.pop(n, None)
                except OSError:
                    waiting.clear()
            if not left:
                break
    told["notify_told_s"], told["notify_unanswered"] = time.monotonic() - start, len(left)


def pace(options, server, queries, seconds):
    return subprocess.Popen(["taskset", "-c", LOAD_CORE, "chrt", "-f", "10", f"{options.tools}/pace", str(server.port),
                             queries, str(seconds), "20000"], stdout=subprocess.PIPE, text=True)


def burst(options, primary, server, queries, loaded):
    """One NOTIFY for each zone while the primary has a newer version of all: what came of it."""
    primary.go_on(options)
    time.sleep(1.5)
    told, cpu = {}, server.cpu()
    load = pace(options, server, queries, LIMIT) if loaded else None
    time.sleep(0.5 if loaded else 0)
    teller = threading.Thread(target=notify_all, args=(server.port, primary.zones, told))
    teller.start()
    seconds, missing = all_at(options, server.port, primary, 90)
    teller.join()
    latencies = {}
    if load:
        load.send_signal(signal.SIGTERM)
        latencies = json.loads(load.communicate()[0])
    told.update(seconds=seconds, missing=missing, cpu=server.cpu() - cpu, latencies=latencies)
    return told


def measure_notify(options, primary, server):
    """Once without a load, once beside 20,000 queries a second."""
    server.zones = primary.zones
    server.prepare()
    server.start()
    if all_at(options, server.port, primary)[1]:
        raise RuntimeError(f"{server.name} does not serve all zones")
    queries = f"{options.scratch}/many-queries.txt"
    with open(queries, "w") as f:
        f.writelines(f"h{random.randrange(7)}.{zone} A\n" for zone in random.sample(primary.zones, len(primary.zones)))
    time.sleep(4)
    quiet, loaded = (burst(options, primary, server, queries, beside) for beside in (False, True))
    seen = loaded["latencies"]
    return {"notify_s": quiet["seconds"], "notify_cpu_s": quiet["cpu"], "notify_told_s": quiet["notify_told_s"],
            "notify_loaded_s": loaded["seconds"], "notify_p50_us": seen["p50_us"], "notify_p99_us": seen["p99_us"],
            "notify_longest_us": seen["longest_us"], "notify_lost": seen["lost"],
            "missing": quiet["missing"] + loaded["missing"]}
