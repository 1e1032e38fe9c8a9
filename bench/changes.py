"""One change at the primary: how long until the secondary serves it, and what that costs; once, or a thousand times over."""
import json
import socket
import statistics
import sys
import threading
import time

import servers
from servers import Primary, Understudy, serial_in, soa_serial, wait_served

CHANGES, QUIET_CHANGES = 3, 10


class Watcher(threading.Thread):
    """Asks one server for its serial without pause and notes when each was first seen."""

    def __init__(self, port, pause=0.0002):
        super().__init__(daemon=True)
        self.port, self.pause, self.seen, self.halt = port, pause, {}, threading.Event()

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            s.connect(("127.0.0.1", self.port))
            while not self.halt.is_set():
                try:
                    s.send(servers.SOA_QUERY)
                    serial = serial_in(s.recv(4096))
                except OSError:
                    continue
                if serial is not None:
                    self.seen.setdefault(serial, time.perf_counter())
                time.sleep(self.pause)

    def stop(self):
        self.halt.set()
        self.join()


def follow(primary, server, limit=60):
    """Waits until the server has the primary's serial."""
    start = time.monotonic()
    while soa_serial(server.port) != soa_serial(primary.port):
        if time.monotonic() - start > limit:
            raise RuntimeError(f"{server.name} did not follow a change within {limit} s")
        time.sleep(0.05)


def measure_changes(primary, server, label, result):
    """How long from the primary serving a change to the server serving it, and the CPU that one costs when nobody asks."""
    follow(primary, server)
    watchers = [Watcher(primary.port), Watcher(server.port)]
    for watcher in watchers:
        watcher.start()
    time.sleep(0.3)
    known = set(watchers[0].seen)
    for i in range(CHANGES):
        primary.change(f"{label}-{i}")
        follow(primary, server)
        time.sleep(0.5)
    for watcher in watchers:
        watcher.stop()
    there, here = watchers[0].seen, watchers[1].seen
    waits = [1000 * (here[serial] - there[serial]) for serial in there if serial not in known and serial in here]
    result["change_ms"] = statistics.median(waits)
    # Understudy goes on comparing whether anything changes or not: what a server does idle is told apart.
    start, before = time.monotonic(), server.cpu()
    for i in range(QUIET_CHANGES):
        primary.change(f"{label}-quiet-{i}")
        follow(primary, server)
        time.sleep(0.5)
    changing, seconds = server.cpu() - before, time.monotonic() - start
    before = server.cpu()
    time.sleep(seconds)
    idle = server.cpu() - before
    result["change_cpu_ms"] = 1000 * max(0, changing - idle) / QUIET_CHANGES
    result["idle_cpu_ms"] = 1000 * idle / seconds


def wait_seen(watcher, serial, limit=60):
    start = time.monotonic()
    while serial not in watcher.seen:
        if time.monotonic() - start > limit:
            raise RuntimeError(f"serial {serial} was not served on port {watcher.port} within {limit} s")
        time.sleep(0.002)
    return watcher.seen[serial]


def take_in(primary, server, count, save):
    """Takes in that many versions, each with one record changed; what each took. The server may go on working after it
    serves a version: that falls to the next one, so that the sums hold."""
    watchers = [Watcher(primary.port, 0.002), Watcher(server.port, 0.002)]
    for watcher in watchers:
        watcher.start()
    taken, serial = [], soa_serial(primary.port)
    try:
        for n in range(count):
            cpu, before = server.cpu(), servers.octets_written(server.process.pid)
            primary.replace(f"target{n % 1000}", f"198.51.{n >> 8 & 255}.{n & 255}")
            serial += 1
            there = wait_seen(watchers[0], serial)
            here = wait_seen(watchers[1], serial)
            handed, back = (a - b for a, b in zip(servers.octets_written(server.process.pid), before))
            taken.append({"seconds": max(0, here - there), "cpu_s": server.cpu() - cpu, "handed_mb": handed / 1e6,
                          "written_mb": (handed - back) / 1e6, "private_mb": server.private_mb(),
                          "mirror_mb": server.mirror_mb()})
            if n % 10 == 9:
                print(f"versions: {n + 1} of {count}: {json.dumps(taken[-1])}", file=sys.stderr, flush=True)
                save(taken)
    finally:
        for watcher in watchers:
            watcher.stop()
    return taken


VERSION_ROWS = [("seconds", "from the primary serving it to Understudy serving it, s", "{:.2f}"),
                ("cpu_s", "CPU, s", "{:.2f}"),
                ("written_mb", "written to storage, MB", "{:.2f}"),
                ("handed_mb", "the same with the spool file that the sort deletes again, MB", "{:.2f}"),
                ("private_mb", "private memory, MB", "{:.0f}")]


def version_table(first_mb, taken):
    lines = ["| each of the versions | median | highest |", "|---|---|---|"]
    for key, title, form in VERSION_ROWS:
        values = [one[key] for one in taken]
        lines.append(f"| {title} | {form.format(statistics.median(values))} | {form.format(max(values))} |")
    last_mb = taken[-1]["mirror_mb"]
    lines += ["", f"The mirror's size: {first_mb:.2f} MB after the first transfer, {taken[0]['mirror_mb']:.2f} MB after one "
              f"version, {last_mb:.2f} MB after {len(taken):,} ({1000 * (last_mb - first_mb) / len(taken):.2f} kB a version)."]
    return "\n".join(lines)


def measure_versions(options, zone):
    """What it takes to keep every version of a zone of which one record changes at a time, by AXFR; as Markdown."""
    primary = Primary(options.scratch, zone)
    Understudy.versions = options.versions + 1
    server = Understudy(options.scratch, primary.port)
    primary.notified = [server]
    primary.prepare()
    primary.start()
    try:
        wait_served(primary.port)
        server.prepare()
        server.start()
        wait_served(server.port)
        time.sleep(1)
        first_mb = server.mirror_mb()

        def save(taken):
            with open(f"{options.scratch}/results-versions.json", "w") as f:
                json.dump({"first_mb": first_mb, "versions": taken}, f)
        taken = take_in(primary, server, options.versions, save)
        save(taken)
        kept = len(server.history())
        if kept != options.versions + 1:
            raise RuntimeError(f"the mirror remembers {kept} versions where {options.versions + 1} were taken in")
        return version_table(first_mb, taken)
    finally:
        server.stop()
        primary.stop()
