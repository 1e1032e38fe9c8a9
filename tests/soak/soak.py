"""Hours of ordinary bad luck, in short: a real primary (Knot) whose zone changes all the time, while it is stopped and started,
connections are cut in the midst of a transfer, our process is killed and ended, and operators retransfer. At the end the
whole zone is the primary's; memory, disk and descriptors stayed where they were.

SOAK_SECONDS (120 by default; bench/soak.sh: 1800) says how long, SOAK_SEED repeats the order of events.
"""

import os
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query
from peers import Knot
from processes import Scratch, free_port, until
from relay import Relay
from understudy import Understudy

APEX = "soak.test."
NAMES = 2000
KEEP = 20


class KnotWithHistory(Knot):
    history = True


class Soak(unittest.TestCase):
    def setUp(self):
        self.seconds = int(os.environ.get("SOAK_SECONDS") or 120)
        self.seed = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"SOAK_SECONDS={self.seconds} SOAK_SEED={self.seed}", flush=True)
        self.random = random.Random(self.seed)
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.serial = 1
        self.addresses = {number: 1 for number in range(NAMES)}
        port = free_port()
        self.primary = KnotWithHistory(self.scratch, [APEX], notify=[port])
        self.write()
        self.primary.start()
        self.relay = Relay(self.scratch, self.primary.port)
        self.server = Understudy(self.scratch, [{
            "name": APEX, "source": [self.relay.source], "keep.versions": KEEP, "allow-transfer": ["127.0.0.1"],
            "refresh-min": "1s", "retry-min": "1s", "retry-max": "2s", "gate.churn": 1.0, "gate.shrink": 1.0, "gate.losses": "off"}],
            listen=(f"127.0.0.1:{port}",))
        self.server.start()
        until("the first version", lambda: self.served() == 1)
        self.count = {}
        self.samples = []  # (seconds, resident KiB, octets of the data directory, descriptors)

    def write(self):
        lines = [f"$ORIGIN {APEX}", "$TTL 300", f"@ SOA ns hostmaster {self.serial} 2 1 1209600 60", "@ NS ns", "ns A 192.0.2.1",
                 f"@ TXT v{self.serial}"]
        lines += [f"n{number} A 10.0.{address >> 8 & 255}.{address & 255}" for number, address in self.addresses.items()]
        self.primary.write_zone(APEX, "\n".join(lines) + "\n")

    def served(self):
        return query.serial("127.0.0.1", self.server.port, APEX)

    # --- what happens ---

    def change(self):
        for _ in range(self.random.choice([1, 1, 1, 5, 200, NAMES])):
            number = self.random.randrange(NAMES + 200)
            if number in self.addresses and self.random.random() < 0.3:
                del self.addresses[number]
            else:
                self.addresses[number] = self.random.randrange(1, 60_000)
        self.serial += 1
        self.write()
        if self.primary.process is not None:
            self.primary.reload()

    def stop_or_start_primary(self):
        if self.primary.process is None:
            self.primary.start()
        elif self.random.random() < 0.5:
            self.primary.kill()
        else:
            self.primary.stop()

    def cut_or_mend(self):
        self.relay.down = self.random.random() < 0.3
        cutting = self.random.random() < 0.6
        self.relay.cut = (lambda: self.random.randrange(1, 60_000)) if cutting else (lambda: None)

    def kill(self):
        self.server.kill()
        self.server.start()

    def restart(self):
        self.server.stop()
        self.server.start()

    def retransfer(self):
        self.server.verb("retransfer", APEX)

    def sample(self, began):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        # Holes in the spool are not taken from the disk.
        size = sum(os.stat(os.path.join(self.server.data, file)).st_blocks * 512 for file in os.listdir(self.server.data))
        self.samples.append((time.monotonic() - began, resident, size, len(os.listdir(f"/proc/{self.server.process.pid}/fd"))))

    def test_soak(self):
        events = [(self.change, 60), (self.stop_or_start_primary, 6), (self.cut_or_mend, 14), (self.kill, 3), (self.restart, 2),
                  (self.retransfer, 5)]
        pace = threading.Event()
        began = time.monotonic()
        newest = self.served()
        while time.monotonic() - began < self.seconds:
            event = self.random.choices([event for event, _ in events], [weight for _, weight in events])[0]
            self.count[event.__name__] = self.count.get(event.__name__, 0) + 1
            event()
            pace.wait(self.random.random() * 0.5)  # so that some of them meet, and some do not
            serial = self.served()
            self.assertIsNotNone(serial, "it is not served")
            self.assertGreaterEqual(serial, newest, "an older version is served")
            newest = serial
            self.sample(began)
        # Faults are over.
        self.relay.down, self.relay.cut = False, lambda: None
        if self.primary.process is None:
            self.primary.start()
        self.change()
        until("the newest version", lambda: self.served() == self.serial)
        theirs = query.transfer("127.0.0.1", self.primary.port, APEX)
        ours = query.transfer("127.0.0.1", self.server.port, APEX)
        self.assertEqual(ours, theirs)
        self.assertEqual(len(ours.nodes), len(self.addresses) + 2)
        until("as many versions as are kept", lambda: len(self.server.json_verb("history", APEX)) <= KEEP)
        self.report()

    def report(self):
        third = len(self.samples) // 3
        early, late = self.samples[:third], self.samples[-third:]
        print(f"events {self.count}; serial {self.serial}; connections {self.relay.connections}, cut {self.relay.cuts}")
        for column, what in ((1, "resident KiB"), (2, "octets on disk"), (3, "descriptors")):
            first, last = (max(sample[column] for sample in part) for part in (early, late))
            print(f"{what}: {first} at most in the first third, {last} in the last", flush=True)
            # Half as much again, and a floor for the little ones: growth without a bound passes both in minutes.
            self.assertLessEqual(last, first * 1.5 + {1: 50_000, 2: 20 << 20, 3: 30}[column], what)


if __name__ == "__main__":
    unittest.main(verbosity=2)
