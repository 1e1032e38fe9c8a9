"""A zone of numbered names behind a server that is killed at a failpoint: what is found afterwards is one whole version, and so
is every other that is kept.

A build with sanitizers stops where UNDERSTUDY_FAILPOINT says (base/failpoint.h).
"""

import re
import signal
import unittest

import query
from primary import NS, TXT, ScriptedPrimary, a, frames, name, rr, soa
from processes import Scratch, until
from understudy import Understudy

APEX = "steps.test"
PUBLICATION = ["publish-nodes", "publish-change", "publish-row", "publish-commit", "published"]
RECORD = re.compile(r"^n(\d+)\.steps\.test\.\s+300\s+IN\s+TXT\s+(.*)$", re.MULTILINE)


class Steps(unittest.TestCase):
    """`names_of(serial)` are the numbers of the names of that version, `text_of(serial, number)` what each says."""

    keep = 1000
    options = {}

    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.primary = ScriptedPrimary(self.scratch, APEX, serial=1)
        self.primary.stream = self.version
        # Here whole zones change at once: that is not what is looked at.
        self.server = Understudy(self.scratch, [{"name": APEX, "source": [self.primary.source], "keep.versions": self.keep,
                                                 "allow-transfer": ["127.0.0.1"], "gate.churn": 1.0, **self.options}])

    @staticmethod
    def strings(text):
        """Of the TXT record that says so."""
        return [text]

    def record(self, serial, number):
        strings = [text.encode() for text in self.strings(self.text_of(serial, number))]
        return rr(f"n{number}.{APEX}", TXT, b"".join(bytes([len(octets)]) + octets for octets in strings))

    def version(self, ident, serial):
        records = [self.record(serial, i) for i in self.names_of(serial)]
        return frames(ident, APEX, [soa(APEX, serial), rr(APEX, NS, name("ns." + APEX)), a("ns." + APEX), *records,
                                    soa(APEX, serial)])

    def served(self):
        return query.serial("127.0.0.1", self.server.port, APEX)

    def held(self):
        """The serial of the version that is held."""
        held = self.server.status(APEX)["held"]
        return held and held["serial"]

    def publish(self, serial):
        self.primary.serial = serial
        self.primary.notify(self.server.port)
        until(f"serial {serial}", lambda: self.served() == serial)

    def used(self):
        """Of the mirror; free pages do not count."""
        return self.server.metric("lmdb_map_used_ratio")

    def expect_read_back(self, row):
        """A version, live, kept or held, is what its serial says."""
        shown = self.server.verb("show", APEX, "--version", str(row["version"]))
        self.assertEqual((shown.returncode, shown.stderr), (0, ""), row)
        self.expect_text({int(number): text for number, text in RECORD.findall(shown.stdout)}, row["serial"])

    def expect_text(self, found, serial):
        wanted = {i: " ".join(f'"{text}"' for text in self.strings(self.text_of(serial, i))) for i in self.names_of(serial)}
        wrong = sorted(i for i in found.keys() | wanted.keys() if found.get(i) != wanted.get(i))
        self.assertEqual([(i, (found.get(i) or "nothing")[:80]) for i in wrong[:5]], [], f"{len(wrong)} names of serial {serial}")

    def expect_whole_history(self):
        kept = self.server.json_verb("history", APEX)
        self.assertEqual(kept[0]["serial"], self.served(), "the newest version kept is not the one served")
        versions = [row["version"] for row in kept]
        self.assertEqual(versions, list(range(versions[0], versions[0] - len(versions), -1)))
        for row in kept:
            self.expect_read_back(row)
        return kept

    def expect_versions(self, serials):
        """These versions are there, held ones too, each whole."""
        rows = self.server.json_verb("history", APEX)
        self.assertEqual({row["version"]: row["serial"] for row in rows}, serials)
        for row in rows:
            self.expect_read_back(row)

    def start_to_die_at(self, step):
        self.server.start({"UNDERSTUDY_FAILPOINT": step})

    def restart_with(self, step):
        """From now on it dies at `step`."""
        self.server.stop()
        self.start_to_die_at(step)

    def expect_end(self, step):
        child = self.server.process.child
        until(f"the end at {step}", lambda: child.poll() is not None)
        self.assertEqual(child.returncode, -signal.SIGKILL, self.server.log()[-3000:])
        self.server.kill()

    def die_of(self, step, *order):
        """An order is its end; then it starts without its primary."""
        self.restart_with(step)
        self.server.verb(*order)
        self.expect_end(step)
        self.primary.dark = True
        self.server.start()

    def die_as_it_starts(self, step):
        with self.assertRaises(AssertionError):
            self.start_to_die_at(step)
            until("the end", lambda: self.server.process.require_alive() and False)
        self.expect_end(step)

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
