"""Primaries that refuse hundreds of connections, or drip: no storm, no flood in the log, no descriptor is lost, the zones of
others are not held up, and what comes back is believed again."""

import os
import socket
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query
from primary import NS, SOA, ScriptedPrimary, a, frame, frames, message, name, rr, soa, txt
from processes import Scratch, free_port, until
from relay import Relay
from understudy import Understudy


def whole(apex, ident, serial):
    return frames(ident, apex, [soa(apex, serial), rr(apex, NS, name("ns." + apex)), a("ns." + apex), txt(apex, f"v{serial}"),
                                soa(apex, serial)])


def apex_of_query(octets):
    labels, at = [], 12
    while octets[at]:
        labels.append(octets[at + 1:at + 1 + octets[at]].decode())
        at += 1 + octets[at]
    return ".".join(labels)


class AnyZone(ScriptedPrimary):
    """A primary of whatever zone it is asked for, with serial 1."""

    def __init__(self, scratch):
        super().__init__(scratch, "unused.test")
        self.connections = 0

    def _answer_soa(self, query_octets):
        apex = apex_of_query(query_octets)
        return message(struct.unpack("!H", query_octets[:2])[0], apex, [soa(apex, self.serial)], qtype=SOA)

    def _serve(self, connection):
        with self.lock:
            self.connections += 1
        with connection:
            connection.settimeout(60)
            try:
                while octets := self._read_frame(connection):
                    self.answer(connection, octets)
            except OSError:
                pass  # the other side went away, which is its right

    def answer(self, connection, octets):
        self._send(connection, whole(apex_of_query(octets), struct.unpack("!H", octets[:2])[0], self.serial))


class Dripping(AnyZone):
    """A message of 65,535 octets, one a second."""

    def answer(self, connection, octets):
        connection.sendall(b"\xff\xff")
        for octet in octets + bytes(65_535 - len(octets)):
            connection.sendall(bytes([octet]))
            if self._stopping.wait(1.0):
                return


class Refusing(unittest.TestCase):
    ZONES = 500

    def test_five_hundred_connections_refused(self):
        scratch = Scratch()
        self.addCleanup(scratch.close)
        port = free_port()
        healthy = ScriptedPrimary(scratch, "healthy.test")
        healthy.stream = lambda ident, serial: whole("healthy.test", ident, serial)
        zones = [{"name": f"z{i}.test", "source": [f"axfr://127.0.0.1:{port}"], "retry-min": "1s", "retry-max": "5s"} for i in range(self.ZONES)]
        server = Understudy(scratch, [*zones, {"name": "healthy.test", "source": [healthy.source]}]).start()
        until("the healthy one", lambda: query.serial("127.0.0.1", server.port, "healthy.test") == 1)

        def refused():
            return server.metric("transfers_in_total", result="connection-refused") or 0

        def failures():
            """When each zone met its primary last, as text that can be ordered."""
            zones = server.json_verb("status")["zones"]
            return [zone["primaries"][0]["failure"] for zone in zones if zone["zone"] != "healthy.test."]

        def descriptors():
            return len(os.listdir(f"/proc/{server.process.pid}/fd"))

        # Those that were refused wait ever longer, and all of them together: three tell that it is down, the others wait
        # while it is (sync/primary_health.h).
        until("every zone was tried", lambda: all(failures()))
        until("some were refused", lambda: refused() >= 3)
        lines = server.log().count("\n")
        open_before = descriptors()
        # A zone that was refused once asks for the SOA first, which is no transfer that could be counted.
        told = max(failure["when"] for failure in failures())
        until("it goes on", lambda: max(failure["when"] for failure in failures()) > told)
        self.assertLess(refused(), 2 * self.ZONES, "a storm")
        # A zone tells once that its primary is down; trying again is not told again and again.
        self.assertLessEqual(server.log().count(" primary-down "), self.ZONES)
        self.assertLess(server.log().count("\n") - lines, 50)
        self.assertLess(abs(descriptors() - open_before), 20)
        healthy.serial = 2
        healthy.notify(server.port)
        until("a change of the healthy one", lambda: query.serial("127.0.0.1", server.port, "healthy.test") == 2)
        # It comes up at that very port.
        primary = AnyZone(scratch)
        Relay(scratch, primary.port, port=port)
        until("all of them", lambda: server.metric("zones", state="fresh") == self.ZONES + 1)


class Drip(unittest.TestCase):
    def test_an_octet_a_second_holds_nobody_up(self):
        scratch = Scratch()
        self.addCleanup(scratch.close)
        dripping = Dripping(scratch)
        healthy = ScriptedPrimary(scratch, "healthy.test")
        healthy.stream = lambda ident, serial: whole("healthy.test", ident, serial)
        zones = [{"name": f"d{i}.test", "source": [dripping.source]} for i in range(300)]
        server = Understudy(scratch, [*zones, {"name": "healthy.test", "source": [healthy.source]}]).start()
        until("the healthy one", lambda: query.serial("127.0.0.1", server.port, "healthy.test") == 1)
        until("many drip", lambda: dripping.connections >= 60)
        for serial in (2, 3, 4):
            healthy.serial = serial
            healthy.notify(server.port)
            until(f"serial {serial}",
                  lambda serial=serial: query.serial("127.0.0.1", server.port, "healthy.test") == serial)
        # Each is given up, since so little is no progress. Then one tries now and again, the others wait
        # (sync/primary_health.h).
        met = dripping.connections
        until("they are given up", lambda: (server.metric("transfers_in_total", result="timeout") or 0) >= 60, deadline=180)
        until("one tries again", lambda: dripping.connections > met, deadline=180)
        self.assertLess(len(os.listdir(f"/proc/{server.process.pid}/fd")), 400)


if __name__ == "__main__":
    unittest.main(verbosity=2)
