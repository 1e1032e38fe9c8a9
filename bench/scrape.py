#!/usr/bin/python3
"""How long a scrape of /metrics takes, by number of zones and by which of them have series of their own: as plain text and as
gzip, from the first octet of the request to the last of the response, over loopback. Prints a table of docs/benchmarks.md.

usage: bench/scrape.py [--understudy BINARY] [--scrapes N] [--zones N,...]
"""

import argparse
import http.client
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "support", "python"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--understudy", default=os.path.join(HERE, "..", "build", "release", "understudy"))
    parser.add_argument("--scrapes", type=int, default=50)
    parser.add_argument("--zones", default="1000,10000")
    return parser.parse_args()


def scrape(server, headers):
    """Seconds, and octets of the body."""
    connection = http.client.HTTPConnection(server.http, timeout=60)
    begun = time.monotonic()
    connection.request("GET", "/metrics", headers=headers)
    body = connection.getresponse().read()
    seconds = time.monotonic() - begun
    connection.close()
    return seconds, body


def measure(server, scrapes, headers):
    scrape(server, headers)
    runs = [scrape(server, headers) for _ in range(scrapes)]
    times = sorted(1000 * seconds for seconds, _ in runs)
    return statistics.median(times), times[int(0.95 * (len(times) - 1))], len(runs[-1][1])


def main():
    options = arguments()
    os.environ["UNDERSTUDY_BINARY"] = os.path.realpath(options.understudy)
    from processes import Scratch, until
    from understudy import Understudy
    print("| zones | with series | series | as | ms (median) | ms (95 of 100) | octets |\n|---|---|---|---|---|---|---|")
    for zones in map(int, options.zones.split(",")):
        names = [f"zone-{i:06}.example" for i in range(zones)]
        # Every zone; or a tenth of them, chosen by pattern.
        for label, patterns in (("all", ["*"]), ("a tenth", ["zone-*0.example"])):
            with Scratch() as scratch:
                file = scratch.write("zone", "$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n")
                # A primary that is not there: what its series are like does not matter, that they are there does.
                server = Understudy(scratch, [{"names": names, "source": [f"file:{file}"], "compare-with": ["127.0.0.1:9"]}],
                                    tables={"metrics": {"zones": patterns}, "log": {"level": "error"}}).start()
                until("every zone is served", lambda server=server, zones=zones: server.metric("zones", state="fresh") == zones, deadline=600)
                series = sum(not line.startswith(b"#") for line in scrape(server, {})[1].splitlines())
                for name, headers in (("text", {}), ("gzip", {"Accept-Encoding": "gzip"})):
                    median, late, octets = measure(server, options.scrapes, headers)
                    print(f"| {zones:,} | {label} | {series:,} | {name} | {median:.1f} | {late:.1f} | {octets:,} |", flush=True)


if __name__ == "__main__":
    main()
