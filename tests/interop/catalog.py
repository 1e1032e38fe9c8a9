"""Catalog zones (RFC 9432): zones that come and go as Knot, BIND and PowerDNS say, and as we say to them."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.rcode
import dns.xfr

import peers
import query
import secondaries
import zones
from processes import Scratch, free_port, until
from understudy import Understudy

CATALOG = "catalog.invalid."
MEMBERS = [f"{word}.example." for word in ("one", "two", "three", "four", "five")]
LATE = "six.example."


def catalog_text(apex, serial, members, more=""):
    """`members` are names, or pairs of a name and a label."""
    pairs = [member if isinstance(member, tuple) else (member, member.split(".")[0]) for member in members]
    nodes = "".join(f"{label}.zones IN PTR {name}\n" for name, label in pairs)
    return (f'$ORIGIN {apex}\n$TTL 0\n@ IN SOA invalid. invalid. {serial} 86400 86400 1209600 0\n@ IN NS invalid.\n'
            f'version IN TXT "2"\n{nodes}{more}')


class CatalogByTcp:
    """Knot answers what a catalog holds over TCP only, and to those who may transfer it."""

    def serial(self, apex):
        if apex != CATALOG:
            return super().serial(apex)
        try:
            answer = query.tcp(self.address, self.port, apex, "SOA")
        except (OSError, EOFError):
            return None
        return answer.answer[0][0].serial if answer.answer else None


class Knot(CatalogByTcp, peers.Knot):
    """Makes the catalog itself, of what its configuration says."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.members = list(MEMBERS)

    def signed(self, apex):
        if apex == CATALOG:
            return "    catalog-role: generate\n    zonefile-load: none\n"
        return f"    catalog-role: member\n    catalog-zone: {CATALOG}\n    catalog-group: gold\n"

    def start(self):
        self.apexes = [CATALOG, *self.members]
        for apex in self.members:
            self.write_zone(apex, zones.small(apex, 1))
        return super().start()

    def change(self, members):
        self.members = members
        self.apexes = [CATALOG, *members]
        for apex in members:
            if not os.path.exists(self.zone_file(apex)):
                self.write_zone(apex, zones.small(apex, 1))
        with open(os.path.join(self.directory, "server.conf"), "w", encoding="utf-8") as file:
            file.write(self.configuration())
        self.reload()


class Bind(peers.Bind):
    """The catalog is a zone file as any other."""

    def __init__(self, scratch, apexes, serial=1, **options):
        super().__init__(scratch, apexes, **options)
        self.catalog_serial = serial

    def start(self):
        self.write_catalog(MEMBERS)
        for apex in self.apexes:
            if apex.endswith(".example."):
                self.write_zone(apex, zones.small(apex, 1))
        return super().start()

    def write_catalog(self, members, more="", apex=CATALOG):
        self.catalog_serial += 1
        text = catalog_text(apex, self.catalog_serial, members, more)
        groups = "".join(f'group.{member.split(".")[0]}.zones IN TXT "gold"\n' for member in members if isinstance(member, str))
        self.write_zone(apex, text + groups)
        return self.catalog_serial

    def change(self, members, more=""):
        serial = self.write_catalog(members, more)
        self.reload()
        return serial


class PowerDns(peers.PowerDns):
    """A producer; its operator puts zones into it."""

    def start(self):
        self.members = list(MEMBERS)
        self.apexes = [CATALOG, *MEMBERS]
        self.write_zone(CATALOG, f"$ORIGIN {CATALOG}\n$TTL 0\n@ IN SOA invalid. invalid. 1 86400 86400 1209600 0\n@ IN NS invalid.\n")
        for apex in MEMBERS:
            self.write_zone(apex, zones.small(apex, 1))
        self.write_configuration()
        self.load(CATALOG)
        self.run("/usr/bin/pdnsutil", "set-kind", CATALOG.strip("."), "producer")
        for apex in MEMBERS:
            self.enter(apex)
        return peers.Peer.start(self)

    def enter(self, apex):
        self.load(apex)
        self.run("/usr/bin/pdnsutil", "set-kind", apex.strip("."), "primary")
        self.run("/usr/bin/pdnsutil", "set-catalog", apex.strip("."), CATALOG.strip("."))
        self.run("/usr/bin/pdnsutil", "set-option", apex.strip("."), "producer", "group", "gold")

    def change(self, members):
        for apex in set(members) - set(self.members):
            self.write_zone(apex, zones.small(apex, 1))
            self.enter(apex)
        for apex in set(self.members) - set(members):
            self.run("/usr/bin/pdnsutil", "delete-zone", apex.strip("."))
        self.members = members

    def configuration(self):
        return super().configuration() + "xfr-cycle-interval=1\n"


