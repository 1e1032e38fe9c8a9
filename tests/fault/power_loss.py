"""The power goes: what the kernel was not told to keep may be lost, page by page. Whatever instant it is, the mirror opens
as one whole version, not older than what was served by then.

kill -9 does not show this, since the kernel keeps what a killed process wrote. Here every write to the mirror is written
down together with every sync (preload/disk.cpp); images are built from the log up to some point, with each page that was not
synced by then kept or dropped by chance.
"""

import json
import os
import random
import re
import shutil
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query
from disk import disk_under
from primary import NS, ScriptedPrimary, a, frames, name, rr, soa, txt
from processes import Scratch, until
from understudy import Understudy, run

APEX = "power.test"
PAGE = 4096
VERSIONS = 12
IMAGES = 60


class WriteLog:
    """The records of a log, in order: (kind, offset, octets)."""

    def __init__(self, path):
        self.records = []
        self.ends = []  # of each record, in octets of the log
        with open(path, "rb") as file:
            while head := file.read(17):
                offset, size = struct.unpack("=QQ", head[1:])
                self.records.append((head[:1], offset, file.read(size)))
                self.ends.append(file.tell())

    def before(self, octets):
        """How many records had been written when the log had that many octets."""
        return sum(end <= octets for end in self.ends)

    def durable(self, kinds, first, count):
        """Which of the records from `first` to `count` are of these kinds: b"D" alone ends a transaction."""
        return [i for i in range(first, count) if self.records[i][0] in kinds]

    def image(self, count, chance):
        """The file after the first `count` records; what was not synced by then comes through by chance."""
        synced = max((i for i in range(count) if self.records[i][0] == b"S"), default=-1)
        image = bytearray()
        for i, (kind, offset, octets) in enumerate(self.records[:count]):
            for at in range(0, len(octets), PAGE):
                if i > synced and kind == b"W" and chance.random() < 0.5:
                    continue
                piece = octets[at:at + PAGE]
                image.extend(bytes(max(0, offset + at + len(piece) - len(image))))
                image[offset + at:offset + at + len(piece)] = piece
        return bytes(image)


