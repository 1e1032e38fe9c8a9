"""The big zone going out, and going back: transfers to a client that reads as fast as it can; rollbacks."""
import json
import statistics
import subprocess
import time

import servers
from many import pace
from servers import ZONE, soa_serial

TRANSFERS = 3


def transfer(options, server):
    done = subprocess.run(["taskset", "-c", servers.LOAD_CORE, f"{options.tools}/axfr", str(server.port), ZONE],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def measure_axfr_out(options, server, zone, result):
    """One alone, whose version was not sent before; some more; one beside 20,000 queries a second."""
    before = server.cpu()
    first = transfer(options, server)
    result["axfr_first_s"], result["axfr_first_cpu_s"] = first["seconds"], server.cpu() - before
    before = server.cpu()
    result["axfr_s"] = statistics.median(transfer(options, server)["seconds"] for _ in range(TRANSFERS))
    result["axfr_cpu_s"] = (server.cpu() - before) / TRANSFERS
    result["axfr_mb"] = first["octets"] / 1e6
    load = pace(options, server, f"{zone}/queries.txt", 2)
    time.sleep(0.5)
    result["axfr_loaded_s"] = transfer(options, server)["seconds"]
    seen = json.loads(load.communicate()[0])
    result["axfr_loaded_lost"], result["axfr_loaded_p99_us"] = seen["lost"], seen["p99_us"]


def wait_serial(port, serial, start, limit=60):
    while soa_serial(port) != serial:
        if time.monotonic() - start > limit:
            raise RuntimeError(f"serial {serial} was not served on port {port} within {limit} s")
        time.sleep(0.0005)
    return time.monotonic() - start


def roll_back(server, version, serial):
    """Seconds from asking for it to the first answer of the old version."""
    start = time.monotonic()
    verb = subprocess.Popen(["taskset", "-c", servers.LOAD_CORE, server.executable, "rollback", ZONE, "--to", str(version),
                             "--config", f"{server.directory}/conf"], stdout=subprocess.PIPE, text=True)
    seconds = wait_serial(server.port, serial, start)
    verb.communicate()
    if verb.returncode != 0:
        raise RuntimeError("the rollback failed")
    return seconds


def resume(server, serial):
    subprocess.run([server.executable, "resume", ZONE, "--config", f"{server.directory}/conf"], check=True,
                   capture_output=True)
    wait_serial(server.port, serial, time.monotonic())


def measure_rollback(primary, server, label, result):
    """Three changes are taken back; then one in which every TTL is another."""
    old = soa_serial(server.port)
    for n in range(3):
        primary.change(f"{label}-back-{n}")
        wait_serial(server.port, soa_serial(primary.port), time.monotonic())
    version = server.history()[3]["version"]
    cpu = server.cpu()
    result["rollback_few_s"] = roll_back(server, version, old)
    result["rollback_few_cpu_s"] = server.cpu() - cpu
    resume(server, soa_serial(primary.port))
    old, version = soa_serial(server.port), server.history()[0]["version"]
    primary.change_all_ttls()
    wait_serial(server.port, soa_serial(primary.port), time.monotonic())
    result["rollback_all_s"] = roll_back(server, version, old)
    result["private_rollback_mb"] = server.private_mb()
