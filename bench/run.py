"""Understudy beside Knot and NSD, in one run: the first two tables of the comparison, as Markdown.

Called by run.sh. Every server is a secondary of one local Knot over AXFR; servers take turns within each of --runs
rounds, so that the machine's moods fall on all alike. Reply codes and mean reply size must agree with Knot's within 1%.
"""
import argparse
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

import servers
from servers import Knot, Nsd, Primary, Understudy, serial_in, soa_serial, wait_served

CHANGES = 3
TOLERANCE = 0.01
QUIET = 0.05  # of a core


def busy_seconds():
    """CPU seconds that all cores together have worked so far."""
    with open("/proc/stat") as f:
        fields = [int(x) for x in f.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / servers.TICKS


def flood(options, server, zone, seconds, rate=None):
    """One load. `others` is what the rest of the machine took meanwhile, in cores: `attempts` loads are made to find one
    in which that is little, and the quietest is told."""
    command = ["taskset", "-c", servers.LOAD_CORE, f"{options.tools}/flood", str(server.port), f"{zone}/queries.txt",
               str(seconds)] + ([str(rate)] if rate else [])
    best = None
    for _ in range(options.attempts):
        cpu, busy, start = server.cpu(), busy_seconds(), time.monotonic()
        own = sum(os.times()[:4])
        load = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        cpu = server.cpu() - cpu
        load["cpu_us"] = 1e6 * cpu / max(1, load["answered"])
        own = sum(os.times()[:4]) - own
        load["others"] = max(0, (busy_seconds() - busy - cpu - own) / (time.monotonic() - start))
        if best is None or load["others"] < best["others"]:
            best = load
        if best["others"] <= QUIET:
            break
    return best


def measure_throughput(options, server, zone, result):
    flood(options, server, zone, 1)  # warm
    load = flood(options, server, zone, options.seconds)
    for key in ("qps", "cpu_us", "others"):
        result[key] = load[key]
    result["lost"] = load["lost"] / max(1, load["sent"])
    same = flood(options, server, zone, 2, 20000)  # the same queries for every server
    for key in ("octets", "noerror", "nxdomain"):
        result[key] = same[key]


class Watcher(threading.Thread):
    """Asks one server for its serial without pause and notes when each was first seen."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.seen, self.halt = port, {}, threading.Event()

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
                time.sleep(0.0002)


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
        watcher.halt.set()
        watcher.join()
    there, here = watchers[0].seen, watchers[1].seen
    waits = [1000 * (here[serial] - there[serial]) for serial in there if serial not in known and serial in here]
    result["change_ms"] = statistics.median(waits)
    before = server.cpu()
    for i in range(CHANGES):
        primary.change(f"{label}-quiet-{i}")
        follow(primary, server)
        time.sleep(1)
    result["change_cpu_ms"] = 1000 * (server.cpu() - before) / CHANGES


def measure_big(options, primary, server, zone, label):
    result = {}
    server.prepare()
    server.start()
    result["transfer_s"] = wait_served(server.port)
    time.sleep(2)
    result["transfer_cpu_s"] = server.cpu()
    result["private_mb"] = server.private_mb()
    measure_throughput(options, server, zone, result)
    paced = flood(options, server, zone, options.seconds, 50000)
    result["p50_us"], result["p99_us"] = paced["p50_us"], paced["p99_us"]
    result["private_after_mb"] = server.private_mb()
    server.stop()
    result["disk_mb"] = server.disk_mb()
    server.start()
    result["restart_s"] = wait_served(server.port)
    if not options.no_changes:
        time.sleep(1)
        measure_changes(primary, server, label, result)
    return result


def measure_small(options, _primary, server, zone, _label):
    result = {}
    server.prepare()
    server.start()
    wait_served(server.port)
    time.sleep(0.5)
    measure_throughput(options, server, zone, result)
    return result


def measure_floor(options, zone):
    """What the same load costs a program that only sends packets back."""
    echo = servers.Echo(options.tools)
    echo.start()
    try:
        time.sleep(0.2)
        load = flood(options, echo, zone, options.seconds)
        return {key: load[key] for key in ("qps", "cpu_us", "others")}
    finally:
        echo.stop()


def save(options, names, results):
    with open(f"{options.scratch}/results-{names}.json", "w") as f:
        json.dump(results, f, indent=1)


def rounds(options, names, measure, kinds):
    """All measures of one zone: {server: [a result a round]}."""
    zone = f"{options.scratch}/zone-{names}"
    subprocess.run([sys.executable, f"{options.here}/genzone.py", str(names), zone], check=True, capture_output=True)
    primary = Primary(options.scratch, zone)
    contestants = [kind(options.scratch, primary.port) for kind in kinds]
    primary.notified = contestants
    results = {server.name: [] for server in contestants} | {"echo": []}
    primary.prepare()
    primary.start()
    try:
        wait_served(primary.port)
        for n in range(options.runs):
            for server in contestants[n % len(contestants):] + contestants[:n % len(contestants)]:
                try:
                    result = measure(options, primary, server, zone, f"run-{n}-{server.name}".lower())
                finally:
                    server.stop()
                results[server.name].append(result)
                save(options, names, results)  # a run that is cut short leaves what it measured
                print(f"{names} names, run {n + 1}, {server.name}: {json.dumps(result)}", file=sys.stderr, flush=True)
            results["echo"].append(measure_floor(options, zone))
    finally:
        primary.stop()
    return results


ROWS = [("qps", "queries a second on one core", "{:,.0f}"), ("cpu_us", "CPU a query, us", "{:.2f}"),
        ("p50_us", "p50 at 50,000 q/s, us", "{:.0f}"), ("p99_us", "p99 at 50,000 q/s, us", "{:.0f}"),
        ("transfer_s", "first transfer (AXFR) until served, s", "{:.2f}"), ("transfer_cpu_s", "CPU of that, s", "{:.2f}"),
        ("private_mb", "private memory, MB", "{:.0f}"), ("private_after_mb", "private memory after the load, MB", "{:.0f}"),
        ("disk_mb", "disk, MB", "{:.0f}"), ("restart_s", "restart until first answer, s", "{:.3f}"),
        ("change_ms", "one change: primary serves it -> secondary serves it, ms", "{:.1f}"),
        ("change_cpu_ms", "CPU a change, ms", "{:.0f}"), ("others", "CPU that others took meanwhile, cores", "{:.2f}"),
        ("lost", "queries lost", "{:.2%}"),
        ("octets", "mean reply, octets", "{:.1f}"), ("nxdomain", "NXDOMAIN", "{:.2%}")]


def table(results):
    names = [name for name in results if results[name]]
    lines = ["| median (lowest-highest) | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for key, title, form in ROWS:
        cells = []
        for name in names:
            values = [r[key] for r in results[name] if key in r]
            cells.append("" if not values else
                         f"{form.format(statistics.median(values))} "
                         f"({form.format(min(values))}-{form.format(max(values))})")
        if any(cells):
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def disagreements(results):
    """Where replies differ from Knot's by more than the tolerance: then a throughput says nothing."""
    out, mean = [], lambda name, key: statistics.mean(r[key] for r in results[name])
    for name in results:
        for key in ("octets", "noerror", "nxdomain"):
            if name in ("echo", "Knot") or not results[name] or not results.get("Knot"):
                continue
            if abs(mean(name, key) - mean("Knot", key)) > TOLERANCE * mean("Knot", key):
                out.append(f"{name}: {key} {mean(name, key):.4g}, Knot {mean('Knot', key):.4g}")
    return out


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "?")
    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}"


