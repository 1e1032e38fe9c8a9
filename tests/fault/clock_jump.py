"""The wall clock jumps, by an hour and by a year, forward and back: what is served goes on, changes come in as before, and
a restart neither expires a zone that was fresh nor puts off its next check beyond REFRESH (RFC 1034 4.3.5 counts seconds).
"""

import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.edns
import dns.rcode

import query
from primary import NS, ScriptedPrimary, a, frames, name, rr, soa, txt
from processes import Scratch, until
from understudy import Understudy

HOUR, YEAR = 3600, 365 * 86400
APEX = "clock.test"


def version(ident, serial):
    timers = {"refresh": 1, "retry": 1, "expire": 14 * 86400}
    return frames(ident, APEX, [soa(APEX, serial, **timers), rr(APEX, NS, name("ns." + APEX)), a("ns." + APEX),
                                txt(APEX, f"v{serial}"), soa(APEX, serial, **timers)])


class ClockJump(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.primary = ScriptedPrimary(self.scratch, APEX, serial=1, stream=version)
        self.server = Understudy(self.scratch, [{"name": APEX, "source": [self.primary.source], "refresh-min": "1s",
                                                 "retry-min": "1s", "gate.churn": 1.0}])
        self.offset = os.path.join(self.scratch.path, "offset")
        self.set_clock(0)

    def set_clock(self, seconds):
        """In place: the process has the file mapped."""
        with open(self.offset, "r+b" if os.path.exists(self.offset) else "wb") as file:
            file.write(struct.pack("=q", seconds))

    def start(self):
        self.server.start({"LD_PRELOAD": os.environ["UNDERSTUDY_CLOCK"], "CLOCK_OFFSET": self.offset,
                           "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"})

    def served(self):
        return query.serial("127.0.0.1", self.server.port, APEX)

    def expect_next(self):
        """A change comes by itself, without a NOTIFY: timers go on."""
        self.primary.serial += 1
        until(f"serial {self.primary.serial}", lambda: self.served() == self.primary.serial)
        self.assertEqual(self.server.status(APEX)["state"], "fresh")

    def test_while_it_runs(self):
        self.start()
        until("the first version", lambda: self.served() == 1)
        before = self.server.status(APEX)["published"]
        for jump in (HOUR, -HOUR, YEAR, -YEAR, 0):
            with self.subTest(jump=jump):
                self.set_clock(jump)
                self.assertEqual(self.served(), self.primary.serial)
                self.expect_next()
        self.set_clock(YEAR)
        self.expect_next()
        # The clock was the one that jumped: else nothing of this shows anything.
        self.assertEqual(int(self.server.status(APEX)["published"][:4]) - int(before[:4]), 1)

    def test_across_a_restart(self):
        for jump in (HOUR, -HOUR, -YEAR):
            with self.subTest(jump=jump):
                self.set_clock(0)
                self.start()
                self.expect_next()
                self.server.stop()
                self.set_clock(jump)
                self.start()
                self.assertEqual(self.served(), self.primary.serial)
                self.expect_next()
                self.server.stop()

    def test_a_year_later_it_is_expired_until_a_primary_says_otherwise(self):
        self.start()
        self.expect_next()
        self.server.stop()
        self.primary.dark = True
        self.set_clock(YEAR)
        self.start()
        self.assertEqual(self.server.status(APEX)["state"], "expired")
        self.assertIsNone(self.served())
        self.primary.dark = False
        self.primary.notify(self.server.port)
        until("it is served again", lambda: self.served() == self.primary.serial)

    def test_serving_stale_has_an_end(self):
        """Past EXPIRE it is served with EDE 3, by policy; past the policy's bound it is SERVFAIL with EDE 24 (RFC 8914 4.25)."""
        expire, bound = 14 * 86400, 7 * 86400
        self.server.zones[0]["on-expire"] = f"serve-stale:{bound // 86400}d"
        self.start()
        self.expect_next()
        self.primary.dark = True
        for late, state, answer in ((expire - HOUR, None, (dns.rcode.NOERROR, [])), (expire + HOUR, "stale", (dns.rcode.NOERROR, [3])),
                                    (expire + bound - HOUR, "stale", (dns.rcode.NOERROR, [3])),
                                    (expire + bound + HOUR, "expired", (dns.rcode.SERVFAIL, [24]))):
            with self.subTest(late=late):
                self.server.stop()
                self.set_clock(late)
                self.start()
                self.assertEqual(self.answer(), answer)
                told = self.server.status(APEX)["state"]
                self.assertEqual(told, state) if state else self.assertIn(told, ("fresh", "retrying"))
                self.assertEqual(self.server.metric("zone_stale", zone=APEX + "."), int(state == "stale"))
        # The end is no end for good.
        self.primary.dark = False
        self.primary.serial += 1
        self.primary.notify(self.server.port)
        until("it is served again", lambda: self.served() == self.primary.serial)
        self.assertEqual(self.answer(), (dns.rcode.NOERROR, []))

    def answer(self):
        """RCODE and extended errors of an answer with data."""
        answer = query.udp("127.0.0.1", self.server.port, APEX, "TXT")
        self.assertEqual(len(answer.answer), int(answer.rcode() == dns.rcode.NOERROR))
        return answer.rcode(), [option.code for option in answer.options if isinstance(option, dns.edns.EDEOption)]


if __name__ == "__main__":
    unittest.main(verbosity=2)
