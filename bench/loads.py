"""The loads: a program on the load core against one server, what it saw and what it cost the server."""
import json
import os
import subprocess
import time

import servers

QUIET = 0.05  # of a core
TCP_CONNECTIONS = 100


def busy_seconds():
    """CPU seconds that all cores together have worked so far."""
    with open("/proc/stat") as f:
        fields = [int(x) for x in f.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / servers.TICKS


def load(options, server, program, arguments):
    """One load. `others` is what the rest of the machine took meanwhile, in cores: `attempts` loads are made to find one
    in which that is little, and the quietest is told."""
    command = ["taskset", "-c", servers.LOAD_CORE, f"{options.tools}/{program}", str(server.port)] + arguments
    best = None
    for _ in range(options.attempts):
        cpu, busy, start = server.cpu(), busy_seconds(), time.monotonic()
        own = sum(os.times()[:4])
        result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        cpu = server.cpu() - cpu
        result["cpu_us"] = 1e6 * cpu / max(1, result["answered"])
        own = sum(os.times()[:4]) - own
        result["others"] = max(0, (busy_seconds() - busy - cpu - own) / (time.monotonic() - start))
        if best is None or result["others"] < best["others"]:
            best = result
        if best["others"] <= QUIET:
            break
    return best


def flood(options, server, zone, seconds, rate=0, dnssec_ok=False):
    return load(options, server, "flood",
                [f"{zone}/queries.txt", str(seconds), str(rate)] + (["do"] if dnssec_ok else []))


def tcp_flood(options, server, zone, in_flight, once=False):
    return load(options, server, "tcpflood", [f"{zone}/queries.txt", str(options.seconds), str(TCP_CONNECTIONS),
                                              str(in_flight)] + (["once"] if once else []))


def measure_throughput(options, server, zone, result, dnssec_ok=False):
    """Queries a second; then replies to the same queries for every server, which must be alike."""
    flood(options, server, zone, 1, 0, dnssec_ok)  # warm
    best = flood(options, server, zone, options.seconds, 0, dnssec_ok)
    for key in ("qps", "cpu_us", "others"):
        result[key] = best[key]
    result["lost"] = best["lost"] / max(1, best["sent"])
    same = flood(options, server, zone, 2, 20000, dnssec_ok)
    for key in ("octets", "noerror", "nxdomain"):
        result[key] = same[key]


def measure_tcp(options, server, zone, result):
    for label, in_flight in (("tcp1", 1), ("tcp16", 16)):
        kept = tcp_flood(options, server, zone, in_flight)
        for key in ("qps", "cpu_us", "p50_us", "p99_us", "longest_us", "least", "lost"):
            result[f"{label}_{key}"] = kept[key]
    once = tcp_flood(options, server, zone, 1, once=True)
    for key in ("qps", "cpu_us", "undialled", "lost"):
        result[f"once_{key}"] = once[key]
    for key in ("noerror", "nxdomain", "others"):
        result[key] = kept[key]


def measure_floor(options, zone):
    """What the same load costs a program that only sends packets back."""
    echo = servers.Echo(options.tools)
    echo.start()
    try:
        time.sleep(0.2)
        best = flood(options, echo, zone, options.seconds)
        return {key: best[key] for key in ("qps", "cpu_us", "others")}
    finally:
        echo.stop()
