"""One primary, one zone: it arrives by AXFR, a change arrives after the primary's own NOTIFY, every answer agrees."""

import unittest

import mirrored
import query
import zones
from processes import Scratch, free_port, until
from understudy import Understudy


class PrimarySuite:
    """To be mixed into a unittest.TestCase that names `peer` (a class of peers.py)."""

    apex = "interop.example."
    peer = None
    leave_out = ()  # owners that the primary does not load

    decided = {}  # see mirrored.compare()

    def versions(self):
        """((serial, zone file, questions) before and after)."""
        for serial, changed in ((41, False), (42, True)):
            yield (serial, *zones.generate(self.apex, serial, leave_out=self.leave_out, changed=changed))

    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def test_arrives_changes_and_answers_alike(self):
        (first, text, _), (second, changed_text, questions) = self.versions()
        port = free_port()
        primary = self.peer(self.scratch, [self.apex], notify=[port])
        primary.write_zone(self.apex, text)
        primary.start()
        server = Understudy(self.scratch, [{"name": self.apex, "source": [primary.source], "compare-with": [f"127.0.0.1:{primary.port}"],
                                            "allow-transfer": ["127.0.0.1"]}],
                            listen=[f"127.0.0.1:{port}"]).start()
        ours, theirs = ("127.0.0.1", port), ("127.0.0.1", primary.port)
        until("the zone arrives", lambda: query.serial(*ours, self.apex) == first, deadline=180)

        # The zone's own refresh is a day: what comes sooner comes by NOTIFY.
        notified = server.metric("notify_received_total") or 0
        primary.write_zone(self.apex, changed_text)
        primary.reload()
        until("the change arrives after NOTIFY", lambda: query.serial(*ours, self.apex) == second, deadline=180)
        self.assertGreater(server.metric("notify_received_total"), notified)

        found = mirrored.compare(ours, theirs, questions, self.decided)
        if found:
            self.fail("\n".join([f"{len(found)} of {2 * len(questions)} answers differ:", *found[:60]]))
        self.assertEqual(records(ours, self.apex), records(theirs, self.apex), "what we transfer out is the zone")


def records(server, apex):
    zone = query.transfer(*server, apex)
    return {(name.canonicalize(), ttl, rdata.rdtype, rdata.to_digestable()) for name, ttl, rdata in zone.iterate_rdatas()}


def main():
    unittest.main(verbosity=2)
