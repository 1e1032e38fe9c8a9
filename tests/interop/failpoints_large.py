"""The process is killed while what an operator decides about a large zone is carried out: a rollback, a hold, what is held,
`accept` and `resume` take several transactions each there. Before and after the restart one whole version is served, it is
decided or not at all, and nothing that was begun stays in the mirror. First at each step, then at random instants.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

from failpoints import APEX, Steps
from primary import TXT, rr
from processes import until
from understudy import BINARY

PUBLICATION = ["publish-nodes", "publish-change", "publish-row", "publish-commit", "published"]
KILLS = int(os.environ.get("UNDERSTUDY_KILLS", "200")) // 8
KILLING = 300.0  # seconds; on a slow machine there are fewer kills


class Large(Steps):
    """All names of a version differ from those of the next; its nodes are more than a commit stores, and more than one
    collects."""

    @staticmethod
    def names_of(_):
        return range(24_000)

    @staticmethod
    def record(owner, text):
        """The last string is what it says."""
        return rr(owner, TXT, (b"\xaf" + b"y" * 175) * 2 + bytes([len(text)]) + text.encode())

    @staticmethod
    def text_of(serial, _):
        return f"v{serial}"

    def used(self):
        """Of the mirror; free pages do not count."""
        return self.server.metric("lmdb_map_used_ratio")

    def expect_nothing_left(self, before):
        """What was begun and never finished is collected."""
        until("what was begun is gone", lambda: self.used() <= before * 1.01)

    def standing(self):
        status = self.server.status(APEX)
        return status["on_hold"], status["rolled_back"]

    def tell(self, serial, what, condition):
        """Has the version asked for, once more where the question timed out on a loaded machine."""
        self.primary.serial = serial
        until(what, lambda: condition() or self.primary.notify(self.server.port), pause=0.5)

    def hold_serial(self, serial):
        self.assertEqual(self.server.verb("hold", APEX).returncode, 0)
        self.tell(serial, "it is held", lambda: self.held() == serial)


class GoingBack(Large):
    def setUp(self):
        super().setUp()
        self.server.start()
        for serial in (1, 2):
            self.publish(serial)
        self.primary.dark = True
        self.before = self.used()

    def test_every_step_of_a_rollback(self):
        for step in ["begin", "put", "put:2", *PUBLICATION]:
            with self.subTest(step=step):
                self.die_of(step, "rollback", APEX, "--to", "1")
                done = step == "published"
                self.assertEqual((self.served(), self.standing()), (1, (False, True)) if done else (2, (False, False)))
                self.expect_versions({1: 1, 2: 2, **({3: 1} if done else {})})
                if not done:
                    self.expect_nothing_left(self.before)

    def test_every_step_of_collecting_what_a_rollback_left(self):
        self.restart_with("put:2")
        self.server.verb("rollback", APEX, "--to", "1")
        self.expect_end("put:2")
        for step in ("collect", "collect:2"):
            self.die_as_it_starts(step)
        self.server.start()
        self.assertEqual((self.served(), self.standing()), (2, (False, False)))
        self.expect_nothing_left(self.before)
        self.expect_versions({1: 1, 2: 2})


class Holding(Large):
    def setUp(self):
        super().setUp()
        self.server.start()
        self.publish(1)

    def test_every_step_of_holding_and_of_what_comes_again(self):
        before = self.used()
        self.assertEqual(self.server.verb("hold", APEX).returncode, 0)
        for step in ["begin", "put", "put:2", "hold-nodes", "hold-row", "held"]:
            with self.subTest(step=step):
                self.restart_with(step)
                child = self.server.process.child
                self.tell(2, f"the end at {step}", lambda child=child: child.poll() is not None)
                self.expect_end(step)
                self.primary.dark = True
                self.server.start()
                held = 2 if step == "held" else None
                self.assertEqual((self.served(), self.held(), self.standing()), (1, held, (True, False)))
                self.expect_versions({1: 1, **({2: 2} if held else {})})
                if not held:
                    self.expect_nothing_left(before)
                self.primary.dark = False
        # The same once more is built, and thrown away.
        before = self.used()
        self.die_of("discard", "retransfer", APEX)
        self.assertEqual((self.served(), self.held()), (1, 2))
        self.expect_nothing_left(before)
        self.expect_versions({1: 1, 2: 2})

    def each_step_of_publishing(self, *order, still):
        """`still` is what is decided until it is done."""
        self.hold_serial(2)
        self.primary.dark = True
        before = self.used()
        for step in PUBLICATION:
            with self.subTest(step=step):
                self.die_of(step, *order)
                done = step == "published"
                self.assertEqual((self.served(), self.held()), (2, None) if done else (1, 2))
                self.assertEqual(self.standing(), still if done else (True, False))
                self.expect_versions({1: 1, 2: 2})
                self.expect_nothing_left(before)

    def test_every_step_of_accepting(self):
        self.each_step_of_publishing("accept", APEX, "--version", "2", still=(True, False))

    def test_every_step_of_resuming(self):
        self.each_step_of_publishing("resume", APEX, still=(False, False))


class AtRandom(Large):
    """Orders come one after the other, and each is cut short somewhere, now and then behind its end."""

    keep = 4

    @staticmethod
    def names_of(_):
        return range(6_000)

    def rows(self):
        return self.server.json_verb("history", APEX)

    def order(self, rng, rows):
        """An order that means something just now: its words, and the serial that is served once it is carried out."""
        on_hold, rolled_back = self.standing()
        served, held = self.served(), self.held()
        orders = [(["refresh", APEX], served if on_hold or rolled_back else self.primary.serial + 1)]
        older = [row for row in rows if not row["held"]][1:]
        if older:
            row = rng.choice(older)
            orders.append((["rollback", APEX, "--to", str(row["version"])], row["serial"]))
        if held:
            version = next(row["version"] for row in rows if row["held"])
            orders.append((["accept", APEX, "--version", str(version)], held))
        orders.append((["resume", APEX], held or self.primary.serial) if on_hold or rolled_back else (["hold", APEX], served))
        order, target = rng.choice(orders)
        self.primary.serial += order[0] == "refresh"
        return order, target

    def cut_short(self, rng, order, took):
        """`took` is how long the like takes on this machine, as busy as it is."""
        with subprocess.Popen([BINARY, *order, "--config", self.server.config], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL):
            threading.Event().wait(rng.random() * 1.5 * took)
            self.server.kill()

    def expect_one_of(self, before, target, order):
        rows = self.rows()
        kept = [row for row in rows if not row["held"]]
        self.assertIn(self.served(), (before, target), order)
        self.assertEqual(kept[0]["serial"], self.served(), "the newest version kept is not the one served")
        self.assertEqual([row["serial"] for row in rows if row["held"]], [self.held()] if self.held() else [])
        versions = [row["version"] for row in rows]
        self.assertEqual(versions, sorted(set(versions), reverse=True))
        self.assertLessEqual(len(kept), self.keep)
        return rows

    def test_orders_that_are_cut_short(self):
        rng = random.Random()
        seed = rng.randrange(1 << 32)
        rng.seed(seed)
        print(f"seed {seed}, {KILLS} kills", flush=True)
        self.server.start()
        empty = self.used()
        self.publish(1)
        of_a_version = self.used() - empty
        self.publish(2)
        began = time.monotonic()
        self.publish(3)
        took = time.monotonic() - began
        end, kills, done, rows = time.monotonic() + KILLING, 0, 0, self.rows()
        while kills < KILLS and time.monotonic() < end:
            before, newest = self.served(), rows[0]["version"]
            order, target = self.order(rng, rows)
            self.cut_short(rng, order, took)
            self.primary.dark = True
            self.server.start()
            rows = self.expect_one_of(before, target, order)
            for row in {row["version"]: row for row in (rows[0], rng.choice(rows))}.values():
                self.expect_read_back(row)
            self.primary.dark = False
            kills, done = kills + 1, done + (rows[0]["version"] != newest)
        for row in rows:
            self.expect_read_back(row)
        print(json.dumps({"kills": kills, "versions made": done}))
        if kills >= 16:
            self.assertGreater(done, 0, "no order was ever carried out: nothing was tested")
        # Of all that was begun only what is listed is there: each may have been written anew.
        until("the rest is collected", lambda: self.used() - empty < of_a_version * (len(rows) + 0.5))
        self.primary.serial += 1
        for verb in ("resume", "retransfer"):
            self.assertEqual(self.server.verb(verb, APEX).returncode, 0)
        self.assertEqual(self.served(), self.primary.serial)


if __name__ == "__main__":
    unittest.main(verbosity=2)
