"""The process is killed at each step of taking a new version in: before and after the restart one whole version is
served, history and zone agree, and every version that is kept is read back as it was.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

from processes import until
from steps import APEX, PUBLICATION, Steps


class SmallChange(Steps):
    """One name of 50 changes: a difference, put in place."""

    @staticmethod
    def names_of(_):
        return range(50)

    @staticmethod
    def text_of(serial, number):
        return f"v{serial}" if number == 7 else "same"

    def test_every_step_of_a_small_change(self):
        self.server.start()
        self.publish(1)
        self.publish(2)
        taken = [self.kill_at(step, 3 + i) for i, step in enumerate(PUBLICATION)]
        self.assertEqual(taken, [False, False, False, False, True])
        self.assertEqual({row["how"] for row in self.expect_whole_history()[:-1]}, {"difference"})


class LargeChange(Steps):
    """All of 80,000 names change, and only three versions are kept: generations come, are kept whole, and go."""

    keep = 3

    @staticmethod
    def names_of(_):
        return range(80_000)

    @staticmethod
    def text_of(serial, _):
        return f"v{serial}"

    def test_every_step_of_a_large_change(self):
        self.server.start()
        for serial in (1, 2, 3):
            self.publish(serial)
        taken = [self.kill_at(step, 4 + i) for i, step in enumerate(["begin", "put", *PUBLICATION, "collect"])]
        # What there is to collect may stem from before: then it dies without the new version.
        self.assertEqual(taken[:-1], [False] * 6 + [True])
        kept = self.expect_whole_history()
        self.assertEqual([row["how"] for row in kept], ["whole"] * 3)


class Holding(Steps):
    """Half of 50 names go: the version is held, and accepted. Killed at each step, it is held or not at all."""

    @staticmethod
    def names_of(serial):
        return range(50 if serial == 1 else 25 - serial)

    @staticmethod
    def text_of(serial, number):
        return f"v{serial}" if number == 7 else "same"

    def expect_one_whole_held_version(self, serials):
        self.assertEqual(self.served(), 1)
        self.assertIn(self.held(), serials)
        newest = self.server.json_verb("history", APEX)[0]
        self.assertEqual((newest["serial"], bool(newest["held"])), (self.held(), True))
        self.expect_read_back(newest)

    def test_every_step_of_holding_and_accepting(self):
        self.server.start()
        self.publish(1)
        self.primary.serial = 2
        self.primary.notify(self.server.port)
        until("it is held", lambda: self.held() == 2)
        for serial, step in enumerate(["hold-nodes", "hold-row", "held"], 3):
            with self.subTest(step=step):
                before = self.held()
                self.restart_with(step)
                self.primary.serial = serial
                self.primary.notify(self.server.port)
                self.expect_end(step)
                self.server.start()
                self.expect_one_whole_held_version([before, serial])
                self.primary.notify(self.server.port)
                until("it is held", lambda serial=serial: self.held() == serial)
        for step in PUBLICATION:
            with self.subTest(step=step):
                self.restart_with(step)
                version = self.server.status(APEX)["held"]["version"]
                self.server.verb("accept", APEX, "--version", str(version))
                self.expect_end(step)
                self.server.start()
                if step == "published":
                    break
                self.expect_one_whole_held_version([5])
        self.assertEqual((self.served(), self.held()), (5, None))
        self.expect_versions_read_back()

    def expect_versions_read_back(self):
        rows = self.server.json_verb("history", APEX)
        self.assertEqual([row["serial"] for row in rows], [5, 1])
        for row in rows:
            self.expect_read_back(row)


class GoingBack(Steps):
    """A rollback, and an operator's hold: killed at each step, it is done or not at all, and what was decided is remembered."""

    names_of = staticmethod(SmallChange.names_of)
    text_of = staticmethod(SmallChange.text_of)

    def test_every_step_of_a_rollback(self):
        self.server.start()
        for serial in (1, 2, 3):
            self.publish(serial)
        self.primary.dark = True
        for step in PUBLICATION:
            with self.subTest(step=step):
                self.die_of(step, "rollback", APEX, "--to", "1")
                done = step == "published"
                self.assertEqual(self.served(), 1 if done else 3)
                self.assertEqual(self.server.status(APEX)["rolled_back"], done)
                self.expect_versions({1: 1, 2: 2, 3: 3, **({4: 1} if done else {})})

    def test_an_operators_hold(self):
        self.server.start()
        self.publish(1)
        self.primary.dark = True
        self.die_of("standing", "hold", APEX)
        self.assertFalse(self.server.status(APEX)["on_hold"])
        self.assertEqual(self.served(), 1)
        self.expect_versions({1: 1})

    def test_resuming_while_nothing_is_held(self):
        self.server.start()
        for serial in (1, 2):
            self.publish(serial)
        self.primary.dark = True
        for order, decided in ((("hold", APEX), "on_hold"), (("rollback", APEX, "--to", "1"), "rolled_back")):
            with self.subTest(decided=decided):
                self.assertEqual(self.server.verb(*order).returncode, 0)
                before = self.served()
                self.die_of("standing", "resume", APEX)
                self.assertTrue(self.server.status(APEX)[decided])
                self.assertEqual((self.served(), self.held()), (before, None))
                self.assertEqual(self.server.verb("resume", APEX).returncode, 0)
                self.assertFalse(self.server.status(APEX)[decided])
        self.expect_versions({1: 1, 2: 2, 3: 1})


class Forgetting(Steps):
    """Versions are forgotten when fewer are to be kept."""

    names_of = staticmethod(SmallChange.names_of)
    text_of = staticmethod(SmallChange.text_of)

    def test_every_step_of_forgetting(self):
        self.server.start()
        for serial in range(1, 8):
            self.publish(serial)
        self.server.stop()
        self.server.zones[0]["keep.versions"] = 2
        self.die_as_it_starts("trim")
        self.server.start()
        until("two versions", lambda: len(self.expect_whole_history()) == 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
