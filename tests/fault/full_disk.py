"""The disk under the mirror is full: the last good version goes on serving, the reason is told, and once there is room the
next version comes in. A restart meanwhile changes nothing."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query
from disk import disk_under
from primary import NS, ScriptedPrimary, a, frames, name, rr, soa, txt
from processes import Scratch, until
from understudy import Understudy

APEX = "full.test"


def version(ident, serial):
    # Each is larger than the one before by more than any free page could hold.
    records = [txt(f"n{i}.{APEX}", f"v{serial} " + "x" * 180) for i in range(serial * 2000)]
    return frames(ident, APEX, [soa(APEX, serial, refresh=1, retry=1), rr(APEX, NS, name("ns." + APEX)), a("ns." + APEX), *records,
                                soa(APEX, serial, refresh=1, retry=1)])


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.primary = ScriptedPrimary(self.scratch, APEX, serial=1, stream=version)
        self.server = Understudy(self.scratch, [{"name": APEX, "source": [self.primary.source],
                                                 "refresh-min": "1s", "retry-min": "1s", "gate.churn": 1.0,
                                                 "gate.shrink": 1.0}])
        self.full = os.path.join(self.scratch.path, "full")
        self.server.start(disk_under(self.server, DISK_FULL=self.full))
        until("the first version", lambda: self.served() == 1)

    def served(self):
        return query.serial("127.0.0.1", self.server.port, APEX)

    def refused(self):
        return self.server.status(APEX).get("last_refusal") or {}

    def test_the_last_good_version_goes_on(self):
        open(self.full, "w").close()
        self.primary.serial = 2
        self.primary.notify(self.server.port)
        refusal = until("the refusal", self.refused)
        self.assertEqual(refusal["reason"], "disk-full", refusal)
        self.assertIn("No space left on device", refusal["message"])
        self.assertEqual(self.served(), 1)
        self.assertEqual([row["serial"] for row in self.server.json_verb("history", APEX)], [1])
        # A restart on the full disk: the version is still there.
        self.server.stop()
        self.primary.dark = True
        self.server.start(disk_under(self.server, DISK_FULL=self.full))
        self.assertEqual(self.served(), 1)
        # Room again.
        self.primary.dark = False
        os.remove(self.full)
        self.primary.notify(self.server.port)
        until("the second version", lambda: self.served() == 2)
        self.assertEqual([row["serial"] for row in self.server.json_verb("history", APEX)], [2, 1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
