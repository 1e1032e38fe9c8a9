"""Which primary is asked, and how: several of one zone, each with a history of its own; those that do not understand EDNS; and
secondaries in a chain, who tell how long their copies hold (RFC 7314)."""

import os
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.edns
import dns.message
import dns.query

import peers
import query
import secondaries
import zones
from primary import IXFR, NS, ScriptedPrimary, a, frames, name, rr, soa
from processes import DEADLINE, Scratch, until
from understudy import Understudy

ZONE = "ways.test."
EXPIRE = 604800  # of the SOA


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.server = None

    def start(self, sources, **options):
        nobody = "127.0.0.1:9"  # the comparer's questions are not to be counted among ours
        zone = {"name": ZONE, "source": sources, "compare-with": [nobody], **options}
        self.server = Understudy(self.scratch, [zone]).start()
        until("the zone arrives", lambda: self.served() is not None)

    def served(self):
        return query.serial("127.0.0.1", self.server.port, ZONE)

    def status(self):
        return self.server.status(ZONE)

    def refresh(self):
        done = self.server.verb("refresh", ZONE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def primary(self, serial=1):
        """One whose zone tells in a name which serial it has, whole or by differences from any serial before."""
        primary = ScriptedPrimary(self.scratch, ZONE, serial=serial)
        rest = [rr(ZONE, NS, name("ns." + ZONE)), a("ns." + ZONE)]
        primary.stream = lambda ident, serial: frames(
            ident, ZONE, [soa(ZONE, serial), *rest, a(f"s{serial}.{ZONE}"), soa(ZONE, serial)])
        primary.differences = lambda ident, serial, have: frames(
            ident, ZONE, [soa(ZONE, serial), soa(ZONE, have), a(f"s{have}.{ZONE}"), soa(ZONE, serial),
                          a(f"s{serial}.{ZONE}"), soa(ZONE, serial)], qtype=IXFR)
        return primary


class OwnHistories(Case):
    """Differences are asked of the primary that gave what is served; another one's zone comes whole."""

    def pinned(self):
        return [primary["pinned"] for primary in self.status()["primaries"]]

    def counts(self, *primaries):
        return [(primary.transfers, primary.increments) for primary in primaries]

    def test_one_that_is_ahead_is_waited_for(self):
        one, two = self.primary(), self.primary()
        self.start([one.source, two.source], **{"pin-tolerance": "1h"})
        self.assertEqual(self.pinned(), [True, False])
        two.serial = 2
        self.assertIn("another primary is ahead", self.refresh())
        self.assertEqual((self.served(), self.status()["primary_serial"]), (1, 2))
        self.assertIsNotNone(self.status()["out_of_sync_since"])
        one.serial = 2
        self.refresh()
        self.assertEqual(self.served(), 2)
        self.assertEqual(self.counts(one, two), [(1, 1), (0, 0)])
        # Newer than both, the other one first in the list of those that are up.
        one.serial, two.serial = 4, 3
        self.refresh()
        self.assertEqual((self.served(), self.counts(one, two)), (4, [(1, 2), (0, 0)]))
        # It dies: nothing is waited for.
        one.dark = True
        two.serial = 5
        self.refresh()
        self.assertEqual((self.served(), self.counts(one, two)), (5, [(1, 2), (1, 0)]))
        self.assertEqual(self.pinned(), [False, True])
        self.assertIn("what is served came from it", self.server.verb("status", ZONE).stdout)
        self.assertIn("primary-moved", self.server.log())
        two.serial = 6
        self.refresh()
        self.assertEqual((self.served(), self.counts(two)), (6, [(1, 1)]))
        # Whose history it is is remembered.
        self.server.stop()
        self.server.start()
        self.assertEqual(self.pinned(), [False, True])
        one.dark = False
        one.serial, two.serial = 6, 7
        self.refresh()
        self.assertEqual((self.served(), self.counts(one, two)), (7, [(1, 2), (1, 2)]))

    def test_it_is_waited_for_so_long_and_no_longer(self):
        one, two = self.primary(), self.primary()
        self.start([one.source, two.source], **{"pin-tolerance": "2s"})
        two.serial = 2
        self.assertIn("another primary is ahead", self.refresh())
        until("it is moved to, by itself", lambda: self.served() == 2)
        self.assertEqual(self.counts(one, two), [(1, 0), (1, 0)])
        self.assertEqual(self.pinned(), [False, True])

    def test_the_newest_wins(self):
        first, second, third = self.primary(), self.primary(), self.primary()
        self.start([first.source, second.source, third.source], **{"pin-tolerance": "0s"})
        second.serial, third.serial = 2, 3
        self.refresh()
        self.assertEqual(self.served(), 3)
        self.assertEqual(self.counts(first, second, third), [(1, 0), (0, 0), (1, 0)])
        # One that cannot give it is no obstacle.
        third.dark = True
        second.serial = 4
        second.stream = lambda ident, serial: []
        second.hang_up = True
        first.serial = 4
        self.refresh()
        self.assertEqual((self.served(), self.pinned()), (4, [True, False, False]))

    def test_serials_that_wrap(self):
        one, two = self.primary(serial=0xffffffff), self.primary(serial=0xffffffff)
        self.start([one.source, two.source], **{"pin-tolerance": "0s"})
        two.serial = 1  # RFC 1982: newer
        self.refresh()
        self.assertEqual(self.served(), 1)


class WithoutIxfr(Case):
    def test_the_zone_always_comes_whole(self):
        primary = self.primary()
        self.start([primary.source + "?ixfr=no"])
        primary.serial = 2
        self.refresh()
        self.assertEqual((self.served(), primary.transfers, primary.increments), (2, 2, 0))
        self.assertEqual(self.status()["primaries"][0]["source"], primary.source + "?ixfr=no")


class MisreadsEdns(Case):
    def learnt(self):
        return self.status()["primaries"][0]["learnt"]

    def no_more_edns(self, primary):
        before = primary.edns_queries
        primary.serial += 1
        self.refresh()
        self.assertEqual((self.served(), primary.edns_queries), (primary.serial, before))

    def test_formerr(self):
        primary = self.primary()
        primary.edns = "formerr"
        self.start([primary.source])
        self.assertEqual(self.learnt(), ["no-edns"])
        self.assertIn("without EDNS", self.server.verb("status", ZONE).stdout)
        self.assertEqual(primary.edns_queries, 1)
        self.no_more_edns(primary)

    def test_dropped(self):
        primary = self.primary()
        primary.edns = "dropped"
        self.start([primary.source])
        until("it is seen to be no loss on the way", lambda: self.refresh() and self.learnt() == ["no-edns"])
        self.no_more_edns(primary)

    def test_ignored(self):
        primary = self.primary()
        self.start([primary.source])
        self.refresh()
        self.assertEqual(self.learnt(), ["no-edns"])
        self.no_more_edns(primary)


class Chain:
    """A primary, a real secondary, and we behind it; to be mixed into a Case that names `middle`. Both answer EXPIRE."""

    middle = None

    def left(self):
        """What the one in the middle says, read by dnspython."""
        asked = dns.message.make_query(ZONE, "SOA", use_edns=0, options=[dns.edns.GenericOption(9, b"")])
        answer = dns.query.udp(asked, "127.0.0.1", timeout=DEADLINE, port=self.secondary.port)
        return next((struct.unpack("!I", option.data)[0] for option in answer.options if option.otype == 9), None)

    def expires(self):
        text = self.status()["expires"]
        return int(time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))) - time.timezone

    def test_what_the_middle_has_left_bounds_us(self):
        top = peers.Nsd(self.scratch, [ZONE])
        top.write_zone(ZONE, zones.small(ZONE, 1))
        top.start()
        self.secondary = self.middle(self.scratch, [ZONE]).follow(top)
        until("the zone is in the middle", lambda: self.secondary.serial(ZONE) == 1)
        whole = self.left()
        self.assertIsNotNone(whole, "this server knows no EXPIRE")
        top.stop()
        self.start([self.secondary.source])
        until("its timer goes down", lambda: self.left() <= whole - 4)
        now, left = int(time.time()), self.left()
        self.refresh()
        status = self.status()
        self.assertEqual((status["state"], status["primaries"][0]["learnt"]), ("fresh", []))
        self.assertLessEqual(self.expires(), now + left + 2)
        self.assertGreaterEqual(self.expires(), now + left - 10)


class BehindKnot(Chain, Case):
    middle = secondaries.KnotSecondary


class BehindBind(Chain, Case):
    middle = secondaries.BindSecondary


if __name__ == "__main__":
    unittest.main(verbosity=2)
