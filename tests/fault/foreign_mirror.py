"""What stands in the data directory is no mirror of ours, or one of a later version: the start is refused with exit code 2
and one line that says what to do, and the file is octet by octet what it was. `--reset-mirror` sets it aside unharmed."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query
from primary import NS, ScriptedPrimary, a, frames, name, rr, soa
from processes import Scratch, until
from understudy import BINARY, Understudy, run

APEX = "foreign.test"


def version(ident, serial):
    return frames(ident, APEX, [soa(APEX, serial), rr(APEX, NS, name("ns." + APEX)), a("ns." + APEX), soa(APEX, serial)])


class ForeignMirror(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.primary = ScriptedPrimary(self.scratch, APEX, stream=version)
        self.server = Understudy(self.scratch, [{"name": APEX, "source": [self.primary.source]}])
        self.path = os.path.join(self.server.data, "mirror.mdb")

    def a_mirror(self):
        self.server.start()
        until("it is served", lambda: query.serial("127.0.0.1", self.server.port, APEX) == 1)
        self.server.stop()
        with open(self.path, "rb") as file:
            return file.read()

    def put(self, octets):
        os.makedirs(self.server.data, exist_ok=True)
        with open(self.path, "wb") as file:
            file.write(octets)

    def expect_refused(self, octets, says):
        self.put(octets)
        self.server.write_config()
        done = run("serve", "--config", self.server.config)
        self.assertEqual(done.returncode, 2, done)
        lines = [line for line in done.stderr.splitlines() if line]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn("left untouched", lines[0])
        self.assertIn("--reset-mirror", lines[0])
        self.assertIn(says, lines[0])
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), octets)

    def test_no_database_at_all(self):
        self.expect_refused(b"Dear diary, " * 5000, "not a mirror")
        self.expect_refused(os.urandom(40_000), "not a mirror")

    def test_a_later_schema(self):
        mirror = self.a_mirror()
        # The schema's number is the only value of its database: its key, and behind it four octets (docs/formats.md).
        places = [at for at in range(len(mirror)) if mirror.startswith(b"schema", at)]
        self.assertTrue(places)
        later = bytearray(mirror)
        for at in places:
            later[at + 6:at + 10] = b"\0\0\0\x63"
        self.expect_refused(bytes(later), "schema version 99")
        # Set aside, not lost; and a new mirror is filled.
        process = self.scratch.start("reset", [BINARY, "serve", "--config", self.server.config, "--reset-mirror"])
        until("the new mirror", lambda: process.require_alive() and "transfer-done" in process.log())
        with open(self.path + ".aside-1", "rb") as file:
            self.assertEqual(file.read(), bytes(later))

    def test_verbs_beside_it_are_refused_too(self):
        self.put(b"x" * 30_000)
        self.server.write_config()
        for verb in (("show", APEX), ("history", APEX)):
            done = run(*verb, "--config", self.server.config)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("left untouched", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