def parse_options():
    parser = argparse.ArgumentParser(prog="bench/run.sh")
    parser.add_argument("--seconds", type=float, default=5, help="of load a measure (default 5)")
    parser.add_argument("--runs", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--servers", default="knot,nsd,understudy", help="which, in any order")
    parser.add_argument("--big", type=int, default=500_000, help="names of the big zone; 0 leaves it out")
    parser.add_argument("--small", type=int, default=5_000, help="names of the small zone; 0 leaves it out")
    parser.add_argument("--attempts", type=int, default=5, help="loads made where other processes disturb (default 5)")
    parser.add_argument("--no-changes", action="store_true", help="do not measure changes of the zone")
    parser.add_argument("--understudy", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--tools", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--scratch", required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = parse_options()
    options.here = os.path.dirname(os.path.abspath(__file__))
    os.sched_setaffinity(0, {int(servers.LOAD_CORE)})
    Understudy.executable = options.understudy
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: ended by SIGTERM"))  # so that servers are stopped
    kinds = [{"knot": Knot, "nsd": Nsd, "understudy": Understudy}[word] for word in options.servers.split(",")]
    print(f"{machine()}. " + ", ".join(f"{kind.name} {kind.version_text()}".strip() for kind in kinds) +
          f". {options.runs} interleaved runs, {options.seconds:g} s of load each.\n")
    wrong = []
    for names, measure in ((options.big, measure_big), (options.small, measure_small)):
        if names == 0:
            continue
        results = rounds(options, names, measure, kinds)
        save(options, names, results)
        print(f"Zone of {names:,} names:\n\n{table(results)}\n", flush=True)
        wrong += disagreements(results)
    for line in wrong:
        print(f"REPLIES DIFFER FROM KNOT'S: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
