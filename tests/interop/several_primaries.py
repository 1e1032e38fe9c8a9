"""Two real primaries of one zone: one dies, `status` says which, since when and why, transfers go on from the other; it
comes back, and `status` shows that too."""

import datetime
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import query
import zones
from processes import Scratch, free_port, until
from understudy import Understudy

ZONES = ("several.example.", "quiet.example.")


def moment(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def now():
    """Whole seconds, as the reports have them."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)


class SeveralPrimaries(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        port = free_port()
        self.first = peers.Nsd(self.scratch, ZONES, notify=[port])
        self.second = peers.Knot(self.scratch, ZONES, notify=[port])
        for peer in (self.first, self.second):
            for apex in ZONES:
                self.write(peer, apex, 1)
            peer.start()
        self.server = Understudy(
            self.scratch, [{"name": apex, "source": [self.first.source, self.second.source]} for apex in ZONES],
            listen=[f"127.0.0.1:{port}"]).start()
        for apex in ZONES:
            until(f"{apex} arrives", lambda apex=apex: self.served(apex) == 1)

    def write(self, peer, apex, serial):
        peer.write_zone(apex, zones.small(apex, serial))

    def served(self, apex):
        return query.serial("127.0.0.1", self.server.port, apex)

    def primaries(self, apex):
        return self.server.status(apex)["primaries"]

    def change(self, peer, serial):
        self.write(peer, ZONES[0], serial)
        peer.reload()
        until(f"serial {serial} arrives", lambda: self.served(ZONES[0]) == serial)

    def last_transfer(self):
        return [line for line in self.server.log().splitlines() if " transfer-done " in line and f"zone={ZONES[0]}" in line][-1]

    def test_one_dies_and_comes_back(self):
        busy, quiet = ZONES
        one, two = self.primaries(busy)
        self.assertEqual((one["up"], one["serial"], one["failure"], one["failing_since"]), (True, 1, None, None))
        self.assertEqual((two["up"], two["serial"], two["last_answer"]), (False, None, None), "nobody had to ask it")
        self.assertIn("not asked yet", self.server.verb("status", busy).stdout)

        before = now()
        self.first.kill()
        self.change(self.second, 2)  # told by the second one's own NOTIFY; the first is asked first, as ever
        after = now()
        one, two = self.primaries(busy)
        self.assertFalse(one["up"])
        self.assertEqual(one["failure"]["reason"], "connection-refused")
        self.assertIn(str(self.first.port), one["failure"]["message"])
        self.assertTrue(before <= moment(one["failing_since"]) <= after, (before, one, after))
        self.assertEqual(one["serial"], 1, "what it told last is kept")
        self.assertEqual((two["up"], two["serial"], two["failing_since"]), (True, 2, None))
        self.assertTrue(before <= moment(two["last_answer"]) <= after, (before, two, after))
        self.assertGreater(two["soa_rtt_seconds"], 0)
        self.assertIn(f"primary={self.second.source}", self.last_transfer())

        # The other zone was not asked for since then: it is the primary that is dead, for each of its zones.
        self.assertEqual(self.primaries(quiet)[0]["failing_since"], one["failing_since"])
        self.assertEqual(self.server.metric("primary_up", zone=quiet, primary=f"127.0.0.1:{self.first.port}"), 0)
        self.assertEqual(self.server.status(quiet)["state"], "fresh", "that zone's last check succeeded")

        told = self.server.verb("status", busy).stdout
        self.assertRegex(told, rf"{self.first.source}  failing for .*, since {one['failing_since']}\n +connection-refused: ")
        self.assertRegex(told, rf"{self.second.source}  up\n +last answer .*: serial 2, in .* ms")
        self.assertIn("1 of 2 up (connection-refused for ", self.server.verb("status").stdout)

        since = one["failing_since"]
        self.change(self.second, 3)
        self.assertEqual(self.primaries(busy)[0]["failing_since"], since, "a second failure is the same outage")

        self.write(self.first, busy, 3)
        self.first.start()
        until("the first primary is seen to be back",
              lambda: self.server.verb("refresh", busy).returncode == 0 and self.primaries(busy)[0]["up"])
        for apex in ZONES:
            one = self.primaries(apex)[0]
            self.assertEqual((one["up"], one["failing_since"], one["failure"]["reason"]), (True, None, "connection-refused"))
        self.assertRegex(self.server.verb("status", busy).stdout,
                         rf"{self.first.source}  up\n +last answer .*: serial 3, in .* ms\n +last failure .*: connection-refused: ")
        self.change(self.first, 4)
        self.assertIn(f"primary={self.first.source}", self.last_transfer(), "the preferred one again")


if __name__ == "__main__":
    unittest.main(verbosity=2)
