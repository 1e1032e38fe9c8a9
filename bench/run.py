"""Understudy beside its peers, in one run, as Markdown: a table for each zone, then the marks and whether they were met.

Called by run.sh. Every server is a secondary of one local Knot over AXFR; servers take turns within each of --runs
rounds, so that the machine's moods fall on all alike. Reply codes and mean reply size must agree with Knot's.
"""
import argparse
import json
import os
import platform
import signal
import sys
import time

import report
import servers
import zones
from changes import measure_changes, measure_versions
from loads import flood, measure_floor, measure_tcp, measure_throughput
from many import ManyPrimary, all_at, measure_notify, measure_zones
from outward import measure_axfr_out, measure_rollback
from peers import Bind, Knot, Nsd, PowerDns
from servers import Primary, Understudy, wait_served

SERVERS = {"knot": Knot, "nsd": Nsd, "bind": Bind, "powerdns": PowerDns, "understudy": Understudy}
OF_BIG = ["udp", "latency", "memory", "restart", "changes", "axfr-out", "rollback"]  # measured of the big zone
ALWAYS = OF_BIG + ["signed", "tcp", "zones", "notify"]  # without --only
PARTS = ALWAYS + ["versions"]


def begin(server):
    """Starts the server with nothing; seconds until it serves the zone."""
    server.prepare()
    server.start()
    return wait_served(server.port)


def measure_big(options, primary, server, zone, label):
    result = {"transfer_s": begin(server)}
    time.sleep(2)
    result["transfer_cpu_s"] = server.cpu()
    if "memory" in options.only:
        result["private_mb"] = server.private_mb()
    if "udp" in options.only:
        measure_throughput(options, server, zone, result)
    if "latency" in options.only:
        paced = flood(options, server, zone, options.seconds, 50000)
        result["p50_us"], result["p99_us"] = paced["p50_us"], paced["p99_us"]
    if "memory" in options.only:
        if "udp" not in options.only:
            flood(options, server, zone, options.seconds)
        result["private_after_mb"] = server.private_mb()
    if "restart" in options.only:
        server.stop()
        result["disk_mb"] = server.disk_mb()
        server.start()
        result["restart_s"] = wait_served(server.port)
    if "changes" in options.only:
        time.sleep(1)
        measure_changes(primary, server, label, result)
        result["private_changed_mb"] = server.private_mb()
    if "axfr-out" in options.only:
        measure_axfr_out(options, server, zone, result)
    if "rollback" in options.only and isinstance(server, Understudy):
        measure_rollback(primary, server, label, result)
    return result


def measure_small(options, _primary, server, zone, _label):
    result = {}
    begin(server)
    time.sleep(0.5)
    measure_throughput(options, server, zone, result)
    return result


def measure_signed(denial):
    def measure(options, _primary, server, zone, _label):
        result = {"transfer_s": begin(server)}
        time.sleep(2)
        result["private_mb"] = server.private_mb()
        if not zones.proves(server.port, denial):
            return {"not_yet": True}
        measure_throughput(options, server, zone, result, dnssec_ok=True)
        return result
    return measure


def measure_streams(options, _primary, server, zone, _label):
    result = {}
    begin(server)
    time.sleep(1)
    measure_tcp(options, server, zone, result)
    return result


def many_rounds(options):
    """All measures of many small zones: {server: [a result a round]}."""
    primary = ManyPrimary(options.scratch, options.zones)
    contestants = [SERVERS[word](options.scratch, primary.port) for word in options.servers if word != "powerdns"]
    results = {server.name: [] for server in contestants}
    primary.prepare()
    primary.start()
    try:
        if all_at(options, primary.port, primary)[1]:
            raise RuntimeError("the primary does not serve all zones")
        for n in range(options.runs):
            for server in contestants[n % len(contestants):] + contestants[:n % len(contestants)]:
                result = {}
                for part, measure in (("zones", measure_zones), ("notify", measure_notify)):
                    if part not in options.only:
                        continue
                    try:
                        result[part] = measure(options, primary, server)
                    finally:
                        server.stop()
                missing = sum(one.pop("missing") for one in result.values())
                results[server.name].append({k: v for one in result.values() for k, v in one.items()} | {"missing": missing})
                save(options, "zones", results)
                print(f"zones, run {n + 1}, {server.name}: {json.dumps(results[server.name][-1])}", file=sys.stderr, flush=True)
    finally:
        primary.stop()
    return results


def save(options, kind, results):
    with open(f"{options.scratch}/results-{kind}.json", "w") as f:
        json.dump(results, f, indent=1)


