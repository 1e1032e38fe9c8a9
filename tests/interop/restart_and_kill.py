"""kill -9 at random instants of a stream of transfers: each restart serves one whole version, never a mixture, never an
older one than was served before, and serves it without a primary. History and zone agree: the newest version that is
kept is the one that is served, none is missing in between, and each is read back as it was.

The primary has a new version for every transfer, and every name of a version carries its serial.
"""

import os
import random
import re
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import mirrored
import query
from primary import NS, ScriptedPrimary, a, frames, name, rr, soa, txt
from processes import Scratch, until
from understudy import Understudy

APEX = "moving.test"
NAMES = 500
MORE_NAMES = 1500  # so that some versions differ from the one before in too much to be kept as a difference
READ_BACK = 20
VERSION = re.compile(rb"v(\d+)")  # as in the TXT record; no name of the zone matches
KILLS = int(os.environ.get("UNDERSTUDY_KILLS", "200"))


def names_of(serial):
    return NAMES if serial % 4 < 2 else MORE_NAMES


class RestartAndKill(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.primary = ScriptedPrimary(self.scratch, APEX)
        self.primary.stream = self.next_version
        # Whole zones change at once here: that is not what is looked at.
        self.server = Understudy(self.scratch, [{"name": APEX, "source": [self.primary.source], "gate.churn": 1.0,
                                                 "gate.shrink": 1.0}])
        self.wires = [mirrored.question_wire(f"n{i}.{APEX}", "TXT") for i in range(NAMES)]

    def next_version(self, ident, serial):
        """The zone with this serial; the next question finds a newer one."""
        self.primary.serial = serial + 1
        records = [txt(f"n{i}.{APEX}", f"v{serial}") for i in range(names_of(serial))]
        return frames(ident, APEX, [soa(APEX, serial), rr(APEX, NS, name("ns." + APEX)), a("ns." + APEX), *records,
                                    soa(APEX, serial)], limit=2000)

    def served(self):
        """The serial; a datagram may be lost on a loaded machine, so asked until there is an answer."""
        return until("an SOA", lambda: query.serial("127.0.0.1", self.server.port, APEX))

    def whole_version(self):
        """Every name of the zone, while nothing is transferred: one serial, or the test fails."""
        serials = {self.served()}
        with query.Flow("127.0.0.1", self.server.port, "udp") as flow:
            for _, wire in flow.ask(self.wires):
                # No parser here: 100,000 of these answers are read.
                rcode, answers = wire[3] & 15, wire[6:8]
                self.assertEqual((rcode, answers), (0, b"\0\1"), wire)
                serials.add(int(VERSION.search(wire)[1]))
        self.assertEqual(len(serials), 1, "a mixture of versions")
        return serials.pop()

    def history(self):
        """The newest first; without gaps."""
        kept = self.server.json_verb("history", APEX)
        versions = [row["version"] for row in kept]
        self.assertEqual(versions, list(range(versions[0], versions[0] - len(versions), -1)))
        return kept

    def expect_version(self, row):
        """A version as it was when it was served: every name with its serial, and no other."""
        shown = self.server.verb("show", APEX, "--version", str(row["version"]))
        self.assertEqual((shown.returncode, shown.stderr), (0, ""), row)
        texts = re.findall(r'^n\d+\.moving\.test\.\s.*"(v\d+)"$', shown.stdout, re.MULTILINE)
        self.assertEqual(texts, [f"v{row['serial']}"] * names_of(row["serial"]), row)

    def test_each_restart_serves_one_whole_version(self):
        rng = random.Random()
        seed = rng.randrange(1 << 32)
        rng.seed(seed)
        print(f"seed {seed}, {KILLS} kills", flush=True)
        self.server.start()
        newest = self.served()
        versions_seen = {newest}
        for _ in range(KILLS):
            newest = self.stream_until_killed(rng, newest, versions_seen)
            # The primary is dark: what is served now comes from the mirror alone.
            self.primary.dark = True
            self.server.start()
            after = self.whole_version()
            self.assertEqual(self.history()[0]["serial"], after, "the newest version kept is not the one served")
            self.assertGreaterEqual(after, newest, "an older version than was served before")
            newest = after
            self.primary.dark = False
        self.assertGreater(len(versions_seen), KILLS // 4, "hardly anything was transferred: nothing was tested")
        kept = self.history()
        self.assertEqual({row["how"] for row in kept}, {"whole", "difference"})
        for row in rng.sample(kept, min(READ_BACK, len(kept))):
            self.expect_version(row)
        # After all that: the mirror is in order, and a new version still comes in.
        newest, before = self.served(), self.primary.transfers
        self.primary.notify(self.server.port)
        until("a version after the last kill", lambda: self.primary.transfers > before and self.served() > newest)
        print(f"{self.primary.transfers} transfers, {len(versions_seen)} versions seen, newest {self.served()}")

    def stream_until_killed(self, rng, newest, versions_seen):
        """Has one transfer begin after the other, and kills at a random place of one of them."""
        pause = threading.Event()
        transfers = self.primary.transfers + rng.randrange(1, 3)
        for _ in range(10_000):
            self.primary.notify(self.server.port)
            serial = self.served()
            self.assertGreaterEqual(serial, newest, "the serial went back while serving")
            newest = serial
            versions_seen.add(serial)
            if self.primary.transfers >= transfers:
                break
        else:
            self.fail(f"no transfer began:\n{self.server.log()[-3000:]}")
        # Somewhere between the first octet and well after the publication.
        pause.wait(rng.random() * rng.choice([0.002, 0.02, 0.1]))
        self.server.kill()
        return newest


if __name__ == "__main__":
    unittest.main(verbosity=2)
