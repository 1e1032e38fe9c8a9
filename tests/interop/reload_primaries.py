"""Whom a zone asks after its source changed, and after it was removed: nobody hears more of it than they should."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query
from primary import NS, ScriptedPrimary, a, frames, name, rr, soa, txt
from processes import Scratch, until
from understudy import Understudy

# A zone that is asked for every second, and so is a bystander, by whose questions time is told.
QUICK = {"refresh-min": "1s", "retry-min": "1s", "gate.churn": 1.0}


def version(apex):
    def stream(ident, serial):
        ends = soa(apex, serial, refresh=1, retry=1)
        return frames(ident, apex, [ends, rr(apex, NS, name("ns." + apex)), a("ns." + apex), txt(apex, f"v{serial}"), ends])
    return stream


class Primaries(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.bystander = self.primary("bystander.test")
        self.old = self.primary("zone.test")
        self.server = Understudy(self.scratch, [self.zone(self.bystander)])

    def primary(self, apex, serial=1):
        return ScriptedPrimary(self.scratch, apex, serial=serial, stream=version(apex))

    def zone(self, primary, **options):
        return {"name": primary.apex, "source": [primary.source], **QUICK, **options}

    def start(self, *zones):
        self.server.zones += zones
        self.server.start()
        until("it is served", lambda: self.served() == 1)

    def served(self):
        return query.serial("127.0.0.1", self.server.port, "zone.test")

    def reload(self, *zones):
        self.server.zones = [self.zone(self.bystander), *zones]
        self.server.write_config()
        done = self.server.verb("reload")
        self.assertEqual(done.returncode, 0, done)

    def rounds(self, count):
        """Until the bystander's primary was asked so many times more."""
        until(f"{count} rounds", lambda heard=self.bystander.questions: self.bystander.questions >= heard + count)

    def expect_silence(self, primary):
        self.rounds(1)  # what was on its way
        heard = primary.questions
        self.rounds(5)
        self.assertEqual(primary.questions, heard, "it is asked still")

    def test_another_source_takes_over_and_the_one_before_is_left_alone(self):
        self.start(self.zone(self.old))
        until("it is asked again and again", lambda: self.old.questions >= 4)
        new = self.primary("zone.test", serial=2)
        self.reload(self.zone(new))
        self.assertIn(self.served(), (1, 2), "it is served all the while")
        until("the new one's version", lambda: self.served() == 2)
        primaries = self.server.status("zone.test")["primaries"]
        self.assertEqual([primary["source"] for primary in primaries], [new.source])
        self.old.serial = 9
        self.expect_silence(self.old)
        self.assertEqual(self.served(), 2)
        new.serial = 3
        until("what the new one has next", lambda: self.served() == 3)
        self.assertEqual([row["serial"] for row in self.server.json_verb("history", "zone.test")], [3, 2, 1])

    def test_a_zone_that_a_reload_removed_is_not_asked_for(self):
        self.start(self.zone(self.old))
        until("it is asked again and again", lambda: self.old.questions >= 4)
        self.reload()
        self.expect_silence(self.old)
        self.old.notify(self.server.port)
        self.expect_silence(self.old)

    def test_a_zone_that_was_added_and_removed_is_not_asked_for(self):
        self.server.start()
        done = self.server.verb("add", "zone.test", "--source", self.old.source, "--refresh-min", "1s", "--retry-min", "1s")
        self.assertEqual(done.returncode, 0, done)
        until("it is asked again and again", lambda: self.old.questions >= 4)
        self.assertEqual(self.server.verb("remove", "zone.test").returncode, 0)
        self.expect_silence(self.old)
        # Nor after a restart, though its data are kept for a week.
        self.server.stop()
        heard = self.old.questions
        self.server.start()
        self.rounds(5)
        self.assertEqual(self.old.questions, heard)


if __name__ == "__main__":
    unittest.main(verbosity=2)