class CatalogCase(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.port = free_port()

    def follow(self, primary, **options):
        """A server that takes the zones of example. from that catalog."""
        catalog = {"name": CATALOG, "source": [primary.source], "allow": ["*.example"], **options}
        self.server = Understudy(self.scratch, [], catalogs=[catalog], listen=[f"127.0.0.1:{self.port}"]).start()

    def served(self, apex):
        return query.serial("127.0.0.1", self.port, apex)

    def rcode(self, name, rdtype="SOA"):
        return query.udp("127.0.0.1", self.port, name, rdtype).rcode()

    def wait_members(self, members):
        until(f"{len(members)} members are there", lambda: self.server.status(CATALOG)["catalog"]["members"] == len(members))
        for apex in members:
            until(f"{apex} is served", lambda apex=apex: self.served(apex) is not None)


class FromPeers(CatalogCase):
    """Each peer makes a catalog; we follow it."""

    def check(self, primary, group="gold"):
        template = {"name": "golden", "source": [primary.source], "allow-transfer": ["127.0.0.1"]}
        catalog = {"name": CATALOG, "source": [primary.source], "allow": ["*.example"], "groups": ["gold=golden"]}
        self.server = Understudy(self.scratch, [], catalogs=[catalog], templates=[template],
                                 listen=[f"127.0.0.1:{self.port}"]).start()
        self.wait_members(MEMBERS)
        status = self.server.status(MEMBERS[0])
        self.assertEqual((status["origin"], status["member_of"]["catalog"]), ("catalog", CATALOG))
        self.assertEqual(status["member_of"]["group"], group)
        query.transfer("127.0.0.1", self.port, MEMBERS[0])  # the template of its group lets us
        self.assertIn(f"the catalog {CATALOG}", self.server.verb("status", MEMBERS[0]).stdout)
        self.assertIn("5 members", self.server.verb("status", CATALOG).stdout)

        # The catalog itself is nobody's business (RFC 9432 7).
        self.assertEqual(self.rcode(CATALOG), dns.rcode.REFUSED)
        self.assertEqual(self.rcode("version." + CATALOG, "TXT"), dns.rcode.REFUSED)
        self.assertRaises(dns.xfr.TransferError, query.transfer, "127.0.0.1", self.port, CATALOG)

        # One more, and one less, by the primary's own NOTIFY: the refresh is a day, or an hour.
        primary.change([*MEMBERS, LATE])
        self.wait_members([*MEMBERS, LATE])
        primary.change([*MEMBERS[1:], LATE])
        until("a member goes", lambda: self.rcode(MEMBERS[0]) == dns.rcode.REFUSED)
        self.assertEqual([zone["zone"] for zone in self.server.json_verb("status")["unserved"]], [MEMBERS[0]])
        self.assertEqual(self.server.metric("catalog_members", zone=CATALOG), 5)

        # Primary dead, crash, start: served before anybody was asked.
        primary.kill()
        self.server.kill()
        self.server.start()
        for apex in [*MEMBERS[1:], LATE]:
            self.assertEqual(self.served(apex), 1, apex)
        self.assertEqual(self.rcode(MEMBERS[0]), dns.rcode.REFUSED)

    def test_knot(self):
        self.check(Knot(self.scratch, [], notify=[self.port]).start())

    def test_bind(self):
        self.check(Bind(self.scratch, [CATALOG, *MEMBERS, LATE], notify=[self.port]).start())

    def test_powerdns(self):
        self.check(PowerDns(self.scratch, [], notify=[self.port]).start())


class Decisions(CatalogCase):
    """What a catalog may do to us, and what not. The primary is BIND, with catalogs that are written by hand."""

    OTHER = "other.invalid."

    def begin(self, **options):
        self.primary = Bind(self.scratch, [CATALOG, self.OTHER, *MEMBERS, LATE], notify=[self.port])
        self.primary.write_catalog([LATE], apex=self.OTHER)
        self.primary.start()
        self.follow(self.primary, **options)
        self.wait_members(MEMBERS)

    def held(self):
        held = self.server.status(CATALOG)["held"]
        return held and held["reason"]

    def test_a_catalog_that_loses_most_of_its_members_is_held(self):
        self.begin()
        self.primary.change([])
        until("it is held", lambda: self.held() == "catalog-shrink")
        for apex in MEMBERS:
            self.assertEqual(self.served(apex), 1, apex)
        self.assertEqual(self.server.metric("zone_held", zone=CATALOG), 1)
        self.assertEqual(self.server.metric("versions_held_total", reason="catalog-shrink"), 1)
        self.assertIn("reason=catalog-shrink", self.server.log())
        self.assertIn("5 of its 5 members are gone", self.server.verb("status", CATALOG).stdout)
        version = self.server.status(CATALOG)["held"]["version"]
        done = self.server.verb("accept", CATALOG, "--version", str(version))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for apex in MEMBERS:
            until(f"{apex} goes", lambda apex=apex: self.rcode(apex) == dns.rcode.REFUSED)

    def test_a_broken_catalog_is_not_obeyed(self):
        self.begin()
        self.primary.change(MEMBERS[:4], 'version IN TXT "1"\n')
        until("it is held", lambda: self.held() == "catalog-broken")
        self.assertEqual(self.served(MEMBERS[4]), 1)
        self.assertIn("it says 2 versions", self.server.verb("status", CATALOG).stdout)
        self.assertEqual(self.server.verb("accept", CATALOG, "--version", "2").returncode, 2)
        self.primary.change(MEMBERS[:4])
        until("the next one is obeyed", lambda: self.rcode(MEMBERS[4]) == dns.rcode.REFUSED)
        self.assertIsNone(self.held())

    def test_another_label_begins_anew(self):
        self.begin()
        self.primary.write_zone(MEMBERS[0], zones.small(MEMBERS[0], 2))
        self.primary.reload()
        until("a second version", lambda: self.server.status(MEMBERS[0])["version"] == 2)
        self.primary.change([(MEMBERS[0], "another"), *MEMBERS[1:]])

        def begins_anew():
            try:
                zone = self.server.status(MEMBERS[0])
            except AssertionError:  # it has gone, and not come yet: no zone of this server
                return False
            return zone.get("member_of", {}).get("label") == "another" and zone["version"] == 1
        until("the zone begins anew", begins_anew)
        self.assertEqual(len(self.server.json_verb("history", MEMBERS[0])), 1)
        self.assertEqual(self.server.status(MEMBERS[1])["member_of"]["label"], "two")

    def test_ownership_changes(self):
        self.begin()
        self.server.catalogs.append({"name": self.OTHER, "source": [self.primary.source], "allow": ["*.example"]})
        self.server.write_config()
        self.assertEqual(self.server.verb("reload").returncode, 0)
        until("the other catalog's member is there", lambda: self.served(LATE) == 1)

        # Both have it, and nobody said that it may move.
        self.primary.write_catalog([LATE, MEMBERS[0]], apex=self.OTHER)
        self.primary.reload()
        until("it is refused", lambda: self.server.status(self.OTHER)["catalog"]["members_refused"] == 1)
        self.assertEqual(self.server.log().count("catalog-member-refused"), 1, self.server.log())
        self.assertEqual(self.server.status(MEMBERS[0])["member_of"]["catalog"], CATALOG)

        # Now its catalog says so, and the other has it already, by the same label.
        before = self.server.status(MEMBERS[0])
        self.primary.change(MEMBERS, f"coo.one.zones IN PTR {self.OTHER}\n")
        until("it moves", lambda: self.server.status(MEMBERS[0])["member_of"]["catalog"] == self.OTHER)
        after = self.server.status(MEMBERS[0])
        self.assertEqual([after[key] for key in ("version", "serial", "published", "digest")],
                         [before[key] for key in ("version", "serial", "published", "digest")])
        self.primary.change(MEMBERS[1:])
        until("the old catalog has four", lambda: self.server.status(CATALOG)["catalog"]["members"] == 4)
        self.assertEqual(self.served(MEMBERS[0]), 1)

    def test_what_is_not_allowed_or_somebody_elses(self):
        self.begin()
        self.primary.change([*MEMBERS, "evil.test."])
        until("it is refused", lambda: self.server.status(CATALOG)["catalog"]["members_refused"] == 1)
        self.assertIn("evil.test. is not taken: catalog-not-allowed", self.server.verb("status", CATALOG).stdout)
        self.assertEqual(self.server.metric("catalog_members_refused", zone=CATALOG), 1)
        self.assertEqual(self.rcode("evil.test."), dns.rcode.REFUSED)
        # The configuration takes one over, with its data.
        self.server.zones.append({"name": MEMBERS[0], "source": [self.primary.source], "refresh-min": "2h"})
        self.server.write_config()
        self.assertEqual(self.server.verb("reload").returncode, 0)
        self.assertEqual(self.server.status(MEMBERS[0])["origin"], "configuration")
        self.assertEqual(self.served(MEMBERS[0]), 1)
        # And what it gives back is the catalog's again.
        self.server.zones.clear()
        self.server.write_config()
        self.assertEqual(self.server.verb("reload").returncode, 0)
        until("the catalog has it", lambda: self.server.json_verb("status", MEMBERS[0]).get("origin") == "catalog")
        self.assertIn(f"is a member of the catalog {CATALOG}", self.server.verb("remove", MEMBERS[0]).stderr)


class KnotConsumer(CatalogByTcp, secondaries.KnotSecondary):
    def configuration(self):
        return super().configuration().replace("\nzone:\n", """
  - id: members
    storage: {0}
    master: primary
    acl: all
    zonefile-sync: -1
    zonefile-load: none
    journal-content: all
zone:
""".format(self.directory), 1) + "    catalog-role: interpret\n    catalog-template: members\n"


class BindConsumer(secondaries.BindSecondary):
    def configuration(self):
        return super().configuration().replace("options {\n", f"""options {{
  allow-notify {{ 127.0.0.0/8; }};
  catalog-zones {{ zone "{CATALOG}" default-primaries {{ 127.0.0.1 port {self.primary_port}; }} in-memory yes min-update-interval 1; }};
""", 1)


class PowerDnsConsumer(secondaries.PowerDnsSecondary):
    def start(self):
        self.write_configuration()
        self.run("/usr/bin/pdnsutil", "create-secondary-zone", CATALOG.strip("."), f"127.0.0.1:{self.primary_port}")
        self.run("/usr/bin/pdnsutil", "set-kind", CATALOG.strip("."), "consumer")
        return peers.Peer.start(self)

    def serial(self, apex):
        return peers.Peer.serial(self, apex)

    def configuration(self):
        return super().configuration().replace("xfr-cycle-interval=60", "xfr-cycle-interval=1")


class ToPeers(CatalogCase):
    """A catalog of ours: the peer has no zone configured but that."""

    def check(self, kind):
        consumer = kind(self.scratch, [CATALOG])
        for apex in MEMBERS:
            path = os.path.join(self.scratch.directory("files"), apex + "zone")
            with open(path, "w", encoding="utf-8") as file:
                file.write(zones.small(apex, 1))
        files = self.scratch.directory("files")
        ours = [{"name": apex, "source": [f"file:{files}/{apex}zone"], "allow-transfer": ["127.0.0.0/8"],
                 "notify": [f"127.0.0.1:{consumer.port}"]} for apex in MEMBERS]
        catalog = {"name": CATALOG, "publish": ["*.example"], "publish-groups": ["one.example=gold"],
                   "allow-transfer": ["127.0.0.0/8"], "notify": [f"127.0.0.1:{consumer.port}"]}
        self.server = Understudy(self.scratch, ours[:4], catalogs=[catalog], listen=[f"127.0.0.1:{self.port}"]).start()
        until("the catalog is made", lambda: self.server.status(CATALOG)["catalog"]["members"] == 4)
        consumer.follow(self.server)
        self.wait_for(consumer, MEMBERS[:4])
        serial = self.served(CATALOG)

        # One more and one less, by our NOTIFY.
        self.server.zones = ours[1:]
        self.server.write_config()
        self.assertEqual(self.server.verb("reload").returncode, 0)
        self.wait_for(consumer, MEMBERS[1:])
        until("a member goes", lambda: consumer.serial(MEMBERS[0]) is None)
        self.assertGreater(self.served(CATALOG), serial)

        # A start changes neither labels nor serial: the list is the same.
        text = query.transfer("127.0.0.1", self.port, CATALOG).to_text()
        self.server.stop()
        self.server.start()
        self.assertEqual(self.server.verb("refresh", CATALOG).returncode, 0)
        self.assertEqual(query.transfer("127.0.0.1", self.port, CATALOG).to_text(), text)

    def wait_for(self, consumer, members):
        for apex in members:
            until(f"{consumer.name} serves {apex}", lambda apex=apex: consumer.process.require_alive() and consumer.serial(apex) == 1)

    def test_knot(self):
        self.check(KnotConsumer)

    def test_bind(self):
        self.check(BindConsumer)

    def test_powerdns(self):
        self.check(PowerDnsConsumer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
