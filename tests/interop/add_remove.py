"""Zones that come and go while the server runs: `understudy add` and `remove`, with a real primary."""

import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.rcode

import peers
import query
import zones
from processes import Scratch, free_port, until
from understudy import BINARY, Understudy

CONFIGURED, ADDED = "configured.example.", "added.example."


class AddAndRemove(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.port = free_port()
        self.primary = peers.Nsd(self.scratch, [CONFIGURED, ADDED], notify=[self.port])
        for apex in (CONFIGURED, ADDED):
            self.write(apex, 1)
        self.primary.start()
        self.server = Understudy(self.scratch, [self.configured()], listen=[f"127.0.0.1:{self.port}"]).start()
        until("the configured zone arrives", lambda: self.served(CONFIGURED) == 1)

    def configured(self, apex=CONFIGURED):
        return {"name": apex, "source": [self.primary.source]}

    def write(self, apex, serial):
        self.primary.write_zone(apex, zones.small(apex, serial))

    def served(self, apex):
        return query.serial("127.0.0.1", self.port, apex)

    def rcode(self, apex):
        return query.udp("127.0.0.1", self.port, "www." + apex, "TXT").rcode()

    def fine(self, *verb):
        done = self.server.verb(*verb)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def refused(self, *verb):
        """The one line that says why not."""
        done = self.server.verb(*verb)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done)
        return done.stderr

    def add(self, *more):
        return self.fine("add", ADDED, "--source", self.primary.source, *more)

    def restart(self):
        self.server.stop()
        self.server.start()

    def test_a_data_directory_is_enough(self):
        self.add()
        until("the added zone arrives", lambda: self.served(ADDED) == 1)
        self.server.stop()
        alone = self.scratch.start("alone", [BINARY, "serve", "--data", self.server.data,
                                             "--listen", f"127.0.0.1:{self.port}"])
        until("it is served", lambda: alone.require_alive() and self.served(ADDED) == 1)
        self.assertEqual(self.rcode(CONFIGURED), dns.rcode.REFUSED)

    def test_from_first_to_last(self):
        self.assertEqual(self.rcode(ADDED), dns.rcode.REFUSED)
        self.assertIn("as soon as its data are there", self.add("--allow-transfer", "127.0.0.1"))
        until("the added zone arrives", lambda: self.served(ADDED) == 1)
        self.assertEqual(self.server.status(ADDED)["origin"], "added")
        self.assertIn("added at run time", self.fine("status", ADDED))
        self.assertEqual(self.server.metric("zone_serial", zone=ADDED, role="served"), 1)
        until("it is compared", lambda: self.server.json_verb("compare", ADDED)["complete"])
        query.transfer("127.0.0.1", self.port, ADDED)  # raises where we refuse

        # A change arrives by the primary's own NOTIFY, as with any zone; the zone's refresh is a day.
        self.write(ADDED, 2)
        self.primary.reload()
        until("a change arrives", lambda: self.served(ADDED) == 2)

        # Kept across a crash, options included; served before any primary was asked.
        self.primary.stop()
        self.server.kill()
        self.server.start()
        self.assertEqual(self.served(ADDED), 2)
        query.transfer("127.0.0.1", self.port, ADDED)
        self.assertEqual(self.server.status(CONFIGURED)["origin"], "configuration")

        # Removed: REFUSED at once, and after a restart too.
        self.assertIn("kept for 7 days", self.fine("remove", ADDED))
        self.assertEqual(self.rcode(ADDED), dns.rcode.REFUSED)
        self.assertEqual(self.rcode(CONFIGURED), dns.rcode.NOERROR)
        self.assertIsNone(self.server.metric("zone_serial", zone=ADDED))
        self.assertIsNone(self.server.metric("compare_total", zone=ADDED))
        self.assertIn(f"{ADDED} is served no more since ", self.fine("status"))
        self.restart()
        self.assertEqual(self.rcode(ADDED), dns.rcode.REFUSED)
        unserved = self.server.json_verb("status")["unserved"]
        self.assertEqual([(zone["zone"], zone["serial"]) for zone in unserved], [(ADDED, 2)])
        # The data are still there, for whoever needs them.
        self.assertIn('"serial 2"', self.fine("show", ADDED))

        # Added again: served at once from the mirror, though the primary is dead.
        self.assertIn("version 2 with serial 2 was still in the mirror", self.add())
        self.assertEqual(self.served(ADDED), 2)
        self.assertEqual(self.server.json_verb("status")["unserved"], [])

        # And it lives on from there.
        self.primary.start()
        self.write(ADDED, 3)
        self.primary.reload()
        until("a change arrives", lambda: self.served(ADDED) == 3)
        self.assertEqual(self.server.status(ADDED)["version"], 3)

    def test_the_configuration_wins(self):
        self.add("--refresh-min", "2h")
        until("the added zone arrives", lambda: self.served(ADDED) == 1)
        self.server.zones.append(self.configured(ADDED))
        self.restart()
        self.assertIn(f"added-zone-in-configuration zone={ADDED}", self.server.log())
        self.assertEqual(self.served(ADDED), 1)
        self.assertEqual(self.server.status(ADDED)["origin"], "configuration")
        self.assertIn("comes from the configuration", self.refused("remove", ADDED))
        self.assertEqual(self.served(ADDED), 1)

    def test_what_leaves_the_configuration_is_unserved_and_kept(self):
        self.server.zones = [self.configured(ADDED)]
        self.restart()
        until("the other zone arrives", lambda: self.served(ADDED) == 1)
        self.assertEqual(self.rcode(CONFIGURED), dns.rcode.REFUSED)
        self.assertEqual([zone["zone"] for zone in self.server.json_verb("status")["unserved"]], [CONFIGURED])
        self.primary.stop()
        self.server.zones.append(self.configured())
        self.restart()
        self.assertEqual(self.served(CONFIGURED), 1, "it came back, and is served from the mirror")
        self.assertEqual(self.server.json_verb("status")["unserved"], [])

    def test_removing_does_not_wait_for_a_transfer(self):
        # A primary that takes the connection and says nothing.
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        self.fine("add", ADDED, "--source", f"axfr://127.0.0.1:{silent.getsockname()[1]}")
        until("a transfer is under way", lambda: self.server.status(ADDED)["transferring"])
        self.fine("remove", ADDED)
        self.assertEqual(self.rcode(ADDED), dns.rcode.REFUSED)
        self.add()
        until("the zone arrives from the other primary", lambda: self.served(ADDED) == 1)

    def test_misuse(self):
        source = ("--source", self.primary.source)
        for verb, words in ((("add", ADDED), "has no source"),
                            (("add", *source), "ZONE"),
                            (("add", "bad..name", *source), "bad..name"),
                            (("add", ADDED, "--source", "ftp://192.0.2.1"), "is no source"),
                            (("add", ADDED, "--source", "exec:/bin/true"), "configuration file only"),
                            (("add", ADDED, *source, "--source", "exec:/bin/true"), "configuration file only"),
                            (("add", ADDED, *source, "--refresh-min", "soon"), "refresh-min: \"soon\" is no duration"),
                            (("add", ADDED, *source, "--refresh-min", "2d"), "refresh-min is above refresh-max"),
                            (("add", ADDED, *source, "--transfer-max-records", "0"), "out of range"),
                            (("add", ADDED, *source, "--nonsense", "1"), "--help"),
                            (("add", CONFIGURED, *source), "the configuration has it"),
                            (("remove", CONFIGURED), "comes from the configuration"),
                            (("remove", ADDED), "is no zone of this server"),
                            (("remove",), "ZONE")):
            with self.subTest(verb=verb):
                self.assertIn(words, self.refused(*verb))
        self.add()
        self.assertIn("was added already", self.refused("add", ADDED.upper(), *source))
        self.fine("remove", ADDED.upper())
        self.assertIn("is no zone of this server", self.refused("remove", ADDED))

    def test_a_file_is_meant_from_where_the_operator_stands(self):
        path = self.scratch.write("relative.zone", zones.small(ADDED, 7))
        self.fine("add", ADDED, "--source", "file:" + os.path.relpath(path))
        until("the file is served", lambda: self.served(ADDED) == 7)
        self.assertEqual(self.server.status(ADDED)["primaries"][0]["source"], "file:" + path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