class PowerLoss(unittest.TestCase):
    """`names_of(serial)` are the numbers of the names of that version, `text_of(serial, number)` what each says."""

    images = IMAGES

    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.primary = ScriptedPrimary(self.scratch, APEX, serial=1, stream=self.version)
        self.log_path = os.path.join(self.scratch.path, "writes")
        self.server = Understudy(self.scratch, [{"name": APEX, "source": [self.primary.source], "keep.versions": 4,
                                                 "gate.churn": 1.0, "gate.shrink": 1.0}])
        self.seed = int(os.environ.get("UNDERSTUDY_POWER_SEED") or random.randrange(1 << 32))
        print(f"UNDERSTUDY_POWER_SEED={self.seed}", file=sys.stderr)

    def version(self, ident, serial):
        records = [txt(f"n{i}.{APEX}", self.text_of(serial, i)) for i in self.names_of(serial)]
        return frames(ident, APEX, [soa(APEX, serial), rr(APEX, NS, name("ns." + APEX)), a("ns." + APEX), *records,
                                    soa(APEX, serial)])

    def served(self, server):
        return query.serial("127.0.0.1", server.port, APEX)

    def start_writing_down(self):
        self.server.start(disk_under(self.server, DISK_LOG=self.log_path))

    def written(self):
        return os.path.getsize(self.log_path)

    def take_in(self, serial):
        self.primary.serial = serial
        self.primary.notify(self.server.port)
        until(f"serial {serial}", lambda: self.served(self.server) == serial)

    def for_each_image(self, log, first, least_syncs, check, points=()):
        """Mirrors as they may be found at instants after the first `first` records: any, those around what makes a version
        durable, and `points`. `check` gets the number of each, its data directory and its point."""
        syncs = log.durable(b"SD", first, len(log.records))
        self.assertGreaterEqual(len(syncs), least_syncs, "the log has no syncs: is preload/disk.cpp loaded?")
        chance = random.Random(self.seed)
        chosen = [chance.randrange(first, len(log.records) + 1) for _ in range(self.images // 2)]
        chosen += [chance.choice(syncs) + chance.randrange(2) for _ in range(self.images // 2)]
        for number, point in enumerate([*chosen, *points]):
            with self.subTest(point=point):
                data = self.scratch.directory(f"image{number}")
                with open(os.path.join(data, "mirror.mdb"), "wb") as file:
                    file.write(log.image(point, chance))
                check(number, data, point)
                shutil.rmtree(data)

    def rows_of(self, data, read_back=True):
        """What is listed, of which the newest and one other are read back."""
        told = run("history", APEX, "--data", data, "--json")
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        rows = json.loads(told.stdout)
        versions = [row["version"] for row in rows]
        self.assertEqual(versions, sorted(set(versions), reverse=True))
        for row in (rows[0], random.Random(versions[0]).choice(rows)) if read_back else ():
            shown = run("show", APEX, "--version", str(row["version"]), "--data", data)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), row)
            found = {int(number): text
                     for number, text in re.findall(r'^n(\d+)\.power\.test\.\s.*"([^"]*)"$', shown.stdout, re.MULTILINE)}
            serial = row["serial"]
            self.assertTrue(found == {i: self.text_of(serial, i) for i in self.names_of(serial)}, f"{row} is not whole")
        return rows

    def after(self, data):
        """A server of what is left."""
        server = Understudy(self.scratch, self.server.zones, name=f"after-{os.path.basename(data)}")
        server.data = server.server["data"] = data
        return server.start()

    def expect_goes_on(self, server, serial):
        """The next version comes in."""
        self.primary.serial = serial
        self.primary.notify(server.port)
        until("the next version", lambda: self.served(server) == serial)
        server.stop()


class Versions(PowerLoss):
    @staticmethod
    def names_of(serial):
        # Every third version is another zone (written anew); the others differ from the one before in a few names.
        return range(400, 900) if serial % 3 == 0 else range(400)

    @staticmethod
    def text_of(serial, number):
        return f"v{serial}" if number % 50 == serial % 50 or serial % 3 == 0 else "as ever"

    def test_every_instant_leaves_one_whole_version(self):
        self.start_writing_down()
        served_at = {}  # how long the log was when each serial was first seen served
        for serial in range(1, VERSIONS + 1):
            self.take_in(serial)
            served_at[serial] = self.written()
        self.server.stop()
        log = WriteLog(self.log_path)

        def check(number, data, point):
            done = max(serial for serial in served_at if log.before(served_at[serial]) <= point)
            rows = self.rows_of(data)
            self.assertIn(rows[0]["serial"], (done, min(done + 1, VERSIONS)), rows)
            self.assertEqual(rows[0]["version"] - rows[-1]["version"], len(rows) - 1, rows)
            if number % 12 == 0:
                self.primary.serial = rows[0]["serial"]
                server = self.after(data)
                self.assertEqual(self.served(server), rows[0]["serial"])
                self.expect_goes_on(server, VERSIONS + 1)

        self.for_each_image(log, log.before(served_at[1]), 2 * (VERSIONS - 1), check)


class Decisions(PowerLoss):
    """Of versions that take several transactions: each decision is found carried out or not at all."""

    images = IMAGES // 2

    @staticmethod
    def names_of(_):
        return range(8_000)

    @staticmethod
    def text_of(serial, _):
        return f"v{serial} " + "x" * 240

    def state(self):
        status = self.server.status(APEX)
        return self.served(self.server), (status["held"] or {}).get("serial"), status["on_hold"], status["rolled_back"]

    def decide(self, *order):
        done = self.server.verb(order[0], APEX, *order[1:])
        self.assertEqual(done.returncode, 0, done)

    def hold_back(self, serial):
        self.primary.serial = serial
        self.primary.notify(self.server.port)
        until("it is held", lambda: self.state()[1] == serial)

    def accept(self):
        self.decide("accept", "--version", str(self.server.status(APEX)["held"]["version"]))

    def test_every_instant_leaves_what_was_decided_or_what_was_before(self):
        self.start_writing_down()
        for serial in (1, 2):
            self.take_in(serial)
        reached = [(self.written(), self.state())]
        for step in (lambda: self.decide("rollback", "--to", "1"), lambda: self.hold_back(3), lambda: self.decide("resume"),
                     lambda: self.decide("hold"), lambda: self.hold_back(4), lambda: self.hold_back(5), self.accept,
                     lambda: self.hold_back(6), lambda: self.decide("resume"), lambda: self.decide("rollback", "--to", "3")):
            step()
            reached.append((self.written(), self.state()))
        self.server.stop()
        log = WriteLog(self.log_path)
        self.assertEqual([state[:2] for _, state in reached],
                         [(2, None), (1, None), (1, 3), (3, None), (3, None), (3, 4), (3, 5), (5, None), (5, 6), (6, None),
                          (1, None)])

        def check(number, data, point):
            last = max(i for i, (written, _) in enumerate(reached) if log.before(written) <= point)
            allowed = [state for _, state in reached[last:last + 2]]
            rows = self.rows_of(data, number < self.images)
            held = [row["serial"] for row in rows if row["held"]]
            live = next(row["serial"] for row in rows if row["live"])
            self.assertIn((live, held[0] if held else None), [state[:2] for state in allowed], rows)
            if number % 5 != 0 and number < self.images:
                return
            self.primary.dark = True
            server = self.after(data)
            status = server.status(APEX)
            self.assertIn((live, held[0] if held else None, status["on_hold"], status["rolled_back"]), allowed)
            self.primary.dark = False
            if number < self.images:
                self.primary.serial = 7
                self.assertEqual(server.verb("resume", APEX).returncode, 0)
                self.expect_goes_on(server, 8)
            server.stop()

        # Behind the last transactions of each decision: one that took two would be found half carried out.
        first = log.before(reached[0][0])
        last = [end + 1 for written, _ in reached[1:] for end in log.durable(b"D", first, log.before(written))[-3:]]
        self.for_each_image(log, first, 2 * (len(reached) - 1), check, last)


if __name__ == "__main__":
    unittest.main(verbosity=2)
