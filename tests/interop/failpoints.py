"""The process is killed at each step of taking a new version in: before and after the restart one whole version is
served, history and zone agree, and every version that is kept is read back as it was.

A build with sanitizers stops where UNDERSTUDY_FAILPOINT says (base/failpoint.h).
"""

import os
import re
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query
from primary import NS, ScriptedPrimary, a, frames, name, rr, soa, txt
from processes import Scratch, until
from understudy import Understudy

APEX = "steps.test"


class Steps(unittest.TestCase):
    """`names_of(serial)` are the numbers of the names of that version, `text_of(serial, number)` what each says."""

    keep = 1000

    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.primary = ScriptedPrimary(self.scratch, APEX, serial=1)
        self.primary.stream = self.version
        # Here whole zones change at once: that is not what is looked at.
        self.server = Understudy(self.scratch, [{
            "name": APEX, "source": [self.primary.source], "keep.versions": self.keep, "gate.churn": 1.0}])

    def version(self, ident, serial):
        records = [txt(f"n{i}.{APEX}", self.text_of(serial, i)) for i in self.names_of(serial)]
        return frames(ident, APEX, [soa(APEX, serial), rr(APEX, NS, name("ns." + APEX)), a("ns." + APEX), *records,
                                    soa(APEX, serial)])

    def served(self):
        return query.serial("127.0.0.1", self.server.port, APEX)

    def publish(self, serial):
        self.primary.serial = serial
        self.primary.notify(self.server.port)
        until(f"serial {serial}", lambda: self.served() == serial)

    def expect_whole_history(self):
        kept = self.server.json_verb("history", APEX)
        self.assertEqual(kept[0]["serial"], self.served(), "the newest version kept is not the one served")
        versions = [row["version"] for row in kept]
        self.assertEqual(versions, list(range(versions[0], versions[0] - len(versions), -1)))
        for row in kept:
            shown = self.server.verb("show", APEX, "--version", str(row["version"]))
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), row)
            found = {int(number): text
                     for number, text in re.findall(r'^n(\d+)\.steps\.test\.\s.*"(\w+)"$', shown.stdout, re.MULTILINE)}
            serial = row["serial"]
            self.assertEqual(found, {i: self.text_of(serial, i) for i in self.names_of(serial)}, row)
        return kept

    def restart_with(self, step):
        """From now on it dies at `step`."""
        self.server.stop()
        os.environ["UNDERSTUDY_FAILPOINT"] = step
        try:
            self.server.start()
        finally:
            del os.environ["UNDERSTUDY_FAILPOINT"]

    def expect_end(self, step):
        child = self.server.process.child
        until(f"the end at {step}", lambda: child.poll() is not None)
        self.assertEqual(child.returncode, -signal.SIGKILL, self.server.log()[-3000:])
        self.server.kill()

    def kill_at(self, step, serial):
        """Has version `serial` come while the process is to die at `step`; afterwards it is there or not at all."""
        with self.subTest(step=step):
            before = self.served()
            self.restart_with(step)
            self.primary.serial = serial
            self.primary.notify(self.server.port)
            self.expect_end(step)
            self.primary.dark = True
            self.server.start()
            after = self.served()
            self.assertIn(after, (before, serial))
            self.expect_whole_history()
            self.primary.dark = False
            self.publish(serial)
            self.expect_whole_history()
            return after == serial


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
        taken = [self.kill_at(step, 3 + i) for i, step in enumerate(
            ["publish-nodes", "publish-change", "publish-row", "publish-commit", "published"])]
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
        taken = [self.kill_at(step, 4 + i) for i, step in enumerate(
            ["begin", "put", "publish-nodes", "publish-change", "publish-row", "publish-commit", "published", "collect"])]
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

    def held(self):
        held = self.server.status(APEX)["held"]
        return held and held["serial"]

    def expect_one_whole_held_version(self, serials):
        self.assertEqual(self.served(), 1)
        self.assertIn(self.held(), serials)
        newest = self.server.json_verb("history", APEX)[0]
        self.assertEqual((newest["serial"], bool(newest["held"])), (self.held(), True))
        shown = self.server.verb("show", APEX, "--version", str(newest["version"])).stdout
        found = {int(n): text for n, text in re.findall(r'^n(\d+)\.steps\.test\.\s.*"(\w+)"$', shown, re.MULTILINE)}
        self.assertEqual(found, {i: self.text_of(self.held(), i) for i in self.names_of(self.held())})

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
        for step in ["publish-nodes", "publish-change", "publish-row", "publish-commit", "published"]:
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
            shown = self.server.verb("show", APEX, "--version", str(row["version"])).stdout
            self.assertEqual(len(re.findall(r"^n\d+\.steps", shown, re.MULTILINE)), len(self.names_of(row["serial"])))


class GoingBack(Steps):
    """A rollback, and an operator's hold: killed at each step, it is done or not at all, and what was decided is remembered."""

    names_of = staticmethod(SmallChange.names_of)
    text_of = staticmethod(SmallChange.text_of)

    def die_of(self, step, *order):
        self.restart_with(step)
        self.server.verb(*order)
        self.expect_end(step)
        self.primary.dark = True
        self.server.start()

    def test_every_step_of_a_rollback(self):
        self.server.start()
        for serial in (1, 2, 3):
            self.publish(serial)
        self.primary.dark = True
        for step in ["publish-nodes", "publish-change", "publish-row", "publish-commit", "published"]:
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

    def expect_versions(self, serials):
        rows = self.server.json_verb("history", APEX)
        self.assertEqual({row["version"]: row["serial"] for row in rows}, serials)
        for row in rows:
            shown = self.server.verb("show", APEX, "--version", str(row["version"])).stdout
            found = {int(n): text for n, text in re.findall(r'^n(\d+)\.steps\.test\.\s.*"(\w+)"$', shown, re.MULTILINE)}
            self.assertEqual(found, {i: self.text_of(row["serial"], i) for i in self.names_of(row["serial"])}, row)


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
        os.environ["UNDERSTUDY_FAILPOINT"] = "trim"
        try:
            self.server.write_config()
            with self.assertRaises(AssertionError):  # it dies as soon as it looks
                self.server.start()
                until("the end", lambda: self.server.process.require_alive() and False)
        finally:
            del os.environ["UNDERSTUDY_FAILPOINT"]
        self.assertEqual(self.server.process.child.returncode, -signal.SIGKILL)
        self.server.kill()
        self.server.start()
        until("two versions", lambda: len(self.expect_whole_history()) == 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