def rounds(options, kind, zone, measure):
    """All measures of one zone: {server: [a result a round]}."""
    primary = Primary(options.scratch, zone)
    contestants = [SERVERS[word](options.scratch, primary.port) for word in options.servers]
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
                save(options, kind, results)  # a run that is cut short leaves what it measured
                print(f"{kind}, run {n + 1}, {server.name}: {json.dumps(result)}", file=sys.stderr, flush=True)
            if "udp" in options.only and kind in ("big", "small"):
                results["echo"].append(measure_floor(options, zone))
    finally:
        primary.stop()
    return results


def plan(options):
    """What to measure of which zone: (kind, title, directory of the zone, measure)."""
    only, out = options.only, []
    if options.big and set(OF_BIG) & set(only):
        out.append(("big", f"{options.big:,} names", zones.plain(options, options.big), measure_big))
    if options.small and "udp" in only:
        out.append(("small", f"{options.small:,} names", zones.plain(options, options.small), measure_small))
    if options.middle and "signed" in only:
        for denial in ("nsec", "nsec3"):
            out.append((denial, f"{options.middle:,} names, signed, {denial.upper()}, DO set",
                        zones.signed(options, options.middle, denial), measure_signed(denial)))
    if options.middle and "tcp" in only:
        out.append(("tcp", f"{options.middle:,} names, 100 TCP connections", zones.plain(options, options.middle),
                    measure_streams))
    return out


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "?")
    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}"


def words(known):
    def parse(text):
        for word in text.split(","):
            if word not in known:
                raise argparse.ArgumentTypeError(f"'{word}' is none of {', '.join(known)}")
        return text.split(",")
    return parse


def parse_options():
    parser = argparse.ArgumentParser(prog="bench/run.sh")
    parser.add_argument("--only", type=words(PARTS), metavar="PART,...",
                        help=f"which parts, of {','.join(PARTS)} (default: all but versions)")
    parser.add_argument("--versions", type=int, default=0, metavar="N",
                        help="take in N versions of the big zone, one record changed each")
    parser.add_argument("--seconds", type=float, default=5, help="of load a measure (default 5)")
    parser.add_argument("--runs", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--servers", type=words(SERVERS), default=list(SERVERS), metavar="NAME,...",
                        help=f"which, in any order (default {','.join(SERVERS)})")
    parser.add_argument("--big", type=int, default=500_000, help="names of the big zone; 0 leaves it out")
    parser.add_argument("--middle", type=int, default=100_000, help="names of the zone for TCP and the signed ones")
    parser.add_argument("--zones", type=int, default=10_000, help="how many small zones; 0 leaves them out")
    parser.add_argument("--small", type=int, default=5_000, help="names of the small zone; 0 leaves it out")
    parser.add_argument("--attempts", type=int, default=5, help="loads made where other processes disturb (default 5)")
    for hidden in ("--understudy", "--tools", "--scratch"):
        parser.add_argument(hidden, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only is None:
        options.only = ["versions"] if options.versions else ALWAYS
    if "versions" in options.only and not (options.versions and options.big):
        parser.error("versions need --versions N, and a big zone")
    return options


def main():
    options = parse_options()
    options.here = os.path.dirname(os.path.abspath(__file__))
    os.sched_setaffinity(0, {int(servers.LOAD_CORE)})
    Understudy.executable = options.understudy
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: ended by SIGTERM"))  # so that servers are stopped
    if options.only == ["versions"]:
        options.servers = ["knot", "understudy"]  # the primary and the one measured
    versions = ", ".join(f"{kind.name} {kind.version_text()}" for kind in (SERVERS[word] for word in options.servers))
    print(f"{machine()}. {versions}. {options.runs} interleaved runs, {options.seconds:g} s of load each.\n", flush=True)
    measured, wrong = {}, []
    for kind, title, zone, measure in plan(options):
        measured[kind] = rounds(options, kind, zone, measure)
        print(f"## {kind}: {title}\n\n{report.table(measured[kind])}\n", flush=True)
        wrong += report.disagreements(kind, measured[kind])
    if options.zones and {"zones", "notify"} & set(options.only):
        measured["zones"] = many_rounds(options)
        print(f"## zones: {options.zones:,} zones of 10 records\n\n{report.table(measured['zones'])}\n", flush=True)
    if measured and "understudy" in options.servers:
        print(f"## Marks\n\n{report.marks(measured)}\n", flush=True)
    if "versions" in options.only:
        print(f"## Versions: {options.big:,} names\n\n{measure_versions(options, zones.plain(options, options.big))}\n")
    for line in wrong:
        print(f"REPLIES DIFFER FROM KNOT'S: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
