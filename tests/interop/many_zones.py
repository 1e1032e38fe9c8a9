"""Two thousand zones of one primary: all of them arrive, and after a burst of NOTIFYs all of them follow, while queries are
answered; none is forgotten, none is transferred twice."""

import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import query
from processes import Scratch, free_port, until
from understudy import Understudy

COUNT = 2000
APEXES = [f"z{n}.many.example." for n in range(COUNT)]


def text(apex, serial):
    hosts = "".join(f"h{n} IN A 192.0.2.{n}\n" for n in range(7))
    return f"$ORIGIN {apex}\n$TTL 300\n@ IN SOA ns1 host {serial} 86400 86400 1209600 300\n@ IN NS ns1\nns1 IN A 192.0.2.1\n{hosts}"


class Load:
    """Questions for one zone after the other, each answered before the next."""

    def __init__(self, port):
        self.port, self.asked, self.lost = port, 0, []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stop.is_set():
            apex = APEXES[self.asked % COUNT]
            answer = query.udp("127.0.0.1", self.port, "h1." + apex, "A")
            if answer.rcode() != 0 or len(answer.answer) != 1:
                self.lost.append(answer)
            self.asked += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


class ManyZones(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def until_all_have(self, port, serial):
        left = list(APEXES)

        def done():
            while left and query.serial("127.0.0.1", port, left[-1]) == serial:
                left.pop()
            return not left

        until(f"all zones have serial {serial}", done, deadline=180)

    def transfers(self, server):
        return sum(server.metric("transfers_in_total", type=kind, transport="tcp", result="ok") or 0
                   for kind in ("axfr", "ixfr", "axfr-style"))

    def test_all_arrive_and_all_follow(self):
        port = free_port()
        primary = peers.Knot(self.scratch, APEXES, notify=[port])
        for apex in APEXES:
            primary.write_zone(apex, text(apex, 1))
        primary.start()
        server = Understudy(self.scratch, [{"names": APEXES, "source": [primary.source]}], listen=[f"127.0.0.1:{port}"]).start()
        self.until_all_have(port, 1)
        self.assertEqual(self.transfers(server), COUNT)
        with Load(port) as load:
            for apex in APEXES:
                primary.write_zone(apex, text(apex, 2))
            primary.reload()
            self.until_all_have(port, 2)
        self.assertEqual(load.lost, [])
        self.assertGreater(load.asked, 100)
        self.assertEqual(self.transfers(server), 2 * COUNT)
        # After a restart all of them are there before the first is asked for.
        server.stop()
        primary.stop()
        server.start()
        self.until_all_have(port, 2)


if __name__ == "__main__":
    unittest.main()
