"""The comparer of a running server, and what it does with what it finds (compare_peers.py: that it finds it, at each peer)."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import query
from compared import OPEN_GATE, ZONE, found, zone_text
from processes import Scratch, free_port, until
from understudy import Understudy


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def mirror(self, text, apex=ZONE, tables=None, **options):
        """Understudy with the zone of a file."""
        file = self.scratch.write("mirror.zone", text)
        server = Understudy(self.scratch, [{"name": apex, "source": [f"file:{file}"], **OPEN_GATE, **options}], tables=tables).start()
        until("the zone is served", lambda: query.serial("127.0.0.1", server.port, apex) is not None, deadline=180)
        return server

    def peer(self, kind, text, apex=ZONE, name=None):
        server = kind(self.scratch, [apex], name=name)
        server.write_zone(apex, text)
        server.start()
        until(f"{server.name} serves", lambda: query.serial("127.0.0.1", server.port, apex) is not None, deadline=180)
        return server

    def compare(self, server, ports, code, apex=ZONE, rate=1_000_000):
        addresses = [word for port in ports for word in ("--with", f"127.0.0.1:{port}")]
        done = server.verb("compare", apex, *addresses, "--rate", str(rate), "--json", deadline=300)
        self.assertEqual(done.returncode, code, (done.stdout[-3000:], done.stderr))
        return json.loads(done.stdout)


class NoProof(Case):
    """What must not become an alarm."""

    def test_a_primary_that_is_silent_is_unknown(self):
        server = self.mirror(zone_text())
        report = self.compare(server, [free_port()], 3)
        self.assertEqual(report["against"][0]["match"], 0)


class Running(Case):
    """The comparer of the server: what it finds, keeps, expects and samples."""

    def setUp(self):
        super().setUp()
        self.other = self.peer(peers.Nsd, zone_text([4, 5]))
        self.tables = {"compare": {"rate": 500, "period": "2s", "live-share": 1}}

    def report(self):
        return self.server.json_verb("compare", ZONE)

    def run_mirror(self):
        self.server = self.mirror(zone_text(), tables=self.tables, **{"compare-with": [f"127.0.0.1:{self.other.port}"]})

    def test_evidence_survives_a_restart_and_goes_with_its_cause(self):
        self.run_mirror()
        until("both are found", lambda: found(self.report()) == {("changed", "A", "rdata"), ("slow", "A", "ttl")})
        before = {m["owner"]: m["since"] for m in self.report()["mismatches"]}
        until("it was complete", lambda: self.report()["last_full_pass"])
        # SIGTERM writes what is known; the other side is gone, so that nothing can be found anew.
        self.server.stop()
        self.other.kill()
        self.server.start()
        self.assertEqual({m["owner"]: m["since"] for m in self.report()["mismatches"]}, before)
        changed = next(m for m in self.report()["mismatches"] if m["owner"] == "changed." + ZONE)
        self.assertEqual((changed["ours"]["rdata"], changed["theirs"]["rdata"]), (["192.0.2.5"], ["192.0.2.55"]))
        self.assertEqual(changed["evidence"]["address_serial"], 7)
        api = self.server.get(f"/api/v1/zones/{ZONE}/mismatches")
        self.other.write_zone(ZONE, zone_text())
        self.other.start()
        until("they are gone", lambda: self.report()["mismatches"] == [] and self.report()["complete"], deadline=120)
        self.assertIn("evidence", str(api))

    def test_the_evidence_is_told_as_long_as_it_differs(self):
        """Both answers, when, which address, who answered (NSID) and from what (ZONEVERSION), and versions: by the verb, its JSON
        and the API, after later passes and after a restart too."""
        file = self.scratch.write("other.zone", zone_text([4], serial=9))
        other = Understudy(self.scratch, [{"name": ZONE, "source": [f"file:{file}"]}], name="other",
                           tables={"edns": {"nsid": "east-3"}}).start()
        self.tables["compare"]["period"] = "1s"
        self.server = self.mirror(zone_text(serial=9), tables=self.tables, **{"compare-with": [f"127.0.0.1:{other.port}"]})

        def difference():
            mismatches = self.report()["mismatches"]
            return mismatches and mismatches[0]

        def check():
            told = difference()
            self.assertEqual((told["owner"], told["type"], told["class"], told["address"]),
                             ("changed." + ZONE, "A", "rdata", f"127.0.0.1:{other.port}"))
            self.assertEqual((told["ours"]["rdata"], told["theirs"]["rdata"]), (["192.0.2.5"], ["192.0.2.55"]))
            self.assertLessEqual(told["since"], told["evidence"].pop("last_seen"))
            self.assertEqual(told["evidence"], {"version": 1, "serial": 9, "address_serial": 9, "nsid": "east-3", "zone_version": 9,
                                                "made_up": False})
            api = json.loads(self.server.get(f"/api/v1/zones/{ZONE}/mismatches")[1])["mismatches"][0]["evidence"]
            self.assertEqual((api["nsid"], api["zone_version"]), ("east-3", 9))
            text = self.server.verb("compare", ZONE).stdout
            for word in (f"127.0.0.1:{other.port}", "192.0.2.5\n", "192.0.2.55", "first seen", ", last ", "here version 1, serial 9",
                         "there serial 9", "answered from serial 9", "answered by east-3"):
                self.assertIn(word, text)

        first = until("it is found", difference)["evidence"]["last_seen"]
        check()
        until("a later pass saw it too", lambda: difference()["evidence"]["last_seen"] > first)
        check()
        self.server.stop()
        other.stop()
        self.server.start()
        check()

    def test_expected_differences_are_counted_apart(self):
        self.tables["[compare.expect]"] = {"owner": "changed." + ZONE, "type": "A", "class": "rdata", "reason": "flattened there"}
        self.run_mirror()
        until("the other is found", lambda: found(self.report()) == {("slow", "A", "ttl")})
        until("it is expected", lambda: self.server.metric("compare_expected", zone=ZONE) == 1)
        self.other.write_zone(ZONE, zone_text())
        self.other.reload()
        until("it is told that nothing matches", lambda: self.report()["expectations"][0]["unused"], deadline=120)
        self.assertEqual(self.server.metric("compare_expected", zone=ZONE), 0)
        until("and logged", lambda: "expectation-pointless" in self.server.log())

    def test_expected_differences_do_not_fail_a_single_comparison(self):
        self.tables["[compare.expect]"] = {"owner": "changed." + ZONE, "reason": "flattened there"}
        server = self.mirror(zone_text(), tables=self.tables)
        report = self.compare(server, [self.other.port], 1)
        self.assertEqual(found(report), {("slow", "A", "ttl")})
        self.assertEqual(report["against"][0]["expected"], 1)
        self.other.write_zone(ZONE, zone_text([4]))
        self.other.reload()
        until("the TTL is ours", lambda: query.udp("127.0.0.1", self.other.port, "slow." + ZONE, "A").answer[0].ttl == 300)
        self.assertTrue(self.compare(server, [self.other.port], 0)["complete"])
        told = server.verb("compare", ZONE, "--with", f"127.0.0.1:{self.other.port}", "--rate", "100000")
        self.assertIn(f"1 difference is expected at changed.{ZONE} (flattened there)", told.stdout)
        self.assertIn("every other answer is equal", told.stdout)
        # Without that configuration it is a difference like any other.
        told = server.verb("compare", ZONE, "--with", f"127.0.0.1:{self.other.port}", "--rate", "100000", "--data", server.data, config=False)
        self.assertEqual(told.returncode, 1, told)

    def reload(self):
        self.server.write_config()
        self.assertEqual(self.server.verb("reload").returncode, 0)
        self.assertNotIn("restart-needed", self.server.log())

    def test_a_reload_changes_pace_expectations_and_series(self):
        self.tables["compare"].update({"rate": 0.01, "period": "365d"})  # a question in a hundred seconds
        self.run_mirror()
        self.tables["compare"]["rate"] = 500
        self.reload()
        until("both are found", lambda: found(self.report()) == {("changed", "A", "rdata"), ("slow", "A", "ttl")})
        first = until("the pass is over", lambda: self.report()["last_full_pass"])
        self.tables["[compare.expect]"] = {"owner": "slow." + ZONE, "reason": "another plan there"}
        self.tables["compare"]["period"] = "1s"
        self.reload()
        self.assertEqual(found(self.report()), {("changed", "A", "rdata")})
        self.assertEqual(self.server.metric("compare_expected", zone=ZONE), 1)
        until("the next pass does not wait for a year", lambda: self.report()["last_full_pass"] > first)
        del self.tables["[compare.expect]"]
        self.assertIsNotNone(self.server.metric("zone_serial", zone=ZONE))
        self.tables["metrics"] = {"zones": ["another.test"]}
        self.reload()
        self.assertEqual(found(self.report()), {("changed", "A", "rdata"), ("slow", "A", "ttl")})
        self.assertIsNone(self.server.metric("zone_serial", zone=ZONE))
        self.assertEqual(self.server.metric("zones_suppressed"), 1)

    def test_evidence_goes_with_the_address(self):
        self.run_mirror()
        until("both are found", lambda: len(found(self.report())) == 2)
        self.server.stop()  # writes it
        self.server.start()
        self.assertEqual(len(found(self.report())), 2)
        right = self.peer(peers.Nsd, zone_text(), name="right")
        self.server.zones[0]["compare-with"] = [f"127.0.0.1:{right.port}"]
        self.reload()
        until("it is compared with the other", lambda: self.report()["complete"] and self.report()["against"][0]["match"] > 0)
        self.assertEqual(self.report()["mismatches"], [])
        # As it would be taken up, where it were still there: nothing can be found anew.
        self.server.stop()
        self.other.kill()
        self.server.zones[0]["compare-with"] = [f"127.0.0.1:{self.other.port}"]
        self.server.start()
        self.assertEqual(self.report()["mismatches"], [])

    def run_with_more_there(self):
        """The other side has one answer more, of a type for which the walk does not ask at this owner in its first passes."""
        self.tables["compare"]["period"] = "1h"
        self.other.write_zone(ZONE, zone_text() + "more 300 HINFO cpu os\n")
        self.other.reload()
        until("it is loaded", lambda: query.udp("127.0.0.1", self.other.port, "more." + ZONE, "HINFO").answer)
        self.run_mirror()
        until("the pass is over", lambda: self.report()["complete"])
        self.assertEqual(self.report()["mismatches"], [])

    def until_more_is_found(self):
        until("it is found", lambda: ("more", "HINFO", "extra") in {(o.lower(), t, c) for o, t, c in found(self.report())})

    def test_what_clients_ask_is_compared(self):
        self.run_with_more_there()
        query.udp("127.0.0.1", self.server.port, "MORE." + ZONE, "HINFO")
        self.until_more_is_found()

    def test_a_reload_changes_the_share_of_what_clients_ask(self):
        self.tables["compare"]["live-share"] = 0
        self.run_with_more_there()
        self.tables["compare"]["live-share"] = 1
        self.reload()
        query.tcp("127.0.0.1", self.server.port, "more." + ZONE, "HINFO")
        self.until_more_is_found()


if __name__ == "__main__":
    unittest.main(verbosity=2)
