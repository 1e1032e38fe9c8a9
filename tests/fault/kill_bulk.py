"""kill -9 at each step of what is done to large zones, whose versions take several transactions each: a transfer, a hold,
`accept`, `resume`, a rollback, forgetting and collecting. Until the last step nothing of it is carried out, and behind that all
of it; each version that is kept or held is whole, and what was begun leaves nothing in the mirror.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.rdatatype

import query
from processes import until
from steps import APEX, PUBLICATION, Steps

# The nodes of a version are stored in batches of 8 MB (base/limits.h): the first, and what is left.
PUTS = ["put", "put:2"]
# A share of the mirror's 64 GiB that no large version fits in: 640 kB.
LITTLE = 1e-5


class Bulk(Steps):
    """Few names with much data: 9 MB of it. Each third version is small."""

    options = {"gate.shrink": 1.0}

    @staticmethod
    def names_of(serial):
        return range(3 if serial % 3 == 0 else 220)

    @staticmethod
    def text_of(serial, number):
        return f"v{serial}n{number}"

    @staticmethod
    def strings(text):
        return [text.ljust(250, "y")] * 160

    def take_in(self, *serials):
        self.primary.serial = serials[0]
        self.server.start()
        for serial in serials:
            self.publish(serial)

    def order(self, *words):
        self.assertEqual(self.server.verb(words[0], APEX, *words[1:]).returncode, 0, words)

    def expect_transferred(self, serial):
        zone = query.transfer("127.0.0.1", self.server.port, APEX)
        found = {int(str(owner).split(".")[0][1:]): rdata.to_text() for owner, _, rdata in zone.iterate_rdatas(dns.rdatatype.TXT)}
        self.expect_text(found, serial)

    def expect(self, state, versions):
        """`state` is the serial that is served, the one that is held, whether an operator holds it, whether it was rolled back."""
        status = self.server.status(APEX)
        held = (status["held"] or {}).get("serial")
        self.assertEqual((self.served(), held, status["on_hold"], status["rolled_back"]), state)
        if versions:
            self.expect_versions(versions)
        else:
            self.assertIn("holds no version", self.server.verb("history", APEX).stderr)

    def expect_nothing_left(self, used):
        """What was begun and never carried out is collected."""
        until("what was begun is gone", lambda: self.used() <= used + LITTLE)

    def each_step(self, steps, words, before, after):
        """Dies at each step of this order; `before` and `after` are what expect() takes. Each start looks at what the kill
        before it left, and dies at the next step."""
        used = self.used()
        self.server.stop()
        for step in steps:
            self.primary.dark = True  # what is found was there without it
            self.start_to_die_at(step)
            self.expect(*before)
            self.expect_nothing_left(used)
            self.primary.dark = False
            self.server.verb(words[0], APEX, *words[1:])
            self.expect_end(step)
        self.primary.dark = True
        self.server.start()
        self.expect(*after)
        self.expect_transferred(after[0][0])
        self.primary.dark = False

    def expect_goes_on(self, serial):
        """The next version comes in."""
        self.primary.serial = serial
        self.order("resume")
        self.order("retransfer")
        self.expect_transferred(serial)
        self.server.stop()


class Transfers(Bulk):
    def test_the_first_version(self):
        self.primary.dark = True
        self.server.start()
        self.each_step(["begin", *PUTS, *PUBLICATION], ["refresh"], ((None, None, False, False), {}), ((1, None, False, False), {1: 1}))
        self.expect_goes_on(2)

    def test_a_version_that_comes(self):
        self.take_in(1)
        self.primary.serial = 2
        self.each_step(["begin", *PUTS, *PUBLICATION], ["refresh"], ((1, None, False, False), {1: 1}), ((2, None, False, False), {1: 1, 2: 2}))
        self.assertEqual({row["how"] for row in self.server.json_verb("history", APEX)}, {"whole"})
        self.expect_goes_on(4)

    def test_a_small_one_after_it(self):
        self.take_in(2)
        self.primary.serial = 3
        self.each_step(PUBLICATION, ["refresh"], ((2, None, False, False), {1: 2}), ((3, None, False, False), {1: 2, 2: 3}))
        self.expect_goes_on(4)


class Decisions(Bulk):
    def test_holding(self):
        self.take_in(1)
        self.order("hold")
        steps = ["hold-nodes", "hold-row", "held"]
        self.primary.serial = 2
        self.each_step(["begin", *PUTS, *steps], ["refresh"], ((1, None, True, False), {1: 1}), ((1, 2, True, False), {1: 1, 2: 2}))
        # Another takes its place, and the same once more is thrown away.
        self.primary.serial = 4
        self.each_step(steps, ["refresh"], ((1, 2, True, False), {1: 1, 2: 2}), ((1, 4, True, False), {1: 1, 3: 4}))
        self.each_step(["discard"], ["retransfer"], *[((1, 4, True, False), {1: 1, 3: 4})] * 2)
        self.expect_goes_on(5)

    def test_accepting(self):
        self.take_in(1)
        self.order("hold")
        self.primary.serial = 2
        self.order("refresh")
        self.each_step(PUBLICATION, ["accept", "--version", "2"], ((1, 2, True, False), {1: 1, 2: 2}), ((2, None, True, False), {1: 1, 2: 2}))
        self.expect_goes_on(4)

    def test_resuming(self):
        self.take_in(1)
        self.order("hold")
        self.each_step(["standing"], ["resume"], *[((1, None, True, False), {1: 1})] * 2)
        self.primary.serial = 2
        self.order("refresh")
        self.each_step(PUBLICATION, ["resume"], ((1, 2, True, False), {1: 1, 2: 2}), ((2, None, False, False), {1: 1, 2: 2}))
        self.expect_goes_on(4)


class GoingBack(Bulk):
    def test_to_a_large_version_and_from_it(self):
        self.take_in(2, 3)
        self.each_step(["begin", *PUTS, *PUBLICATION], ["rollback", "--to", "1"],
                       ((3, None, False, False), {1: 2, 2: 3}), ((2, None, False, True), {1: 2, 2: 3, 3: 2}))
        self.each_step(PUBLICATION, ["rollback", "--to", "2"],
                       ((2, None, False, True), {1: 2, 2: 3, 3: 2}), ((3, None, False, True), {1: 2, 2: 3, 3: 2, 4: 3}))
        self.each_step(["standing"], ["resume"], *[((3, None, False, True), {1: 2, 2: 3, 3: 2, 4: 3})] * 2)
        self.expect_goes_on(4)


class Collecting(Bulk):
    """More nodes than are collected in one transaction (20,000)."""

    names_of = staticmethod(lambda serial: range(3 if serial % 3 == 0 else 21_000))
    strings = staticmethod(lambda text: [text.ljust(90, "y")])

    def test_what_was_begun(self):
        self.take_in(1)
        used = self.used()
        self.restart_with("publish-commit")
        self.primary.serial = 2
        self.server.verb("refresh", APEX)
        self.expect_end("publish-commit")
        self.die_while_collecting({1: 1})
        self.expect((1, None, False, False), {1: 1})
        self.expect_nothing_left(used)
        self.expect_goes_on(4)

    def test_what_is_forgotten(self):
        self.take_in(3)
        used = self.used()
        self.publish(4)
        self.publish(6)
        self.server.stop()
        self.server.zones[0]["keep.versions"] = 1
        self.die_as_it_starts("trim")
        self.expect_versions({1: 3, 2: 4, 3: 6})
        self.die_while_collecting({3: 6})
        self.expect((6, None, False, False), {3: 6})
        self.expect_nothing_left(used)
        self.expect_goes_on(7)

    def die_while_collecting(self, versions):
        """It begins as it starts."""
        for step in ("collect", "collect:2"):
            self.die_as_it_starts(step)
            self.expect_versions(versions)
        self.primary.dark = True
        self.server.start()
        self.primary.dark = False


if __name__ == "__main__":
    unittest.main(verbosity=2)
