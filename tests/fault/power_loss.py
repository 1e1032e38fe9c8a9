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


def names_of(serial):
    # Every third version is another zone (written anew); the others differ from the one before in a few names.
    return range(400, 900) if serial % 3 == 0 else range(400)


def text_of(serial, number):
    return f"v{serial}" if number % 50 == serial % 50 or serial % 3 == 0 else "as ever"


def version(ident, serial):
    records = [txt(f"n{i}.{APEX}", text_of(serial, i)) for i in names_of(serial)]
    return frames(ident, APEX, [soa(APEX, serial), rr(APEX, NS, name("ns." + APEX)), a("ns." + APEX), *records,
                                soa(APEX, serial)])


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
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.primary = ScriptedPrimary(self.scratch, APEX, serial=1, stream=version)
        self.log_path = os.path.join(self.scratch.path, "writes")
        self.server = Understudy(self.scratch, [{"name": APEX, "source": [self.primary.source], "keep.versions": 4,
                                                 "gate.churn": 1.0, "gate.shrink": 1.0}])
        self.seed = int(os.environ.get("UNDERSTUDY_POWER_SEED") or random.randrange(1 << 32))
        print(f"UNDERSTUDY_POWER_SEED={self.seed}", file=sys.stderr)

    def served(self, server):
        return query.serial("127.0.0.1", server.port, APEX)

    def write_down_versions(self):
        """Returns how long the log was when each serial was first seen served."""
        self.server.start(disk_under(self.server, DISK_LOG=self.log_path))
        served_at = {}
        for serial in range(1, VERSIONS + 1):
            self.primary.serial = serial
            self.primary.notify(self.server.port)
            until(f"serial {serial}", lambda serial=serial: self.served(self.server) == serial)
            served_at[serial] = os.path.getsize(self.log_path)
        self.server.stop()
        return served_at

    def expect_whole(self, data, least, most):
        """One whole version, of a serial from `least` to `most`, and what is kept of the ones before it."""
        told = run("history", APEX, "--data", data, "--json")
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        kept = json.loads(told.stdout)
        self.assertTrue(least <= kept[0]["serial"] <= most, kept)
        versions = [row["version"] for row in kept]
        self.assertEqual(versions, list(range(versions[0], versions[0] - len(versions), -1)))
        for row in (kept[0], random.Random(versions[0]).choice(kept)):
            shown = run("show", APEX, "--version", str(row["version"]), "--data", data)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), row)
            found = {int(number): text
                     for number, text in re.findall(r'^n(\d+)\.power\.test\.\s.*"([^"]*)"$', shown.stdout, re.MULTILINE)}
            self.assertEqual(found, {i: text_of(row["serial"], i) for i in names_of(row["serial"])}, row)
        return kept[0]["serial"]

    def test_every_instant_leaves_one_whole_version(self):
        served_at = self.write_down_versions()
        log = WriteLog(self.log_path)
        first = log.before(served_at[1])
        syncs = [i for i, (kind, _, _) in enumerate(log.records) if kind != b"W" and i >= first]
        self.assertGreaterEqual(len(syncs), 2 * (VERSIONS - 1), "the log has no syncs: is preload/disk.cpp loaded?")
        chance = random.Random(self.seed)
        # Any instant, and those around what makes a version durable.
        points = [chance.randrange(first, len(log.records) + 1) for _ in range(IMAGES // 2)]
        points += [chance.choice(syncs) + chance.randrange(2) for _ in range(IMAGES // 2)]
        for number, point in enumerate(points):
            with self.subTest(point=point):
                data = self.scratch.directory(f"image{number}")
                with open(os.path.join(data, "mirror.mdb"), "wb") as file:
                    file.write(log.image(point, chance))
                done = [serial for serial in served_at if log.before(served_at[serial]) <= point]
                serial = self.expect_whole(data, max(done), min(max(done) + 1, VERSIONS))
                if number % 12 == 0:
                    self.expect_goes_on(data, serial)

    def expect_goes_on(self, data, serial):
        """What is left is served, and takes the next version in."""
        self.primary.serial = serial
        server = Understudy(self.scratch, self.server.zones, name=f"after-{os.path.basename(data)}")
        server.data = server.server["data"] = data
        server.start()
        self.assertEqual(self.served(server), serial)
        self.primary.serial = VERSIONS + 1
        self.primary.notify(server.port)
        until("the next version", lambda: self.served(server) == VERSIONS + 1)
        server.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
