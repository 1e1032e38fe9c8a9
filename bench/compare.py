"""The measurements of bench/compare.sh."""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "support", "python"))

import peers
import query
from processes import Scratch, free_port, until
from understudy import BINARY, Understudy

ZONE = "bench.example."
OPEN_GATE = {"gate.churn": 1.0, "gate.shrink": 1.0, "gate.losses": "off"}


def on_core(core, process):
    """Every thread of it."""
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        os.sched_setaffinity(int(thread), {core})


class Bench:
    def __init__(self, options):
        self.options = options
        self.scratch = Scratch()
        directory = self.scratch.directory("zone")
        subprocess.run([sys.executable, os.path.join(HERE, "genzone.py"), str(options.names), directory], check=True,
                       stdout=subprocess.DEVNULL)
        self.queries = os.path.join(directory, "queries.txt")
        names = [name for name in os.listdir(directory) if name.endswith(".zone")]
        self.zone_path = os.path.join(directory, names[0])
        if not os.path.exists(self.queries):
            self.queries = next(os.path.join(directory, name) for name in os.listdir(directory) if "quer" in name)
        with open(self.zone_path, encoding="utf-8") as file:
            self.text = file.read()

    def primary(self, text=None, name=None, notify=()):
        server = peers.Knot(self.scratch, [ZONE], name=name, notify=notify)
        server.write_zone(ZONE, text or self.text)
        server.start()
        until("Knot serves", lambda: query.serial("127.0.0.1", server.port, ZONE) is not None, deadline=600)
        on_core(0, server.process)
        return server

    def mirror(self, source, port=None, tables=None, environment=None, **options):
        listen = {"listen": [f"127.0.0.1:{port}"]} if port else {}
        server = Understudy(self.scratch, [{"name": ZONE, "source": [source], **OPEN_GATE, **options}], tables=tables, workers=1,
                            **listen).start(environment)
        until("the zone is served", lambda: query.serial("127.0.0.1", server.port, ZONE) is not None, deadline=900)
        return server

    def once(self, server, port):
        """(report, seconds, seconds of CPU) of one comparison on core 1 at full speed."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        done = subprocess.run(["taskset", "-c", "1", BINARY, "compare", ZONE, "--data", server.data, "--with", f"127.0.0.1:{port}",
                               "--rate", "1000000", "--json"], capture_output=True, text=True, check=False)
        wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in (0, 1):
            raise SystemExit(f"compare ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout), wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def speed(self):
        other = self.primary()
        server = self.mirror(f"file:{self.zone_path}")
        server.stop()  # the verb reads the mirror itself
        for _ in range(3):
            report, wall, cpu = self.once(server, other.port)
            tally = report["against"][0]
            print(f"speed: {tally['asked']} comparisons, {tally['mismatch']} differ, {tally['unknown']} unknown: "
                  f"{wall:.1f} s, {tally['asked'] / wall:,.0f} a second; {cpu:.1f} s of CPU, {tally['asked'] / cpu:,.0f} a second of it")
        other.stop()

    def find(self):
        """A difference in the whole zone, and one that comes with a version."""
        lines = self.text.splitlines()
        at = next(i for i in range(len(lines) // 2, len(lines)) if " IN A 10." in lines[i])
        planted = lines[:at] + [lines[at].rpartition(".")[0] + ".254"] + lines[at + 1:]
        other = self.primary("\n".join(planted) + "\n")
        server = self.mirror(f"file:{self.zone_path}", tables={"compare": {"period": "1d"}}, **{"compare-with": [f"127.0.0.1:{other.port}"]})
        report, wall, _ = self.once(server, other.port)
        asked = report["against"][0]["asked"]
        print(f"find: {len(report['mismatches'])} planted difference found in {self.options.names} names: at full speed the whole pass "
              f"takes {wall:.1f} s; at 50 a second {asked / 50 / 3600:.1f} h for the whole zone, half of that on average")
        # The other one has the same serial without that record: nothing is on its way that would excuse it.
        other.write_zone(ZONE, "\n".join(planted).replace("2026010100", "2026010101", 1) + "\n")
        other.reload()
        until("it has the serial", lambda: query.serial("127.0.0.1", other.port, ZONE) == 2026010101)
        text = self.text.replace("2026010100", "2026010101", 1) + "fresh IN A 10.9.9.9\n"
        with open(self.zone_path, "w", encoding="utf-8") as file:
            file.write(text)
        server.verb("refresh", ZONE)
        began = time.monotonic()
        until("what the version changed is found",
              lambda: any(m["owner"].startswith("fresh.") for m in server.json_verb("compare", ZONE)["mismatches"]), deadline=600)
        print(f"find: a difference that came with a version: {time.monotonic() - began:.1f} s after its publication, at 50 a second")
        server.stop()
        other.stop()

    def budget(self):
        """A whole pass at the default of 50 a second, with three differences in it, each told when it is found. The server's clock
        goes faster than the world's (faster.cpp): its timers, its pace and its times of waiting with it, so that nothing but the
        hours is spared."""
        lines = self.text.splitlines()
        places = [i for i, line in enumerate(lines) if " IN A 10." in line]
        for quarter in (1, 2, 3):
            at = places[len(places) * quarter // 4]
            lines[at] = lines[at].rpartition(".")[0] + ".254" if not lines[at].endswith(".254") else lines[at][:-1] + "3"
        other = self.primary("\n".join(lines) + "\n")
        faster = {"LD_PRELOAD": self.options.faster_clock, "FASTER": str(self.options.faster)}
        server = self.mirror(f"file:{self.zone_path}", environment=faster,
                             tables={"compare": {"period": "30d"}}, **{"compare-with": [f"127.0.0.1:{other.port}"]})
        began, found, told = time.monotonic(), {}, {}
        hours = lambda: (time.monotonic() - began) * self.options.faster / 3600
        while told.get("coverage", 0) < 1 and hours() < 24:
            time.sleep(1)
            told = server.json_verb("compare", ZONE)
            for mismatch in told["mismatches"]:
                found.setdefault(mismatch["owner"], hours())
        tally = told["against"][0]
        print(f"budget, a clock {self.options.faster} times as fast: found after {', '.join(f'{h:.1f} h' for h in found.values())}; the pass "
              f"over {self.options.names} names took {hours():.1f} h: {json.dumps(tally)}")
        server.stop()
        other.stop()

    def load(self, port, *rate):
        done = subprocess.run(["taskset", "-c", "0", self.options.flood, str(port), self.queries, str(self.options.seconds), *rate],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def serving(self):
        """Queries a second at most, and the p99 at 20,000 a second, with and without a pass: one server, whose rate of comparing is
        changed by reload before each window, in turn, so that the machine's own changes meet all three."""
        other = self.primary()
        server = self.mirror(f"file:{self.zone_path}", **{"compare-with": [f"127.0.0.1:{other.port}"]})
        on_core(1, server.process)
        windows = {rate: [] for rate in (0.01, 50, 1000)}
        for turn in range(self.options.turns):
            for rate in list(windows)[turn % 3:] + list(windows)[:turn % 3]:
                server.tables = {"compare": {"rate": rate, "live-share": 0 if rate < 1 else 0.001}}
                server.write_config()
                done = server.verb("reload")
                if done.returncode != 0:
                    raise SystemExit(f"reload ended with {done.returncode}: {done.stderr}")
                before = server.metric("compare_total", zone=ZONE, result="match") or 0
                most, calm = self.load(server.port), self.load(server.port, "20000")
                compared = (server.metric("compare_total", zone=ZONE, result="match") or 0) - before
                windows[rate].append((most["qps"], calm["p99_us"], compared / (2 * self.options.seconds), calm["lost"]))
        for rate, rows in windows.items():
            most, p99, compared, lost = zip(*rows)
            shares = sorted(mine / base for mine, (base, *_) in zip(most, windows[0.01]))
            print(f"serving, a pass at {rate} a second ({statistics.median(compared):.0f} compared a second): {statistics.median(most):,.0f} q/s "
                  f"({min(most):,.0f}-{max(most):,.0f}), of those without {statistics.median(shares):.3f} "
                  f"(quartiles {shares[len(shares) // 4]:.3f}-{shares[-1 - len(shares) // 4]:.3f}); p99 at 20,000 q/s "
                  f"{statistics.median(p99):.0f} us ({min(p99):.0f}-{max(p99):.0f}); {sum(lost)} of those lost; {len(rows)} windows")
        server.stop()
        other.stop()

    def quiet(self):
        """Random updates at the primary, all the time: no mismatch may be told."""
        rng = random.Random(1)
        port = free_port()
        hosts = {f"q{i}": f"10.1.0.{i % 250}" for i in range(2000)}

        def text(serial):
            head = self.text.splitlines()[:9]
            head = [line.replace("2026010100", str(serial)) for line in head]
            return "\n".join(head + [f"{host} IN A {address}" for host, address in hosts.items()]) + "\n"

        primary = self.primary(text(1), notify=[port])
        server = self.mirror(primary.source, port, tables={"compare": {"rate": 1000, "period": "1s"}})
        end, serial, false_alarms = time.monotonic() + self.options.quiet_seconds, 1, 0
        while time.monotonic() < end:
            serial += 1
            for _ in range(rng.randrange(1, 50)):
                host = f"q{rng.randrange(2500)}"
                if host in hosts and rng.random() < 0.3:
                    del hosts[host]
                else:
                    hosts[host] = f"10.2.{rng.randrange(250)}.{rng.randrange(250)}"
            primary.write_zone(ZONE, text(serial))
            primary.reload()
            time.sleep(rng.random() * 4)
            false_alarms = max(false_alarms, len(server.json_verb("compare", ZONE)["mismatches"]))
        counts = {result: int(server.metric("compare_total", zone=ZONE, result=result)) for result in ("match", "mismatch", "dynamic", "unknown")}
        print(f"quiet: {serial} versions in {self.options.quiet_seconds} s: {counts}, at most {false_alarms} mismatches told at once")
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flood", required=True)
    parser.add_argument("--faster-clock", required=True)
    parser.add_argument("--names", type=int, default=500_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--quiet-seconds", type=int, default=1800)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--faster", type=int, default=60)
    parser.add_argument("--only", default="speed,find,serving")
    options = parser.parse_args()
    bench = Bench(options)
    try:
        for part in options.only.split(","):
            getattr(bench, part)()
    finally:
        bench.scratch.close()


if __name__ == "__main__":
    main()
